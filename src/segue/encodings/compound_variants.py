"""Variants of compound rows: transposed, louder, stretched. Letters as in `variants`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings import portrait
from segue.encodings.scales import Lengths, Tempi, Velocities
from segue.encodings.variants import Flags, Ints, Varied, filled, gaps, in_place, laid, picked

START, END, REST, STEP = 0, 1, 2, 3
"""The symbols of the onset column: from `STEP` on, the number of steps."""


@dataclass(frozen=True)
class CompoundVariants:
    """What windows of compound rows, (B, R, 5), become.

    `pitched` slots come before that of the drums, `first_pitch` is the symbol of pitch 0, `reach`
    the longest step. The first `about` codes say what the piece is like; tempi are those from the
    first of `tempi` up to the second.
    """

    pitched: int
    first_pitch: int
    reach: int
    lengths: Lengths
    velocities: Velocities
    about: int = 0
    tempi: tuple[int, int] = (0, 0)

    def _is_note(self, rows: NDArray[Any]) -> Flags:
        return np.asarray((rows[..., 0] >= STEP) & (rows[..., 2] >= self.first_pitch))

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Moved by `semitones`, (B,), or as far as they can; drums stay."""
        pitched = self._is_note(rows) & (rows[..., 1] < self.pitched)
        pitch = rows[..., 2].astype(np.int64) - self.first_pitch
        low = np.where(pitched, pitch, 127).min(axis=1)
        high = np.where(pitched, pitch, 0).max(axis=1)
        by = np.clip(semitones, -low, 127 - high)
        moved = rows.copy()
        moved[..., 2] = np.where(pitched, rows[..., 2] + by[:, None], rows[..., 2])
        if self.about:
            said = (rows[..., 0] >= STEP) & (rows[..., 2] < self.about)
            codes = portrait.moved(rows[..., 2].astype(np.int64), by[:, None])
            moved[..., 2] = np.where(said, codes, moved[..., 2])
        return moved

    def slower(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """With each beat `factors`, (B,), as long: rows of tempo say other tempi."""
        first, end = self.tempi
        code = rows[..., 2].astype(np.int64)
        says = (rows[..., 0] >= STEP) & (code >= first) & (code < end)
        by = Tempi(end - first).bins_of(1 / factors)
        moved = rows.copy()
        new = np.clip(code - first + by[:, None], 0, end - first - 1) + first
        moved[..., 2] = np.where(says, new, code)
        return in_place(moved)

    def louder(self, rows: NDArray[Any], by: Ints) -> NDArray[Any]:
        """With `by`, (B,), added to each note's velocity."""
        moved = rows.copy()
        louder = self.velocities.moved(rows[..., 4].astype(np.int64), by[:, None])
        moved[..., 4] = np.where(self._is_note(rows), louder, rows[..., 4])
        return moved

    def stretch(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """Steps and lengths times `factors`, (B,), with rests where a step says too little."""
        onset = rows[..., 0].astype(np.int64)
        kept = onset != REST
        moves = np.where(kept, np.maximum(onset - STEP, 0), self.reach)
        apart = gaps(moves, kept, factors)
        rests = np.maximum(apart - 1, 0) // self.reach
        source, left = laid(rests + kept)
        length = self.lengths.values[np.minimum(rows[..., 3], self.lengths.size - 1)]
        length = np.rint(length * factors[:, None]).astype(np.int64)
        changed = rows.copy()
        changed[..., 0] = np.where(onset >= STEP, STEP + apart - rests * self.reach, onset)
        changed[..., 3] = np.where(self._is_note(rows), self.lengths.nearest(length), rows[..., 3])
        new = picked(changed, source)
        resting = (left > 0) | (new[..., 0] == REST)
        new[resting] = 0
        new[resting, 0] = REST
        return filled(new, source)
