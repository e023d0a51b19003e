"""What rows do to time and notes: how far each symbol moves on, and how many notes it begins.

Of every encoding whose rows come one after another there is one column at which both are known:
the one that says when (of rows that name the note before its time) or the only one. Rolls are
frames, of which every cell may begin a note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.encodings.melody import PITCHES
from segue.encodings.nes_events import NesEvents
from segue.encodings.nes_words import NOTEON
from segue.encodings.note_time import KEYS
from segue.encodings.piano_roll import PianoRoll
from segue.encodings.velocity_image import VelocityImage

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_FIRST_STEP = 3
"""Of compound rows: symbols of the first column from here on are notes, so many steps later."""


@dataclass(frozen=True)
class Deciding:
    """The column that settles when a row's notes begin, and how many.

    `moves`, shape (V,), is how many steps each of its symbols moves on by. `fixed` if every row is
    a step of its own.
    """

    column: int
    moves: Ints
    fixed: bool
    _begins: Callable[[Ints], Ints]
    _always: Ints | None = None
    """(V,): what `begins` says, where it says the same of all rows."""
    _codes: Ints | None = None
    """(V,): 1 for the codes of rows that begin what they seem to begin, if some do not."""

    def begins(self, row: Ints) -> Ints:
        """(B or 1, V): the notes that the row begins with each symbol of the column.

        `row` is (B, C), whose columns before this one are known.
        """
        return self._begins(row)

    def begun(self, row: Ints) -> Ints:
        """(B,): the notes that whole rows begin."""
        if self._always is not None:
            count = self._always.take(row[:, self.column])
        else:
            table = np.broadcast_to(self.begins(row), (len(row), len(self.moves)))
            count = np.asarray(table[np.arange(len(row)), row[:, self.column]])
        if self._codes is not None:
            # Rows of tempo and pedal look like notes until their third column is known.
            count *= self._codes.take(row[:, 2])
        return count


def deciding(encoding: Encoding) -> Deciding | None:
    """The deciding column of an encoding; None of rolls, and where no column decides alone."""
    key: Any = encoding
    return _deciding(key)


@lru_cache(maxsize=64)
def _deciding(encoding: Any) -> Deciding | None:
    made = _TABLE.get(encoding.name)
    if made is None or (isinstance(encoding, NesEvents) and encoding.split):
        return None
    column, told = made(encoding)
    sizes = encoding.layout.sizes
    rows = np.zeros((2 * sizes[column], len(sizes)), np.uint16)
    rows[1::2, column] = np.arange(sizes[column])
    at = encoding.positions(rows)
    # Between two symbols a row of zeros may move on too: of each pair it is the second that counts.
    moves = np.diff(at)[::2]
    fixed = len(sizes) == 1 and bool((moves == 1).all())
    moves = moves.astype(np.int64)
    if not isinstance(told, np.ndarray):
        return Deciding(column, moves, fixed, told)
    codes = None
    if encoding.name == "compound":
        first = encoding.layout.columns[2].offset("pitch")
        codes = (np.arange(sizes[2]) >= first).astype(np.int64) if first else None
    return Deciding(column, moves, fixed, lambda row: told[None], told, codes)


Found = tuple[int, Ints | Callable[[Ints], Ints]]
"""A deciding column, and what its symbols begin: the same always, or by the columns before."""


def _compound(encoding: Encoding) -> Found:
    size = encoding.layout.sizes[0]
    return 0, (np.arange(size) >= _FIRST_STEP).astype(np.int64)


def _performance(encoding: Encoding) -> Found:
    return 0, (np.arange(encoding.layout.sizes[0]) < 128).astype(np.int64)


def _nes(encoding: Encoding) -> Found:
    assert isinstance(encoding, NesEvents)
    return 0, np.array([NOTEON in name for name in encoding.names()], np.int64)


def _melody(encoding: Encoding) -> Found:
    return 0, (np.arange(encoding.layout.sizes[0]) >= PITCHES).astype(np.int64)


def _note_chord(encoding: Encoding) -> Found:
    begins = encoding.begins(0)  # type: ignore[attr-defined]
    counts = begins.sum(axis=1).astype(np.int64)
    if len(encoding.layout.sizes) == 1:
        return 0, counts
    return 2, lambda row: counts[row[:, 0]][:, None]


def _note_time(encoding: Encoding) -> Found:
    return 2, lambda row: ((row[:, 0] < KEYS) & (row[:, 1] > 0)).astype(np.int64)[:, None]


_TABLE: dict[str, Callable[[Encoding], Found]] = {
    "compound": _compound,
    "performance": _performance,
    "nes_events": _nes,
    "melody": _melody,
    "note_chord": _note_chord,
    "note_time": _note_time,
}


def cells_begin(encoding: Encoding, last: Ints) -> Bools | None:
    """(B, C, V): whether a cell begins a note with each symbol, after frames `last`, (B, C).

    None for encodings that are no rolls, or whose columns share pitches.
    """
    size = encoding.layout.sizes[0]
    symbols = np.arange(size)
    if isinstance(encoding, PianoRoll):
        begins = (symbols > 0) & (last == 0)[..., None]
        if encoding.cells != "sustained":
            begins |= (symbols > 0) & (symbols < encoding.held)
        return begins
    if isinstance(encoding, VelocityImage) and len(encoding.layout.sizes) == 128:
        return (symbols > 0) & (symbols != last[..., None])
    return None
