"""Scales that numbers are written on: lengths, loudness and tempo as a few symbols each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_PER_OCTAVE = 16


@dataclass(frozen=True)
class Lengths:
    """Lengths in steps: every one up to `exact`, then 16 to each doubling, `octaves` times.

    With `exact` at four beats that keeps every half beat up to 8 beats and every beat up to 16.
    """

    exact: int
    octaves: int

    @cached_property
    def values(self) -> Ints:
        """Shape (symbols,): the length in steps of each symbol, rising from 1."""
        long = [
            self.exact * 2**octave * (1 + part / _PER_OCTAVE)
            for octave in range(self.octaves)
            for part in range(1, _PER_OCTAVE + 1)
        ]
        steps = [np.arange(1, self.exact + 1), np.rint(np.array(long)).astype(np.int64)]
        return np.unique(np.concatenate(steps))

    @property
    def size(self) -> int:
        """How many symbols there are."""
        return len(self.values)

    @property
    def longest(self) -> int:
        """The longest length, in steps; a longer one is written as this."""
        return int(self.values[-1])

    @property
    def relative_error(self) -> float:
        """The most that a length up to the longest is wrong by, as a part of itself."""
        every = np.arange(1, self.longest + 1)
        return float((np.abs(self.values[self.nearest(every)] - every) / every).max())

    def nearest(self, steps: Ints) -> Ints:
        """The symbol nearest to each length; the shorter one on a tie."""
        return self._tables[0][np.clip(steps, 0, self.longest)]

    def at_most(self, steps: Ints) -> Ints:
        """The longest symbol that does not pass each length."""
        return self._tables[1][np.clip(steps, 0, self.longest)]

    @cached_property
    def _tables(self) -> tuple[Ints, Ints]:
        """The symbols of every length from 0 to the longest: the nearest, and the one below."""
        every = np.arange(self.longest + 1)
        above = np.searchsorted(self.values, every)
        below = np.maximum(np.searchsorted(self.values, every, side="right") - 1, 0)
        shorter = every - self.values[below] <= self.values[above] - every
        return np.where(shorter, below, above), below


@dataclass(frozen=True)
class Velocities:
    """MIDI velocities 1 to 127 in equal bins; a symbol plays at the middle of its bin."""

    bins: int

    def symbols(self, velocities: NDArray[np.integer]) -> Ints:
        """The bin of each velocity."""
        return velocities.astype(np.int64) * self.bins >> 7

    def values(self, symbols: Ints) -> Ints:
        """The velocity in the middle of each bin, or next above where that is in the bin before."""
        lowest = -(-symbols * 128 // self.bins)
        return np.maximum(np.maximum((2 * symbols + 1) * 64 // self.bins, lowest), 1)

    def moved(self, symbols: Ints, by: Ints) -> Ints:
        """The bin that each velocity comes to lie in with `by` added, as far as MIDI goes."""
        return self.symbols(np.clip(self.values(symbols) + by, 1, 127))


@dataclass(frozen=True)
class Tempi:
    """Tempi in `bins` equal ratios from `slowest` to `fastest`, in beats a minute."""

    bins: int = 64
    slowest: float = 20.0
    fastest: float = 320.0

    def symbols(self, microseconds: NDArray[np.integer]) -> Ints:
        """The bin nearest to each tempo, given in microseconds a beat."""
        ratio = np.log(60e6 / microseconds / self.slowest) / np.log(self.fastest / self.slowest)
        return np.clip(np.rint(ratio * (self.bins - 1)), 0, self.bins - 1).astype(np.int64)

    def bins_of(self, factors: NDArray[np.float64]) -> Ints:
        """How many bins faster music is whose tempo is times each factor."""
        ratio = np.log(factors) / np.log(self.fastest / self.slowest)
        return np.rint(ratio * (self.bins - 1)).astype(np.int64)

    def microseconds(self, symbols: Ints) -> Ints:
        """The tempo of each bin in microseconds a beat."""
        ratio = self.fastest / self.slowest
        return np.rint(60e6 / (self.slowest * ratio ** (symbols / (self.bins - 1)))).astype(
            np.int64
        )
