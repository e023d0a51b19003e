"""Making music over HTTP: each way, its stream, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from segue import bundles
from segue.generation import generate
from segue.server.wire import Music
from served import API, MODEL, PIECE, ended, events, made


def test_generate_gives_what_the_command_line_gives(client: httpx.Client, run_path: Path) -> None:
    job = made(client, "generate", bars=2, takes=2, seed=7)
    assert job["status"] == "done"
    assert job["seed"] == 7
    alone = generate(bundles.load(run_path), takes=2, bars=2, seed=7)
    for told, take in zip(job["takes"], alone, strict=True):
        music = client.get(f"{API}/takes/{told['id']}").json()["music"]
        assert Music.model_validate(music).score() == take.score.with_(texts=())


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ("continue", {"music": PIECE, "bars": 1}),
        ("infill", {"music": PIECE, "first_bar": 0, "last_bar": 1, "tracks": [1]}),
        ("accompany", {"music": {**PIECE, "tracks": PIECE["tracks"][:1],
                                 "notes": [n for n in PIECE["notes"] if not n["track"]]}}),
        ("loop", {"bars": 1}),
    ],
)  # fmt: skip
def test_each_way(client: httpx.Client, way: str, asked: dict[str, object]) -> None:
    job = made(client, way, seed=3, wishes={"lowest": "C2"}, **asked)
    assert job["status"] == "done", job["problem"]
    take = client.get(f"{API}/takes/{job['takes'][0]['id']}").json()
    assert take["receipt"]["settings"]["way"] == way
    if "music" in asked:
        given = [take["music"]["notes"][i] for i in take["locked"]]
        assert given
        assert len(given) < len(take["music"]["notes"])


def test_the_stream_tells_notes_before_the_take(client: httpx.Client) -> None:
    answer = client.post(
        f"{API}/continue", json={"model": MODEL, "music": PIECE, "bars": 2, "seed": 1}
    )
    job = answer.json()["id"]
    assert answer.headers["location"] == f"{API}/jobs/{job}"
    stream = events(client.get(f"{API}/jobs/{job}/events").text)
    names = [name for _, name, _ in stream]
    numbers = [number for number, _, _ in stream]
    assert names[0] == "queued"
    assert names[-1] == "done"
    assert numbers == sorted(set(numbers))
    told = [note for _, name, data in stream if name == "note" for note in data["notes"]]
    take = client.get(f"{API}/takes/{stream[-1][2]['takes'][0]}").json()
    new = [n for i, n in enumerate(take["music"]["notes"]) if i not in take["locked"]]
    assert told
    assert all(note in new for note in told)
    # What comes after an event is the rest.
    after = client.get(f"{API}/jobs/{job}/events", headers={"last-event-id": str(numbers[2])})
    assert [n for n, _, _ in events(after.text)] == numbers[3:]


def test_the_same_key_gives_the_same_job(client: httpx.Client) -> None:
    asked = {"model": MODEL, "bars": 1}
    key = {"idempotency-key": "once"}
    first = client.post(f"{API}/generate", json=asked, headers=key).json()
    again = client.post(f"{API}/generate", json=asked, headers=key).json()
    assert first["id"] == again["id"]
    other = client.post(f"{API}/generate", json={**asked, "bars": 2}, headers=key)
    assert other.status_code == 409
    ended(client, first["id"])


def test_a_job_is_cancelled(small: Callable[..., httpx.Client]) -> None:
    client = small({"running": 1})
    asked = {"model": MODEL, "bars": 200, "takes": 8}
    first, second = (client.post(f"{API}/generate", json=asked).json()["id"] for _ in range(2))
    assert client.delete(f"{API}/jobs/{second}").json()["status"] == "cancelled"
    client.delete(f"{API}/jobs/{first}")
    assert ended(client, first)["status"] == "cancelled"
    assert events(client.get(f"{API}/jobs/{first}/events").text)[-1][1] == "cancelled"
    assert client.delete(f"{API}/jobs/{first}").json()["status"] == "cancelled"


def test_a_full_queue_answers_429_and_when_to_come_again(
    small: Callable[..., httpx.Client],
) -> None:
    client = small({"running": 1, "waiting": 2})
    asked = {"model": MODEL, "bars": 256, "takes": 16}
    answers = [client.post(f"{API}/generate", json=asked) for _ in range(8)]
    accepted = [a for a in answers if a.status_code == 202]
    refused = [a for a in answers if a.status_code == 429]
    assert (len(accepted), len(refused)) == (3, 5)
    assert all(int(a.headers["retry-after"]) >= 1 for a in refused)
    for answer in accepted:
        client.delete(f"{API}/jobs/{answer.json()['id']}")
    for answer in accepted:
        assert ended(client, answer.json()["id"])["status"] == "cancelled"
    assert made(client, "generate", bars=1)["status"] == "done"


def test_a_job_that_takes_too_long_is_ended(small: Callable[..., httpx.Client]) -> None:
    client = small({"job_seconds": 0.01})
    job = made(client, "generate", bars=256, takes=4)
    assert job["status"] == "failed"
    assert job["problem"]["status"] == 408


@pytest.mark.parametrize(
    ("way", "asked", "status", "said"),
    [
        ("generate", {"model": "tinny"}, 404, "did you mean 'tiny'"),
        ("generate", {"bars": 0}, 422, "bars"),
        ("generate", {"wishes": {"key": "H minor"}}, 422, "H"),
        ("generate", {"sampling": {"heats": {"pich": 1.0}}}, 422, "pitch"),
        ("generate", {"speed": 3}, 422, "speed"),
        ("vary", {"music": PIECE}, 409, "cannot vary"),
        ("continue", {"music": {**PIECE, "notes": []}}, 422, "no notes"),
        ("infill", {"music": PIECE, "first_bar": 2, "last_bar": 1}, 422, "bars 2 to 1"),
        ("infill", {"music": PIECE, "first_bar": 0, "last_bar": 1, "tracks": [5]}, 422, "track 5"),
    ],
)
def test_what_cannot_be_met_is_told_at_once(
    client: httpx.Client, way: str, asked: dict[str, object], status: int, said: str
) -> None:
    answer = client.post(f"{API}/{way}", json={"model": MODEL, **asked})
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert said in problem["detail"]
    assert set(problem) >= {"type", "title", "status", "detail", "instance"}


def test_what_fails_later_says_why(client: httpx.Client) -> None:
    job = made(client, "infill", music=PIECE, first_bar=90, last_bar=91)
    assert job["status"] == "failed"
    assert "the music has 2 bars" in job["problem"]["detail"]
