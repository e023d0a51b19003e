"""Files to train on: kept under names that any system takes, and only while they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.server import Settings, training
from segue.server.training import MOST_NAME, keep_upload
from segue.server.work import Outcome, Running
from served import API


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.mid", "00000-passwd.mid"),
        ("C:\\Music\\a b.mid", "00000-a b.mid"),
        ("a\x00b\nc.mid", "00000-a_b_c.mid"),
        ("\ud800.abc", "00000-_.abc"),
        (".mid", "00000-mid"),
        ("", "00000-music"),
        ("音" * 130 + ".musicxml", "00000-" + "音" * (MOST_NAME // 3) + ".musicxml"),
        ("a." + "b" * 300, "00000-a." + "b" * (MOST_NAME - 2)),
    ],
)
def test_a_name_is_one_that_a_file_can_have(tmp_path: Path, given: str, kept: str) -> None:
    assert keep_upload(Settings(work=tmp_path), "r", [(given, b"x")]) == 1
    assert [each.name for each in (tmp_path / "uploads" / "r").iterdir()] == [kept]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Trainings do nothing, until this is set."""
    event = threading.Event()

    def train(running: Running) -> Outcome:
        while not event.wait(0.02):
            running.go_on()
        return Outcome(result={})

    monkeypatch.setattr(training, "table", lambda *_: {"train": ("train", train)})
    return event


def ask(client: httpx.Client, data: bytes = b"MThd", **headers: str) -> httpx.Response:
    files = [("files", ("a.mid", data, "audio/midi"))]
    return client.post(f"{API}/trainings", files=files, data={"max_steps": "1"}, headers=headers)


def uploads(work: Path) -> set[str]:
    return {each.name for each in (work / "uploads").iterdir()}


def test_a_training_that_is_asked_for_again_is_the_same(
    small: Callable[..., httpx.Client], held: threading.Event, tmp_path: Path
) -> None:
    client = small()
    key: dict[str, Any] = {"Idempotency-Key": "mine"}
    first, again, other = ask(client, **key), ask(client, **key), ask(client, b"another", **key)
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert first.json()["id"] == again.json()["id"]
    assert len(uploads(tmp_path / "work")) == 1
    held.set()


def test_files_of_a_training_that_is_refused_are_not_kept(
    small: Callable[..., httpx.Client], held: threading.Event, tmp_path: Path
) -> None:
    client = small()
    answers = [ask(client) for _ in range(10)]
    statuses = [each.status_code for each in answers]
    assert statuses == [202] * 9 + [429]
    assert len(uploads(tmp_path / "work")) == 9
    held.set()
