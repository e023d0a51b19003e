"""What symbols do to time: the tables say what the encodings say of whole rows."""

from __future__ import annotations

import numpy as np
import pytest

from segue import encodings
from segue.encodings.base import Encoding
from segue.generation.symbols import Moves, probed

EVERY: list[Encoding] = [
    encodings.get("compound"),
    encodings.get("compound", unit="seconds", pedal="rows"),
    encodings.get("compound", tempo="rows"),
    encodings.get("performance", marks=True),
    encodings.get("melody"),
    encodings.get("note_chord"),
    encodings.get("note_chord", octaves=True),
    encodings.get("note_chord", rhythm=True),
    encodings.get("note_time"),
    encodings.get("nes_events"),
    encodings.get("nes_events", split=True),
    encodings.get("abc_text"),
    encodings.get("abc_text", level="char"),
    encodings.get("piano_roll"),
    encodings.get("velocity_image"),
]


@pytest.mark.parametrize("encoding", EVERY, ids=lambda e: f"{e.name}")
def test_a_row_moves_on_by_what_its_positions_say(encoding: Encoding) -> None:
    chance = np.random.default_rng(0)
    rows = np.stack([chance.integers(0, v, 400) for v in encoding.layout.sizes], axis=1)
    expected = np.diff(encoding.positions(rows.astype(np.uint16)))
    np.testing.assert_array_equal(Moves(encoding)(rows[:-1], rows[1:]), expected)


def test_shifts_of_performances_move_on_and_only_end_closes() -> None:
    encoding = encodings.get("performance", marks=True)
    ((moves, closes),) = probed(encoding)
    column = encoding.layout.columns[0]
    assert moves[column.offset("shift") : column.offset("shift") + 3].tolist() == [1, 2, 3]
    assert moves[:128].sum() == 0
    assert np.flatnonzero(closes).tolist() == [column.offset("end")]
