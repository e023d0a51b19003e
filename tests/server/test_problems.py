"""What is wrong with a request is said in one sentence: what came, what is allowed, what next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from segue.server import schemas
from segue.server.store import Store
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


@pytest.mark.parametrize(
    "body",
    [
        {"music": {"notes": [1] * 100_000}},
        {"music": {"notes": []}, **{f"name{i}": 1 for i in range(100_000)}},
        {"music": {"notes": [{f"name{i}": 1 for i in range(100_000)}]}},
    ],
)
def test_a_fault_in_very_many_places_is_told_once(
    client: httpx.Client, body: dict[str, Any]
) -> None:
    answer = client.post(f"{API}/measure", json=body)
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) < 300
    assert "more like it" not in answer.json()["detail"]


def test_many_values_are_counted_before_they_are_looked_at() -> None:
    asked = {"model": "x", "music": {}, "first_bar": 0, "last_bar": 1, "tracks": ["x"] * 100_000}
    for kind, wrong in [
        (schemas.Infill, asked),
        (schemas.Listening, {"takes": {f"x{i}": "" for i in range(100_000)}}),
        (schemas.Sampling, {"heats": {f"x{i}": "" for i in range(100_000)}}),
    ]:
        with pytest.raises(ValidationError) as found:
            kind.model_validate(wrong)
        assert [each["type"] for each in found.value.errors()] == ["too_long"]


def test_half_a_letter_is_told_as_a_question_mark(client: httpx.Client) -> None:
    body = b'{"model": "\\ud800"}'
    answer = client.post(
        f"{API}/generate", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"] == 'model came as "?"; text is allowed.'


def test_a_database_that_cannot_be_asked_is_told_as_one_that_may_be_again(
    small: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = small()

    def refuse(*_: Any) -> None:
        raise OperationalError("SELECT", None, Exception("the disk is full"))

    monkeypatch.setattr(Store, "job", refuse)
    answer = client.get(f"{API}/jobs/ab")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["detail"].startswith("the database cannot be asked just now")
