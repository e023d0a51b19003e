"""Files into music, music into files, and the sound of spans."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

import segue
from music import chorale
from segue.formats.midi import read_bytes
from segue.server import sandbox
from segue.server.problems import RefusedError
from segue.server.sound import span
from segue.server.wire import Music
from segue.workers import REFUSED, Crew
from served import API, PIECE


def test_a_file_becomes_music(client: httpx.Client, tmp_path: Path) -> None:
    score = chorale(2)
    segue.write(score, tmp_path / "a piece.mid")
    data = (tmp_path / "a piece.mid").read_bytes()
    told = client.post(f"{API}/convert", files={"file": ("../../a piece.mid", data)}).json()
    assert told["name"] == "a piece.mid"
    assert Music.model_validate(told["music"]).score() == segue.read(
        tmp_path / "a piece.mid"
    ).with_(texts=())
    assert told["notes"] == len(score)
    assert told["repairs"] == []


def test_a_broken_file_is_told_in_a_sentence(client: httpx.Client) -> None:
    answer = client.post(f"{API}/convert", files={"file": ("x.mid", b"no midi at all")})
    assert answer.status_code == 422
    assert "x.mid" in answer.json()["detail"]
    answer = client.post(f"{API}/convert", files={"file": ("x.exe", b"MZ")})
    assert answer.status_code == 422
    assert "allowed: .mid" in answer.json()["detail"]


def test_a_file_that_is_too_large_is_refused(small: Callable[..., httpx.Client]) -> None:
    client = small({"upload_bytes": 1000})
    answer = client.post(f"{API}/convert", files={"file": ("x.mid", b"0" * 2000)})
    assert answer.status_code == 413
    answer = client.post(f"{API}/convert", files={"file": ("x.mid", b"0" * 200_000)})
    assert answer.status_code == 413


def test_a_file_that_takes_too_long_is_given_up(small: Callable[..., httpx.Client]) -> None:
    client = small({"convert_seconds": 0.001})
    answer = client.post(f"{API}/convert/png", json={"music": PIECE})
    assert answer.status_code == 422
    assert "took longer than" in answer.json()["detail"]
    assert client.get(f"{API}/health").json()["status"] == "ok"


def greedy(memory: int) -> int:
    """Takes a gigabyte in a child that may have less."""
    sandbox._limit(memory)
    return len(bytearray(1 << 30))


def test_a_child_has_a_limit_of_memory() -> None:
    with Crew(greedy, 1, 60.0) as crew:
        small, large = crew.each([1 << 29, 1 << 36], in_order=True)
    assert (small.status, small.reason) == (REFUSED, "needs more memory than there is.")
    assert large.value == 1 << 30


def asleep(seconds: float) -> None:
    time.sleep(seconds)


def test_a_child_that_is_at_work_is_ended_when_the_server_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "work", asleep)
    children = sandbox.Sandbox(1, 600.0, 0, 1)

    async def stop() -> None:
        file = asyncio.create_task(children.run(600.0))  # type: ignore[arg-type]
        while not children._hired:
            await asyncio.sleep(0.01)
        children.close()
        with pytest.raises(RefusedError, match="ended early"):
            await file

    asyncio.run(stop())


@pytest.mark.parametrize(
    ("format_", "begins"),
    [("mid", b"MThd"), ("musicxml", b"<?xml"), ("abc", b"%abc"), ("png", b"\x89PNG"),
     ("svg", b"<"), ("wav", b"RIFF")],
)  # fmt: skip
def test_music_becomes_a_file(client: httpx.Client, format_: str, begins: bytes) -> None:
    answer = client.post(f"{API}/convert/{format_}", json={"music": PIECE})
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(begins)
    if format_ == "mid":
        assert Music.model_validate(PIECE).score() == read_bytes(answer.content).score


def test_spans_laid_end_to_end_are_the_whole() -> None:
    score = Music.model_validate(PIECE).score()
    gain = 0.2
    whole = _samples(span(score, 0.0, 4.0, ".wav", 22_050, gain)["data"])
    parts = [
        _samples(span(score, a, b, ".wav", 22_050, gain)["data"])
        for a, b in ((0.0, 1.1), (1.1, 2.5), (2.5, 4.0))
    ]
    joined = np.concatenate(parts)
    assert joined.shape == whole.shape
    # Notes that rang out long before a span are left out of it; that is not heard.
    assert np.abs(joined - whole).max() < 0.02
    assert np.abs(whole).max() > 0.02


def test_a_span_is_as_long_as_asked(client: httpx.Client) -> None:
    asked = {"music": PIECE, "begin": 100.0, "end": 100.5, "sample_rate": 22_050}
    answer = client.post(f"{API}/render", json=asked)
    assert np.abs(_samples(answer.content)).max() == 0
    assert len(_samples(answer.content)) == 11_025
    assert float(answer.headers["segue-gain"]) > 0
    empty = client.post(f"{API}/render", json={**asked, "end": 50.0})
    assert empty.status_code == 422


def _samples(data: bytes) -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    return samples


def test_every_readable_format_is_offered() -> None:
    from segue.formats.table import READABLE

    assert set(sandbox.READABLE) == set(READABLE)
