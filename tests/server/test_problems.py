"""What is wrong with a request is said in one sentence: what came, what is allowed, what next."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from served import API, MODEL

NOTE = {"onset": 0, "duration": 4, "pitch": 60}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"bars": 0}, "bars came as 0; 1 or more is allowed."),
        ({"bars": 10**6}, "bars came as 1000000; 256 at most is allowed."),
        ({"bars": "four"}, 'bars came as "four"; a whole number is allowed.'),
        ({"novel": "yes"}, 'novel came as "yes"; true or false is allowed.'),
        ({"start": "middle"}, "start came as \"middle\"; 'nothing' or 'opening' is allowed."),
        ({"bar": 4}, "bar is not known here: did you mean 'bars'? (allowed: bars, engine, "),
        (
            {"sampling": {"temprature": 1}},
            "sampling.temprature is not known here: did you mean 'te",
        ),
        ({"sampling": {"top_p": 2}}, "sampling.top_p came as 2; 1 at most is allowed."),
        ({"wishes": 3}, "wishes came as 3; an object is allowed."),
        ({"sampling": {"top_k": -1, "top_p": -1}}, "sampling.top_k came as -1; "),
    ],
)
def test_a_sentence_for_each_fault(client: httpx.Client, asked: dict[str, Any], said: str) -> None:
    answer = client.post(f"{API}/generate", json={"model": MODEL, **asked})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()["detail"]
    assert told.startswith(said)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"json": [1]}, "the body came as [1]; an object is allowed."),
        ({"content": b"hello"}, "the body came as text: send JSON, and say Content-Type: "),
        ({}, "the body is missing: /docs shows what is asked here."),
        ({"json": {"model": MODEL}}, "music is missing: /docs shows what is asked here."),
        ({"json": {"model": "", "music": {}}}, "model came with 0; 1 or more letters are needed."),
        ({"json": {"model": 3, "music": {}}}, "model came as 3; text is allowed."),
        (
            {"content": b"{", "headers": {"content-type": "application/json"}},
            "the body is not JSON at character 1: ",
        ),
        (
            {"json": {"model": MODEL, "music": {"notes": [{**NOTE, "pitch": 200}]}}},
            "music.notes.0.pitch came as 200; 127 at most is allowed.",
        ),
    ],
)
def test_bodies_that_cannot_be_read(client: httpx.Client, sent: dict[str, Any], said: str) -> None:
    answer = client.post(f"{API}/evaluate", **sent)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(said)


def test_what_is_not_in_the_body(client: httpx.Client) -> None:
    def told(answer: httpx.Response) -> str:
        return str(answer.json()["detail"])

    assert told(client.get(f"{API}/jobs?limit=0")) == 'limit came as "0"; 1 or more is allowed.'
    found = told(client.get(f"{API}/jobs/XYZ!"))
    assert found == 'id came as "XYZ!"; only what matches ^[0-9a-f]+$ is allowed.'
    empty = told(client.post(f"{API}/drift", json={"model": MODEL, "pieces": []}))
    assert empty == "pieces came with 0; 1 or more is needed."
    wrong = client.get(f"{API}/generate")
    assert told(wrong) == f"GET is not allowed at {API}/generate: use POST."
    several = {"model": MODEL, "takes": 0, "bars": 0}
    assert told(client.post(f"{API}/generate", json=several)).endswith("(1 more like it.)")
    assert wrong.headers["allow"] == "POST"
