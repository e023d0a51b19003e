"""`begins`: the pitches it tells are those that decoding gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from music import chorale
from segue import encodings
from segue.encodings.base import Encoding
from segue.score import Score

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("compound", {}),
    ("compound", {"pedal": "rows", "tempo": "rows"}),
    ("performance", {}),
    ("note_time", {}),
    ("note_chord", {}),
    ("note_chord", {"octaves": True}),
    ("note_chord", {"rhythm": True}),
    ("melody", {"lowest": 48}),
    ("piano_roll", {"unit": "beats"}),
    ("piano_roll", {"unit": "beats", "cells": "both", "lowest": 36}),
    ("nes_events", {}),
    ("velocity_image", {"size": "256"}),
]


def begun(encoding: Encoding, rows: np.ndarray[Any, Any]) -> set[int]:
    """The pitches that the symbols of `rows` begin, by the encoding's own tables."""
    found: set[int] = set()
    for k in range(rows.shape[1]):
        table = encoding.begins(k)  # type: ignore[attr-defined]
        if table is not None:
            found |= set(np.flatnonzero(table[np.unique(rows[:, k])].any(axis=0)).tolist())
    return found


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_the_pitches_of_a_piece_are_those_its_symbols_begin(
    name: str, options: dict[str, Any]
) -> None:
    encoding = encodings.get(name, **options)
    score: Score = chorale(3)
    rows = encoding.encode(score).rows
    heard = set(encoding.decode(rows, encoding.encode(score).header).notes["pitch"].tolist())
    told = begun(encoding, rows)
    if name == "compound":  # rows that are no notes hold 0 there, as the pitch 0 would
        told &= heard | set(range(1, 128))
    assert told == heard
