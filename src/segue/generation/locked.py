"""Playing among notes that are locked: what is there already comes in where its time has come.

The model draws the next row of the whole music. If that is a note of an open track before the next
locked note, it is new music; if it is a note of a locked track, or lies past the next locked note,
then the next locked note is what follows. So the open parts are as busy as the model would have
them beside what is locked, and the model has read every locked note up to there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.compound import Compound
from segue.encodings.compound_variants import REST, STEP
from segue.generation.guides import Steps

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ONSET, TRACK, CODE = 0, 1, 2


class Locked(Steps):
    """`Steps` for rows of `Compound` in which the notes `locked` are given.

    `locked` has shape (notes, 5), in order, and `at`, shape (notes,), their steps from the start
    of the piece. `open_slots` are the tracks that may get new notes. Other arguments as `Steps`.
    """

    def __init__(
        self,
        encoding: Compound,
        takes: int,
        prompt: Ints,
        *,
        locked: Ints,
        at: Ints,
        open_slots: Bools,
        **steps: Any,
    ) -> None:
        super().__init__(encoding, takes, prompt, **steps)
        self._locked, self._at = locked, at
        self._open = open_slots
        self._reach = encoding.reach
        self._next = np.zeros(takes, np.int64)

    def allowed(self, column: int, row: Ints) -> Bools:
        """Once nothing locked is to come, only open tracks."""
        mask = super().allowed(column, row)
        if column == TRACK:
            free = (self._next >= len(self._locked)) & (row[:, ONSET] >= STEP)
            narrowed = mask & self._open[None]
            some = narrowed.any(axis=1)
            mask = np.where((free & some)[:, None], narrowed, mask)
            self.stuck |= free & ~some
        return mask

    def settle(self, row: Ints) -> Ints:
        """Put the next locked note in place of each drawn row that it comes before."""
        settled = row.copy()
        for b in np.flatnonzero(self._next < len(self._locked)):
            gap = int(self._at[self._next[b]] - self._position[b])
            if not self._comes_first(row[b], self._locked[self._next[b]], gap):
                continue
            if gap > self._reach:
                settled[b] = 0
                settled[b, ONSET] = REST
                continue
            settled[b] = self._locked[self._next[b]]
            settled[b, ONSET] = STEP + gap
            self._next[b] += 1
        return settled

    def _comes_first(self, drawn: Ints, locked: Ints, gap: int) -> bool:
        """Whether the locked note, `gap` steps ahead, comes before the row that was drawn."""
        if drawn[ONSET] == REST:
            return gap <= self._reach
        if drawn[ONSET] < STEP or not self._open[drawn[TRACK]]:
            return True
        mine = (int(drawn[ONSET]) - STEP, int(drawn[TRACK]), int(drawn[CODE]))
        return (gap, int(locked[TRACK]), int(locked[CODE])) <= mine
