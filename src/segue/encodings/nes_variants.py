"""Variants of NES events: voices left out, pulses that change places, time stretched.

Those that LakhNES was trained with (Donahue et al., ISMIR 2019). Letters as in `variants`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.nes_words import MAX_WAIT, NOTEON, blocks, quantise_waits, waits
from segue.encodings.variants import Flags, Ints, Varied, gaps, in_place, picked, rewritten
from segue.score.nes_voices import PULSE_1, PULSE_2, VOICES

_NOBODY = -1


@dataclass(frozen=True)
class NesVariants:
    """What windows of NES events become; `levels` and `split` as of the encoding."""

    levels: bool
    split: bool

    @cached_property
    def _kinds(self) -> list[str]:
        return [block.name for block in blocks(self.levels)]

    @cached_property
    def _voice(self) -> Ints:
        """Shape (kinds + 1,): whose events those of a kind are; last the marks."""
        tags = [voice.tag for voice in VOICES]
        owners = [name.split("_")[0] for name in self._kinds]
        return np.array([tags.index(o) if o in tags else _NOBODY for o in owners] + [_NOBODY])

    @cached_property
    def _partner(self) -> Ints:
        """Shape (symbols of all kinds,), with `split` (kinds,): each one's with pulses swapped."""
        sizes = [1 if self.split else block.size for block in blocks(self.levels)]
        first = dict(zip(self._kinds, (np.cumsum(sizes) - sizes).tolist(), strict=True))
        table = np.arange(sum(sizes))
        pulses = VOICES[PULSE_1].tag, VOICES[PULSE_2].tag
        for name, size in zip(self._kinds, sizes, strict=True):
            for one, other in (pulses, pulses[::-1]):
                if name.startswith(f"{one}_"):
                    begin = first[name.replace(one, other, 1)]
                    table[first[name] : first[name] + size] = np.arange(begin, begin + size)
        return table

    def _kind(self, rows: NDArray[Any]) -> Ints:
        """The kind of each row, (B, R): 0 a wait, the number of kinds a mark."""
        first = rows[..., 0].astype(np.int64)
        if self.split:
            return np.minimum(first, len(self._kinds))
        ends = np.cumsum([block.size for block in blocks(self.levels)])
        return np.searchsorted(ends, first, side="right")

    def _moves(self, rows: NDArray[Any], kind: Ints) -> Ints:
        symbol = rows[..., 2 if self.split else 0].astype(np.int64)
        return np.where(kind == 0, waits()[np.minimum(symbol, len(waits()) - 1)], 0)

    def stretch(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """All waits times `factors`, (B,)."""
        kind = self._kind(rows)
        return self._rewritten(rows, kind > 0, self._moves(rows, kind), factors)

    def drop_voices(self, rows: NDArray[Any], dropped: Flags) -> Varied:
        """Without the voices where `dropped`, (B, 4); a window keeps all where no note is left."""
        kind = self._kind(rows)
        voice = self._voice[kind]
        named = np.append(np.char.endswith(self._kinds, NOTEON), False)
        gone = np.take_along_axis(dropped, np.maximum(voice, 0), axis=1) & (voice != _NOBODY)
        gone &= (named[kind] & ~gone).any(axis=1, keepdims=True)
        moves = self._moves(rows, kind)
        return self._rewritten(rows, (kind > 0) & ~gone, moves, np.ones(len(rows)))

    def _rewritten(
        self, rows: NDArray[Any], kept: Flags, moves: Ints, factors: NDArray[np.float64]
    ) -> Varied:
        apart = gaps(moves, kept, factors)
        return rewritten(rows, kept, apart, MAX_WAIT, 2 if self.split else 0, _symbol)

    def swap_pulses(self, rows: NDArray[Any], swapped: Flags) -> Varied:
        """P1 and P2 change places where `swapped`, (B,); events of a sample stay in order."""
        kind = self._kind(rows)
        voice = self._voice[kind]
        pulse = ((voice == PULSE_1) | (voice == PULSE_2)) & swapped[:, None]
        changed = rows.copy()
        changed[pulse, 0] = self._partner[rows[pulse, 0]]
        stays = voice == _NOBODY
        new = np.where(pulse, PULSE_1 + PULSE_2 - voice, voice)
        # Waits and marks keep events of other samples and pieces apart.
        key = np.cumsum(stays, axis=1) * (len(VOICES) + 1) + np.where(stays, 0, new + 1)
        order = np.argsort(key, axis=1, kind="stable")
        source = np.where(swapped[:, None], order, in_place(rows).source)
        return Varied(picked(changed, source), source)


def _symbol(samples: Ints) -> Ints:
    return np.searchsorted(waits(), quantise_waits(samples))
