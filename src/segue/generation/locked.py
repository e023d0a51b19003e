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
from segue.encodings.compound_variants import STEP
from segue.generation.given import CODE, ONSET, TRACK, Given, closes
from segue.generation.guides import Steps

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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
        self._locked = Given(encoding, takes, locked, at)
        super().__init__(encoding, takes, prompt, given=self._locked, **steps)
        self._open = open_slots
        # What is told ahead and bar lines say nothing of tracks that are not drawn in.
        notes = (locked[:, CODE] >= encoding.first_pitch) & (locked[:, TRACK] < encoding.max_tracks)
        self._last_note = int(np.flatnonzero(notes).max(initial=-1))

    def allowed(self, column: int, row: Ints) -> Bools:
        """Once no locked note is to come, only open tracks."""
        mask = super().allowed(column, row)
        if column == TRACK:
            free = (self._locked.played > self._last_note) & (row[:, ONSET] >= STEP)
            narrowed = mask & self._open[None]
            some = narrowed.any(axis=1)
            mask = np.where((free & some)[:, None], narrowed, mask)
            self.stuck |= free & ~some
        return mask

    def settle(self, row: Ints) -> Ints:
        """Put the next locked row in place of each drawn one that it comes before."""
        closed = (row[:, ONSET] >= STEP) & ~self._open[row[:, TRACK]]
        return self._locked.settle(row, self._position, closed | closes(row))
