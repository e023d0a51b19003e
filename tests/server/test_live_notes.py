"""Notes that are told while a take is made are notes of the take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue import bundles
from segue.generation.batching import SharedBundle
from segue.server import schemas
from segue.server.live import listener
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
