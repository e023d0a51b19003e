"""What each symbol of an encoding does to time, looked up instead of worked out row by row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.encodings.nes_events import NesEvents

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Column = tuple[Ints, Bools]

_KEPT = 64
_ADD_UP = frozenset(
    ("compound", "melody", "note_chord", "note_time", "performance", "piano_roll", "velocity_image")
)
"""Encodings of which a row moves on by what its symbols do one by one, whatever came before."""


def probed(encoding: Encoding) -> tuple[Column, ...]:
    """For each column and symbol: how many steps it moves on by, and whether it closes a piece.

    What a row moves on by whatever it holds, as a frame does, is counted in its first column.
    """
    key: Any = encoding
    return _probed(key)


@lru_cache(maxsize=_KEPT)
def _probed(encoding: Any) -> tuple[Column, ...]:
    sizes = encoding.layout.sizes
    always = int(np.diff(encoding.positions(np.zeros((2, len(sizes)), np.uint16)))[0])
    found = []
    for column, size in enumerate(sizes):
        # Each symbol after a row of zeros: of each pair it is the second that counts.
        rows = np.zeros((2 * size, len(sizes)), np.uint16)
        rows[1::2, column] = np.arange(size)
        at = encoding.positions(rows)
        own = (at[1::2] - at[::2]).astype(np.int64) - (always if column else 0)
        found.append((own, encoding.ends(rows[1::2])))
    return tuple(found)


class Moves:
    """How far rows move a take on."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        key: Any = encoding
        self._tables = _tables(key)

    def __call__(self, last: Ints, row: Ints) -> Ints:
        """(B,): how many steps each row of `row`, (B, C), is after that of `last`, which came
        before it in its take."""
        tables = self._tables
        if not tables:
            return self._looked_up(last, row)
        column, table = tables[0]
        moved: Ints = table.take(row[:, column])
        for column, table in tables[1:]:
            moved = moved + table.take(row[:, column])
        return moved

    def _looked_up(self, last: Ints, row: Ints) -> Ints:
        # A row's step follows from it and the row before, so that pairs may stand in one sequence.
        pairs = np.stack([last, row], axis=1).astype(np.uint16)
        at = self._encoding.positions(pairs.reshape(-1, row.shape[1]))
        return np.asarray(at[1::2] - at[::2])


class Ends:
    """Which rows close a piece."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        # One column says so, alone or before all others.
        decided = len(encoding.layout.sizes) == 1 or encoding.name == "compound"
        self._table = probed(encoding)[0][1] if decided else None

    def __call__(self, row: Ints) -> Bools:
        """(B,): whether each row of `row`, (B, C), does."""
        if self._table is None:
            return self._encoding.ends(row.astype(np.uint16))
        return self._table.take(row[:, 0])


@lru_cache(maxsize=_KEPT)
def _tables(encoding: Any) -> tuple[tuple[int, Ints], ...]:
    """The columns that move a take on and by how much; none where that takes more than a sum."""
    split = isinstance(encoding, NesEvents) and encoding.split
    words = encoding.name == "abc_text" and encoding.level != "char"
    if encoding.name not in (*_ADD_UP, "nes_events", "abc_text") or split or words:
        return ()
    tables = [(column, own) for column, (own, _) in enumerate(probed(encoding))]
    moving = [each for each in tables if each[1].any()]
    return tuple(moving or tables[:1])
