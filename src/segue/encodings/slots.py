"""Which slot of a row each track of a Score goes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segue.score import Score, Track

NOWHERE = -1


@dataclass(frozen=True)
class Slots:
    """`pitched` slots for pitched tracks, then one for all drums if `drums`."""

    pitched: int
    drums: bool

    def of(self, score: Score) -> tuple[NDArray[np.int64], dict[int, Track]]:
        """Shape (tracks,): the slot of each track or `NOWHERE`, and the track kept in each slot.

        Tracks with notes take slots in order. Where there are more tracks than slots, those of
        one program share a slot, then those of one family of eight programs, and what is still
        too many shares the last slot. A slot keeps the name and program of its first track.
        """
        sounding = np.flatnonzero(np.bincount(score.notes["track"])).tolist()
        pitched = [i for i in sounding if not score.tracks[i].is_drum]
        slot_of = np.full(len(score.tracks), NOWHERE, np.int64)
        for index, group in zip(pitched, self._grouped(score.tracks, pitched), strict=True):
            slot_of[index] = group
        if self.drums:
            for index in set(sounding) - set(pitched):
                slot_of[index] = self.pitched
        kept: dict[int, Track] = {}
        for index in sounding:
            if slot_of[index] != NOWHERE:
                kept.setdefault(int(slot_of[index]), replace(score.tracks[index]))
        return slot_of, kept

    def _grouped(self, tracks: Sequence[Track], indices: Sequence[int]) -> list[int]:
        """The slot of each pitched track in `indices`."""
        keys: list[int] = list(indices)
        if len(keys) > self.pitched:
            keys = [tracks[i].program for i in indices]
        if len(set(keys)) > self.pitched:
            keys = [tracks[i].program // 8 for i in indices]
        order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        if not self.pitched:
            return [NOWHERE] * len(keys)
        return [min(order[key], self.pitched - 1) for key in keys]
