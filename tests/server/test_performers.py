"""Music that is made in another process: the same takes, its errors in words, its ends heard of."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segue import bundles
from segue.server import performers
from segue.server.jobs import Ask, perform
from segue.server.performers import Performer, Performers, PlayingError
from segue.server.problems import RefusedError
from segue.server.shelf import shared
from segue.server.work import FellError, StoppedError

Heard = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def performer() -> Iterator[Performer]:
    made = Performer(64)
    yield made
    made.close()


@pytest.fixture(scope="module")
def asked(run_path: Path) -> Ask:
    bundle = bundles.load(run_path)
    request = {"model": "tiny", "bars": 2, "takes": 2}
    return Ask("a-job", "generate", request, 5, bundle.path)


def go_on(_: int = 0) -> None:
    """There is nothing to stop for."""


def test_takes_and_events_are_those_of_this_process(performer: Performer, asked: Ask) -> None:
    there: Heard = []
    here: Heard = []
    made = performer.make(asked, lambda *told: there.append(told), go_on)
    alone = perform(asked, shared(asked.path, 8), lambda *told: here.append(told), go_on)
    assert [row.midi for row in made] == [row.midi for row in alone]
    assert [{**row.facts, "created": 0} for row in made] == [
        {**row.facts, "created": 0} for row in alone
    ]
    # How much is told before a take is whole depends on how fast its rows come, what is told not.
    for told in (notes(there), notes(here)):
        assert set(told) == {0, 1}
        for number, row in enumerate(alone):
            assert all(note in row.whole["music"]["notes"] for note in told[number])
    assert [told for told in there if told[0] == "finding"] == [
        told for told in here if told[0] == "finding"
    ]
    assert performer.takes == 0


def notes(heard: Heard) -> dict[int, list[Any]]:
    """What was told of each take, however it was parted into events."""
    found: dict[int, list[Any]] = {}
    for name, told in heard:
        if name == "note":
            found.setdefault(told["take"], []).extend(told["notes"])
    return found


def test_what_cannot_be_made_is_refused_in_a_sentence(performer: Performer, asked: Ask) -> None:
    wrong = replace(asked, request={**asked.request, "sampling": {"loop_beats": -1}})
    with pytest.raises((RefusedError, PlayingError)) as refused:
        performer.make(wrong, go_on_hearing, go_on)
    assert "loop" in str(refused.value)
    gone = replace(asked, path=asked.path / "nowhere")
    with pytest.raises(RefusedError, match="nowhere") as missing:
        performer.make(gone, go_on_hearing, go_on)
    assert missing.value.status == 409


def go_on_hearing(name: str, told: dict[str, Any]) -> None:
    """Whatever comes."""


def test_a_bug_is_told_with_its_kind_and_stops_nobody_else(
    performer: Performer, asked: Ask
) -> None:
    with pytest.raises(PlayingError, match="KeyError") as bug:
        performer.make(replace(asked, kind="dance"), go_on_hearing, go_on)
    assert bug.value.kind == "KeyError"
    assert len(performer.make(asked, go_on_hearing, go_on)) == 2


def test_who_is_not_waited_for_stops(performer: Performer, asked: Ask) -> None:
    long = replace(asked, request={**asked.request, "bars": 256, "takes": 8})
    begun = threading.Event()

    def stop(_: int = 0) -> None:
        if begun.is_set():
            raise StoppedError

    with pytest.raises(StoppedError):
        performer.make(long, lambda *_: begun.set(), stop)
    assert performer.takes == 0
    assert len(performer.make(asked, go_on_hearing, go_on)) == 2


def test_one_that_falls_is_told_and_another_one_hired(performer: Performer, asked: Ask) -> None:
    long = replace(asked, request={**asked.request, "bars": 256, "takes": 8})

    def kill(*_: Any) -> None:
        os.kill(performer._process.pid, signal.SIGKILL)

    with pytest.raises(FellError, match="Killed"):
        performer.make(long, kill, go_on)
    assert len(performer.make(asked, go_on_hearing, go_on)) == 2


def test_a_bundle_that_took_another_ones_place_is_opened_anew(
    performer: Performer, asked: Ask, tmp_path: Path
) -> None:
    place = tmp_path / "bundle"
    shutil.copytree(asked.path, place)
    performer.make(replace(asked, path=place), go_on_hearing, go_on)
    shutil.rmtree(place)
    own = bundles.load(None)
    shutil.copytree(own.path, place)
    request = {"model": "tiny", "bars": 1, "takes": 1}
    made = performer.make(Ask("b", "generate", request, 1, place), go_on_hearing, go_on)
    assert made[0].whole["receipt"]["bundle_hash"] == own.hash


def test_jobs_go_to_who_has_least_to_play(asked: Ask) -> None:
    several = Performers(2, 64)
    try:
        users = [
            threading.Thread(target=several.make, args=(asked, go_on_hearing, go_on))
            for _ in range(4)
        ]
        for each in users:
            each.start()
        for each in users:
            each.join()
        assert all(each._process is not None for each in several._all)
    finally:
        several.close()
    assert all(each._process is None for each in several._all)


def test_one_that_falls_while_it_waits_is_replaced_before_anybody_asks(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performers, "STOOD", 0.0)
    idle = Performer(8)
    try:
        idle.prepare(bundles.load(run_path).path)
        first = idle._process
        os.kill(first.pid, signal.SIGKILL)
        until = time.monotonic() + 20
        while idle._process in (None, first):
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        idle.close()
    assert idle._process is None


def test_one_that_is_closed_hires_nobody(asked: Ask) -> None:
    closed = Performer(8)
    closed.close()
    with pytest.raises(StoppedError):
        closed.make(asked, go_on_hearing, go_on)
    assert closed._process is None


def test_one_that_cannot_open_what_it_is_to_prepare_lives_on(
    asked: Ask, tmp_path: Path, performer: Performer
) -> None:
    performer.make(asked, go_on_hearing, go_on)
    process = performer._process
    (tmp_path / "bundle.json").write_text("nonsense")
    performer.prepare(tmp_path)
    assert len(performer.make(asked, go_on_hearing, go_on)) == 2
    assert performer._process is process
