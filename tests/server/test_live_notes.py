"""Notes that are told while a take is made are notes of the take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue import bundles
from segue.generation.batching import SharedBundle
from segue.generation.engine import IntRows
from segue.score import NOTE, events
from segue.score.score import Events
from segue.server import schemas
from segue.server.live import SELDOM, Listener, listener
from segue.server.making import WAYS
from segue.server.wire import of_notes
from served import MODEL, PIECE


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ("generate", {"bars": 3, "takes": 2}),
        ("generate", {"bars": 2, "wishes": {"tempo": 90.0, "metre": "3/4", "key": "C major"}}),
        ("generate", {"bars": 4, "seconds": 6.0}),
        ("continue", {"bars": 2, "takes": 2, "music": PIECE}),
        ("continue", {"bars": 1, "music": PIECE, "prompt_bars": 1.0}),
    ],
)
def test_what_is_told_is_in_the_take(run_path: Path, way: str, asked: dict[str, Any]) -> None:
    found = bundles.load(run_path)
    bundle = SharedBundle(found.path, found.index)
    schema, make = WAYS[way]
    wish = schema.model_validate({"model": MODEL, **asked})
    told: dict[int, list[dict[str, int]]] = {}

    def hear(take: int, notes: list[dict[str, int]], ticks_per_quarter: int) -> None:
        assert ticks_per_quarter == 480
        told.setdefault(take, []).extend(notes)

    bundle.ensembles.telling(listener(bundle, wish, hear))
    takes = make(bundle, wish, 5, lambda _: None)
    assert set(told) == set(range(wish.takes))
    for number, take in enumerate(takes):
        notes = of_notes(take.score.notes)
        assert all(note in notes for note in told[number])
        assert len(told[number]) == len({str(note) for note in told[number]})


def test_takes_that_come_whole_are_not_told(run_path: Path) -> None:
    found = bundles.load(run_path)
    bundle = SharedBundle(found.path, found.index)
    infill = {"model": MODEL, "music": PIECE, "first_bar": 0.0, "last_bar": 1.0}
    assert listener(bundle, schemas.Infill.model_validate(infill), lambda *_: None) is None
    novel = schemas.Generate.model_validate({"model": MODEL, "novel": True})
    assert listener(bundle, novel, lambda *_: None) is None


class Fourth:
    """A way by which every fourth row makes a note of the rows before it certain."""

    ticks_per_quarter = 480

    def __init__(self) -> None:
        self.looks = 0

    def reached(self, rows: IntRows) -> float:
        return len(rows)

    def certain(self, rows: IntRows) -> Events:
        self.looks += 1
        return events(NOTE, [(480 * i, 480, 0, 60, 80) for i in range(len(rows) // 4)])


def test_takes_are_looked_at_seldom_once_they_sound() -> None:
    way = Fourth()
    heard: dict[int, list[int]] = {0: [], 1: []}
    tell = Listener(way, lambda n, notes, _: heard[n].extend(x["onset"] for x in notes))

    def looks(rows: int) -> int:
        before = way.looks
        tell(rows, lambda: [np.zeros((rows, 5), np.int64)] * 2)
        return way.looks - before

    # Row by row until each take sounds, and then not before it is time.
    assert [looks(rows) for rows in (1, 2, 3, 4, 5, SELDOM)] == [2, 2, 2, 2, 0, 0]
    assert heard == {0: [0], 1: [0]}
    assert [looks(SELDOM + rows) for rows in (1, 2, SELDOM)] == [2, 0, 0]
    assert heard[1] == heard[0] == [480 * i for i in range(SELDOM // 4)]
    # Of long takes an eighth has to be new.
    assert [looks(rows) for rows in (8 * SELDOM, 9 * SELDOM - 1, 9 * SELDOM)] == [2, 0, 2]
    assert [looks(rows) for rows in (10 * SELDOM, 10 * SELDOM + 8)] == [0, 2]


class Halting(Fourth):
    """As `Fourth`, but time moves on every third row only."""

    def reached(self, rows: IntRows) -> float:
        return len(rows) // 3


def test_takes_that_have_not_moved_on_are_not_looked_at() -> None:
    way = Halting()
    heard: list[int] = []
    tell = Listener(way, lambda _, notes, __: heard.extend(x["onset"] for x in notes))
    looks = []
    for rows in range(1, 8):
        tell(rows, lambda rows=rows: [np.zeros((rows, 5), np.int64)])  # type: ignore[misc]
        looks.append(way.looks)
    assert looks == [0, 0, 1, 1, 1, 2, 2]
    assert heard == [0]
