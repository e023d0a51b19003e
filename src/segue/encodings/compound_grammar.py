"""Which compound rows may follow which: in order, closed once, with 0 where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_START, _END, _REST, _STEP = 0, 1, 2, 3
# What the state holds of the rows before.
_STARTED, _RESTED, _TRACK, _CODE = 0, 1, 2, 3


@dataclass(frozen=True)
class CompoundGrammar:
    """Masks for the five columns of `Compound`; see `segue.encodings.base.Grammar`.

    At one step rows rise by track, then by code (tempo, pedal, pitch). START comes first and
    only there, END not after a rest, and a rest is followed by a step. Tempo rows are in track 0
    and pedal rows in the first `pitched_slots` tracks.
    """

    sizes: tuple[int, ...]
    pitched_slots: int
    tempi: int
    pedals: int

    @property
    def _pitches_from(self) -> int:
        return self.tempi + self.pedals

    def start(self, batch: int) -> Ints:
        """Nothing has come yet."""
        return np.tile(np.array([0, 0, -1, -1]), (batch, 1))

    def allowed(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Shape (batch, size of `column`)."""
        which = (self._onset, self._track, self._code, self._rest, self._rest)[column]
        return which(column, np.asarray(chosen, np.int64), state)

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more row a piece."""
        rows = rows.astype(np.int64)
        event = rows[:, 0] >= _STEP
        return np.stack(
            [
                np.ones(len(rows), np.int64),
                (rows[:, 0] == _REST).astype(np.int64),
                np.where(event, rows[:, 1], -1),
                np.where(event, rows[:, 2], -1),
            ],
            axis=1,
        )

    def _onset(self, column: int, chosen: Ints, state: Ints) -> Bools:
        mask = np.ones((len(state), self.sizes[column]), bool)
        started = state[:, _STARTED] == 1
        mask[:, _START] = ~started
        mask[~started, _START + 1 :] = False
        rested = state[:, _RESTED] == 1
        mask[rested, _END] = False
        last_track, last_code = self.sizes[1] - 1, self.sizes[2] - 1
        full = (state[:, _TRACK] == last_track) & (state[:, _CODE] == last_code)
        mask[rested | full, _STEP] = False
        return mask

    def _track(self, column: int, chosen: Ints, state: Ints) -> Bools:
        tracks = np.arange(self.sizes[column])
        after = np.where(chosen[:, 0] == _STEP, state[:, _TRACK], -1)
        after = after + (state[:, _CODE] == self.sizes[2] - 1)
        return np.where((chosen[:, 0] < _STEP)[:, None], tracks == 0, tracks >= after[:, None])

    def _code(self, column: int, chosen: Ints, state: Ints) -> Bools:
        codes = np.arange(self.sizes[column])
        track = chosen[:, 1]
        same = (chosen[:, 0] == _STEP) & (track == state[:, _TRACK])
        last = np.where(same, state[:, _CODE], -1)
        # After one tempo a second in the same step would only undo it.
        last = np.where((last >= 0) & (last < self.tempi), self.tempi - 1, last)
        lowest = np.where(track == 0, 0, self.tempi)
        lowest = np.where(track >= self.pitched_slots, self._pitches_from, lowest)
        if self.tempi:
            lowest = np.where(track == 0, 0, lowest)
        mask = (codes > last[:, None]) & (codes >= lowest[:, None])
        if self.tempi and self.pedals and not self.pitched_slots:
            mask[:, self.tempi : self._pitches_from] = False
        return np.where((chosen[:, 0] < _STEP)[:, None], codes == 0, mask)

    def _rest(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Duration and velocity: anything for a note, 0 for what is none."""
        note = (chosen[:, 0] >= _STEP) & (chosen[:, 2] >= self._pitches_from)
        return note[:, None] | (np.arange(self.sizes[column]) == 0)
