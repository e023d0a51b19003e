"""The takes of one request while they are played in a batch with others, and their chance."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segue.generation.engine import IntRows, State
from segue.generation.guides import Guide
from segue.generation.loops import Loops
from segue.generation.player import FETCHED, MAX_ROWS, Player

Bools = NDArray[np.bool_]

EAGER, STEADY = (2, 4, 6, 8, 12, 16, 24), 32
"""At which rows those who listen are told first, and then at every so many more."""


@dataclass
class Part:
    """The takes of one request: what plays them, and what has been played of them by now."""

    state: State
    guide: Guide
    seeds: Sequence[int]
    player: Player
    loops: Loops | None
    blocks: list[tuple[IntRows, Bools]] = field(default_factory=list)
    """(T, B, C) rows, one block after the other, and which of them count, (T, B)."""
    count: int = 0
    tellable: int = 0
    """Rows that those who wait have been told of."""
    is_over: bool = False
    is_gone: bool = False
    error: BaseException | None = None
    """What those who wait are to raise."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def takes(self) -> int:
        """How many takes it has."""
        return len(self.seeds)

    def take(self, rows: IntRows, kept: Bools) -> None:
        """(T, B, C) rows more, of which those count that are kept, (T, B)."""
        self.blocks.append((rows, kept))
        self.count += len(rows)

    def rows(self) -> list[IntRows]:
        """(N, C) the rows of each take by now."""
        blocks = self.blocks[:]
        if not blocks:
            return [np.zeros((0, len(self.player.engine.sizes)), np.int64) for _ in self.seeds]
        rows = np.concatenate([block for block, _ in blocks])
        kept = np.concatenate([those for _, those in blocks])
        return [rows[kept[:, i], i] for i in range(len(self.seeds))]

    @property
    def waits(self) -> int:
        """After how many rows more those who wait are told of them."""
        following = next(
            (n for n in EAGER if n > self.count), self.count // STEADY * STEADY + STEADY
        )
        return min(following, MAX_ROWS) - self.count

    def tell(self) -> None:
        """Let those who wait know what rows there are."""
        self.tellable = self.count
        self._tell()

    def end(self, error: BaseException | None) -> None:
        """Let those who wait know that no more will come."""
        self.error, self.is_over = error, True
        self._tell()

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def heard(self) -> Iterator[int]:
        """How many rows there are, each time that there are more, until the end."""
        told = 0
        try:
            while True:
                with self.changed:
                    if not self.is_over and self.tellable <= told:
                        self.changed.wait(0.25)
                    over = self.is_over
                    told = self.count if over else self.tellable
                yield told
                if over:
                    if self.error is not None:
                        raise self.error
                    return
        finally:
            self.is_gone = True


@dataclass
class Reading:
    """A prompt that is read in the batch, row by row, while others are played."""

    rows: IntRows
    """(T, C), at least one."""
    state: State
    """Of one take: before the first row, and after the last once it is over."""
    lanes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(1,) where in the batch."""
    done: int = 0
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    is_gone: bool = False
    takes: int = 1

    @property
    def is_over(self) -> bool:
        """Whether all was read."""
        return self.ended.is_set()

    def end(self, error: BaseException | None) -> None:
        """Let who waits know that it is over."""
        self.error = error
        self.ended.set()

    def read(self) -> State:
        """The state after all rows, when there is one."""
        self.ended.wait()
        if self.error is not None:
            raise self.error
        return self.state


@dataclass
class Luck:
    """Random numbers of takes that come and go: those of `player.Chance`, take by take."""

    generators: list[np.random.Generator]
    numbers: NDArray[np.float64]
    used: IntRows

    @classmethod
    def of(cls, seeds: Sequence[int]) -> Luck:
        """Of takes that begin."""
        generators = [np.random.default_rng(seed) for seed in seeds]
        return cls(generators, np.zeros((len(seeds), 0)), np.zeros(len(seeds), np.int64))

    @classmethod
    def joined(cls, many: Sequence[Luck]) -> Luck:
        """Of all takes of several, each going on where it was."""
        made = cls(
            [g for each in many for g in each.generators], np.zeros((0, 0)), np.zeros(0, np.int64)
        )
        left = [n[u:] for each in many for n, u in zip(each.numbers, each.used, strict=True)]
        made._fill(left, max(map(len, left), default=0))
        return made

    def chosen(self, index: IntRows) -> Luck:
        """Of some of its takes."""
        return Luck([self.generators[i] for i in index], self.numbers[index], self.used[index])

    def next(self, count: int, wanted: Bools | None = None) -> NDArray[np.float64]:
        """(B, count) numbers in [0, 1); of takes that are not `wanted` none is used up."""
        if self.numbers.shape[1] < self.used.max() + count:
            left = [n[u:] for n, u in zip(self.numbers, self.used, strict=True)]
            self._fill(left, max(map(len, left)) + max(count, FETCHED))
        places = self.used[:, None] + np.arange(count)
        numbers: NDArray[np.float64] = self.numbers[np.arange(len(places))[:, None], places]
        self.used = self.used + (count if wanted is None else count * wanted)
        return numbers

    def _fill(self, left: Sequence[NDArray[np.float64]], width: int) -> None:
        """Keep what is left of each take, and fetch more up to `width`."""
        self.numbers = np.empty((len(left), width))
        for i, (numbers, generator) in enumerate(zip(left, self.generators, strict=True)):
            self.numbers[i, : len(numbers)] = numbers
            self.numbers[i, len(numbers) :] = generator.random(width - len(numbers))
        self.used = np.zeros(len(left), np.int64)
