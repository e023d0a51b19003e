"""Which performance events may follow: START only first, and note-offs of what sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_PITCHES = 128


@dataclass(frozen=True)
class PerformanceGrammar:
    """Masks for `Performance`; see `segue.encodings.base.Grammar`.

    Symbols 0 to 127 are note-ons, 128 to 255 note-offs; `first` is START, None without marks. The
    state is 1 once a row has come, and for each pitch 1 while it sounds. A note-off of a key that
    is up does nothing, and was meant for one that is down: drawn among those that are, notes end.
    """

    size: int
    first: int | None

    def start(self, batch: int) -> Ints:
        """Nothing has come yet, and nothing sounds."""
        return np.zeros((batch, 1 + _PITCHES), np.int64)

    def allowed(self, column: int, chosen: Ints, state: Ints) -> NDArray[np.bool_]:
        """Shape (batch, size)."""
        mask = np.ones((len(state), self.size), bool)
        mask[:, _PITCHES : 2 * _PITCHES] = state[:, 1:] == 1
        if self.first is not None:
            begun = state[:, 0] == 1
            mask[begun, self.first] = False
            mask[~begun] = np.arange(self.size) == self.first
        return mask

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more event a piece."""
        new = state.copy()
        new[:, 0] = 1
        event = rows[:, 0].astype(np.int64)
        is_key = np.flatnonzero(event < 2 * _PITCHES)
        new[is_key, 1 + event[is_key] % _PITCHES] = event[is_key] < _PITCHES
        return new
