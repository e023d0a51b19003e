"""Which compound rows may follow which: in order, closed once, with 0 where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_START, _END, _REST, _STEP = 0, 1, 2, 3
# What the state holds of the rows before.
_STARTED, _RESTED, _TRACK, _CODE, _MOVED = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class CompoundGrammar:
    """Masks for the five columns of `Compound`; see `segue.encodings.base.Grammar`.

    At one step rows rise by track, then by code: what is said of the piece, `about`, one symbol of
    each kind, bar lines, tempo, pedal, pitch. START comes first and only there, END not after a
    rest, and a rest is followed by a step. What is said of the piece comes before time moves on.
    That, bar lines and tempo are in track 0, pedal rows in the first `pedal_slots` tracks. Of
    tracks only the first `tracks` are drawn: rows told ahead are given.
    """

    sizes: tuple[int, ...]
    pitched_slots: int
    tempi: int
    pedals: int
    tracks: int = 0
    pedal_slots: int = 0
    about: tuple[int, ...] = ()
    bars: int = 0

    @property
    def _says(self) -> int:
        """The first code that may come after time has moved on."""
        return sum(self.about)

    @property
    def _pedals_from(self) -> int:
        return self._says + self.bars + self.tempi

    @property
    def _pitches_from(self) -> int:
        return self._pedals_from + self.pedals

    @cached_property
    def _after(self) -> Ints:
        """The first code that may follow each at the same step; index -1 is none."""
        after = np.arange(1, self.sizes[2] + 2)
        first = 0
        # After one of these a second in the same step would only undo it.
        for size in (*self.about, self.bars, self.tempi):
            after[first : first + size] = first + size
            first += size
        after[-1] = 0
        return after

    def start(self, batch: int) -> Ints:
        """Nothing has come yet."""
        return np.tile(np.array([0, 0, -1, -1, 0]), (batch, 1))

    def allowed(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Shape (batch, size of `column`)."""
        which = (self._onset, self._track, self._code, self._rest, self._rest)[column]
        return which(column, np.asarray(chosen, np.int64), state)

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more row a piece."""
        rows = rows.astype(np.int64)
        event = rows[:, 0] >= _STEP
        moved = (rows[:, 0] == _REST) | (rows[:, 0] > _STEP)
        return np.stack(
            [
                np.ones(len(rows), np.int64),
                (rows[:, 0] == _REST).astype(np.int64),
                np.where(event, rows[:, 1], -1),
                np.where(event, rows[:, 2], -1),
                state[:, _MOVED] | moved,
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
        last_track, last_code = self._tracks - 1, self.sizes[2] - 1
        full = (state[:, _TRACK] == last_track) & (state[:, _CODE] == last_code)
        mask[rested | full | (state[:, _TRACK] > last_track), _STEP] = False
        return mask

    @property
    def _tracks(self) -> int:
        return self.tracks or self.sizes[1]

    def _track(self, column: int, chosen: Ints, state: Ints) -> Bools:
        tracks = np.arange(self.sizes[column])
        after = np.where(chosen[:, 0] == _STEP, state[:, _TRACK], -1)
        after = after + (state[:, _CODE] == self.sizes[2] - 1)
        mask = (tracks >= after[:, None]) & (tracks < self._tracks)
        return np.where((chosen[:, 0] < _STEP)[:, None], tracks == 0, mask)

    def _code(self, column: int, chosen: Ints, state: Ints) -> Bools:
        codes = np.arange(self.sizes[column])
        track = chosen[:, 1]
        same = (chosen[:, 0] == _STEP) & (track == state[:, _TRACK])
        lowest = self._after[np.where(same, state[:, _CODE], -1)]
        moved = (state[:, _MOVED] == 1) | (chosen[:, 0] > _STEP)
        first = np.where(moved, self._says, 0)
        first = np.where(track > 0, self._pedals_from, first)
        pedal_slots = self.pedal_slots or self.pitched_slots
        high = (track >= pedal_slots) & ((track > 0) | (self._pedals_from == 0))
        first = np.where(high, self._pitches_from, first)
        mask = codes >= np.maximum(lowest, first)[:, None]
        if not pedal_slots:
            mask[:, self._pedals_from : self._pitches_from] = False
        return np.where((chosen[:, 0] < _STEP)[:, None], codes == 0, mask)

    def _rest(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Duration and velocity: anything for a note, 0 for what is none."""
        note = (chosen[:, 0] >= _STEP) & (chosen[:, 2] >= self._pitches_from)
        return note[:, None] | (np.arange(self.sizes[column]) == 0)
