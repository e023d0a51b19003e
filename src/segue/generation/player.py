"""The loop that plays: ask each head in turn, draw, step, until every take has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation.engine import Engine, IntRows, State, read
from segue.generation.guides import Guide
from segue.generation.loops import Loops, loop_steps
from segue.generation.sampling import Sampling, draw, pick, weights

MAX_ROWS = 100_000
"""No take is longer than this many rows, whatever the model says."""
FETCHED = 512
"""Random numbers drawn at a time; a take's music does not depend on it."""
MOST_TRIES = 16
"""How often a row is drawn that leads to where nothing is allowed."""


@dataclass(frozen=True)
class Player:
    """An engine and how it is sampled. Takes are played as one batch.

    With an `encoding` the sampling may heat its columns by name and damp loops.
    """

    engine: Engine
    sampling: Sampling
    encoding: Encoding | None = None

    def read(self, prompt: IntRows) -> State:
        """The state of one take after the rows of `prompt`, shape (rows, columns)."""
        return read(self.engine, prompt.astype(np.int64)[None])

    def play(
        self,
        state: State,
        guide: Guide,
        seeds: Sequence[int],
        on_row: Callable[[int], None] | None = None,
    ) -> list[IntRows]:
        """New rows for each take, shape (rows, columns), one take a seed.

        `state` holds either one take, shared by all, or one a seed. Every take has a random
        generator of its own, so that take i does not depend on how many are made with it.
        """
        rows: list[list[IntRows]] = [[] for _ in seeds]
        for count, (row, kept) in enumerate(self.each(state, guide, seeds), start=1):
            for i in np.flatnonzero(kept):
                rows[i].append(row[i])
            if on_row is not None:
                on_row(count)
        columns = len(self.engine.sizes)
        return [np.array(r, dtype=np.int64).reshape(-1, columns) for r in rows]

    def each(
        self, state: State, guide: Guide, seeds: Sequence[int]
    ) -> Iterator[tuple[IntRows, NDArray[np.bool_]]]:
        """As `play`, but row after row: (takes, columns) and (takes,) which of them count."""
        takes = len(seeds)
        state = self.engine.playing(state, takes // state.batch)
        chance = Chance(seeds)
        loops = self._loops(takes)
        live: NDArray[np.bool_] | None = None
        """Which takes have not ended; None as long as none has."""
        for _ in range(MAX_ROWS if takes else 0):
            row = guide.settle(self._row(state, guide, chance, loops))
            if loops is not None:
                loops.accept(row)
            kept, ended = guide.accept(row)
            yield row, kept if live is None else live & kept
            if np.count_nonzero(ended):
                live = ~ended if live is None else live & ~ended
                if not live.any():
                    return
            state = self.engine.step(row, state)

    def _row(
        self,
        state: State,
        guide: Guide,
        chance: Chance,
        loops: Loops | None,
    ) -> NDArray[np.int64]:
        columns = len(self.engine.sizes)
        row = np.zeros((state.batch, columns), dtype=np.int64)
        if self.engine.independent:
            return self._frame(state, guide, chance, row)
        banned: NDArray[np.bool_] | None = None
        pending: NDArray[np.bool_] | None = None
        for _ in range(MOST_TRIES):
            guide.stuck.fill(False)
            ask = self.engine.columns(state)
            # Of a take that is not drawn again no random number is used up.
            uniform = chance.next(columns, pending)
            for column in range(columns):
                allowed = guide.allowed(column, row)
                if not column and banned is not None:
                    _ban(allowed, banned)
                drawn = None if self.engine.frames else only_one(allowed)
                if drawn is None:
                    logits = ask(column, row)
                    damped = loops.penalties(column, row, logits.shape[1]) if loops else None
                    if damped is not None:
                        logits = (logits - damped).astype(np.float32)
                    drawn = pick(logits, allowed, self._how[column], uniform[:, column])
                row[:, column] = (
                    drawn if pending is None else np.where(pending, drawn, row[:, column])
                )
            if columns == 1 or not np.count_nonzero(guide.stuck):
                break
            pending = guide.stuck.copy() if pending is None else pending & guide.stuck
            if not pending.any():
                break
            if banned is None:
                banned = np.zeros((state.batch, self.engine.sizes[0]), bool)
            banned[pending, row[pending, 0]] = True
        return row

    @cached_property
    def _how(self) -> list[Sampling]:
        """How each column is drawn."""
        if self.encoding is None:
            return [self.sampling] * len(self.engine.sizes)
        return self.sampling.by_column([c.name for c in self.encoding.layout.columns])

    def _loops(self, takes: int) -> Loops | None:
        if not self.sampling.loop_beats:
            return None
        if self.encoding is None or self.engine.frames:
            raise SegueError(
                f"loop-beats came as {self.sampling.loop_beats:g}, but rolls are drawn a frame at "
                "a time and have no rows to damp: set it to 0 for this bundle."
            )
        return Loops(self.encoding, takes, loop_steps(self.encoding, self.sampling.loop_beats))

    def _frame(
        self,
        state: State,
        guide: Guide,
        chance: Chance,
        row: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """All columns of a row at once."""
        batch, columns = row.shape
        logits = self.engine.frame(state, row)
        allowed = np.stack([guide.allowed(c, row) for c in range(columns)], axis=1)
        uniform = chance.next(columns)
        p = weights(
            logits.reshape(batch * columns, -1), allowed.reshape(batch * columns, -1), self.sampling
        )
        return draw(p, uniform.ravel()).reshape(batch, columns)


class Chance:
    """Random numbers of B takes, each from a generator of its own, fetched many at a time."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._numbers = np.zeros((len(seeds), 0))
        self._used = np.zeros(len(seeds), np.int64)
        self._together = -1
        """How many each take has used, where that is one number; -1 where it is in `_used`."""

    def next(self, count: int, wanted: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """(B, count) numbers in [0, 1); of takes that are not `wanted` any, and none is used up."""
        if self._together >= 0:
            at, self._together = self._together, self._together + count
            if wanted is None and self._together <= self._numbers.shape[1]:
                return self._numbers[:, at : at + count]
            self._used[:], self._together = at, -1
        if self._numbers.shape[1] < self._used.max() + count:
            self._fetch(max(count, FETCHED))
        places = self._used[:, None] + np.arange(count)
        numbers: NDArray[np.float64] = np.take_along_axis(self._numbers, places, axis=1)
        self._used += count if wanted is None else count * wanted
        if (self._used == self._used[0]).all():
            self._together = int(self._used[0])
        return numbers

    def _fetch(self, least: int) -> None:
        left = self._numbers.shape[1] - self._used
        size = int(left.max()) + least
        fetched = np.empty((len(left), size))
        for i, generator in enumerate(self._generators):
            fetched[i, : left[i]] = self._numbers[i, self._used[i] :]
            fetched[i, left[i] :] = generator.random(size - left[i])
        self._numbers = fetched
        self._used[:] = 0


def only_one(allowed: NDArray[np.bool_]) -> IntRows | None:
    """(B,): the symbols of (B, V) that are allowed, where each take has but one: nobody need ask
    the model then, of which columns do not lead on from one another. None where one has more."""
    takes = len(allowed)
    if np.count_nonzero(allowed) != takes:
        return None
    found = allowed.argmax(axis=1)
    return found if takes == 1 or allowed[np.arange(takes), found].all() else None


def _ban(allowed: NDArray[np.bool_], banned: NDArray[np.bool_]) -> None:
    """Take first symbols that led nowhere away, in place, from takes that have others."""
    rest = allowed & ~banned
    some = rest.any(axis=1)
    allowed[some] = rest[some]
