"""Which pitches a symbol begins notes of: what masks of keys, chords and ranges are made from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

PITCHES = 128


def in_a_row(size: int, first: int, pitches: range) -> Bools:
    """Shape (size, 128): symbols from `first` on begin a note of one of `pitches` each."""
    table = np.zeros((size, PITCHES), bool)
    table[first + np.arange(len(pitches)), list(pitches)] = True
    return table


def sounding(size: int, pitch: int) -> Bools:
    """Shape (size, 128): every symbol but 0 sounds `pitch`."""
    table = np.zeros((size, PITCHES), bool)
    table[1:, pitch] = True
    return table
