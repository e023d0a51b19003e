"""Which performance events may follow: START only first, and note-offs of what sounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_PITCHES, _SHIFTS = 128, 100


@dataclass(frozen=True)
class PerformanceGrammar:
    """Masks for `Performance`; see `segue.encodings.base.Grammar`.

    Symbols 0 to 127 are note-ons, 128 to 255 note-offs; `start_symbol` is START, None without
    marks; from `first_shift` on are the shifts of time. A note-off of a key that is up does
    nothing, and was meant for one that is down: drawn among those that are, notes end. Notes are
    let go before anything else once they have sounded for `longest` steps (0: never).

    The state is 1 once a row has come, and for each pitch 1 and the steps it has sounded for, 0
    while it does not.
    """

    size: int
    start_symbol: int | None
    first_shift: int
    longest: int

    def start(self, batch: int) -> Ints:
        """Nothing has come yet, and nothing sounds."""
        return np.zeros((batch, 1 + _PITCHES), np.int64)

    @cached_property
    def _later(self) -> NDArray[np.bool_]:
        """Shape (size,): all but START, which comes first and only there."""
        return np.arange(self.size) != self.start_symbol

    @cached_property
    def _steps(self) -> Ints:
        """Shape (size,): by how many steps each event moves time on."""
        shift = np.arange(self.size) - self.first_shift + 1
        return np.where((shift >= 1) & (shift <= _SHIFTS), shift, 0)

    def allowed(self, column: int, chosen: Ints, state: Ints) -> NDArray[np.bool_]:
        """Shape (batch, size)."""
        if len(state) == 1:
            return self._allowed(state[0])
        sounds = state[:, 1:]
        mask = np.empty((len(state), self.size), bool)
        mask[:] = True if self.start_symbol is None else self._later
        np.greater(sounds, 0, out=mask[:, _PITCHES : 2 * _PITCHES])
        if self.start_symbol is not None and np.count_nonzero(state[:, 0]) < len(state):
            mask[state[:, 0] == 0] = ~self._later
        if self.longest:
            over = sounds > self.longest
            if np.count_nonzero(over):
                late = over.any(axis=1)
                mask[late] = False
                mask[late, _PITCHES : 2 * _PITCHES] = over[late]
        return mask

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more event a piece."""
        if len(rows) == 1:
            return self._advanced(state, int(rows[0, 0]))
        event = rows[:, 0].astype(np.int64)
        steps = self._steps[event]
        new = state + (state > 0) * steps[:, None] if np.count_nonzero(steps) else state.copy()
        new[:, 0] = 1
        is_key = np.flatnonzero(event < 2 * _PITCHES)
        if len(is_key):
            new[is_key, 1 + event[is_key] % _PITCHES] = event[is_key] < _PITCHES
        return new

    def _allowed(self, state: Ints) -> NDArray[np.bool_]:
        """As `allowed`, of one piece, in fewer calls; shape (1, size)."""
        sounds = state[1:]
        mask = self._later.copy() if state[0] or self.start_symbol is None else ~self._later
        if self.longest and sounds[sounds.argmax()] > self.longest:
            mask.fill(False)
            mask[_PITCHES : 2 * _PITCHES] = sounds > self.longest
        elif state[0] or self.start_symbol is None:
            np.greater(sounds, 0, out=mask[_PITCHES : 2 * _PITCHES])
        return mask[None]

    def _advanced(self, state: Ints, event: int) -> Ints:
        """As `advance`, of one piece, in fewer calls."""
        if self.first_shift <= event < self.first_shift + _SHIFTS:
            new = state + (state > 0) * (event - self.first_shift + 1)
        else:
            new = state.copy()
        new[0, 0] = 1
        if event < 2 * _PITCHES:
            new[0, 1 + event % _PITCHES] = event < _PITCHES
        return new
