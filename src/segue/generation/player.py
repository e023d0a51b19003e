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
from segue.generation.sampling import Sampling, draw, probabilities

MAX_ROWS = 100_000
"""No take is longer than this many rows, whatever the model says."""
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
        if state.batch != takes:
            state = self.engine.fork(state, takes)
        generators = [np.random.default_rng(seed) for seed in seeds]
        loops = self._loops(takes)
        live = np.ones(takes, bool)
        count = 0
        while live.any() and count < MAX_ROWS:
            row = guide.settle(self._row(state, guide, generators, loops))
            if loops is not None:
                loops.accept(row)
            kept, ended = guide.accept(row)
            yield row, live & kept
            live &= ~ended
            count += 1
            if live.any():
                state = self.engine.step(row, state)

    def _row(
        self,
        state: State,
        guide: Guide,
        generators: list[np.random.Generator],
        loops: Loops | None,
    ) -> NDArray[np.int64]:
        row = np.zeros((state.batch, len(self.engine.sizes)), dtype=np.int64)
        if self.engine.independent:
            return self._frame(state, guide, generators, row)
        banned = np.zeros((state.batch, self.engine.sizes[0]), bool)
        pending = np.ones(state.batch, bool)
        for _ in range(MOST_TRIES):
            guide.stuck[:] = False
            ask = self.engine.columns(state)
            for column in range(row.shape[1]):
                logits = ask(column, row)
                damped = loops.penalties(column, row, logits.shape[1]) if loops else None
                if damped is not None:
                    logits = (logits - damped).astype(np.float32)
                allowed = guide.allowed(column, row)
                if not column and banned.any():
                    _ban(allowed, banned)
                # Of a take that is not drawn again no random number is used up.
                uniform = np.array(
                    [g.random() if p else 0.0 for g, p in zip(generators, pending, strict=True)]
                )
                p = probabilities(logits, allowed, self._how[column])
                row[pending, column] = draw(p, uniform)[pending]
            pending &= guide.stuck
            if row.shape[1] == 1 or not pending.any():
                break
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
        generators: list[np.random.Generator],
        row: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """All columns of a row at once."""
        batch, columns = row.shape
        logits = self.engine.frame(state, row)
        allowed = np.stack([guide.allowed(c, row) for c in range(columns)], axis=1)
        uniform = np.stack([g.random(columns) for g in generators])
        p = probabilities(
            logits.reshape(batch * columns, -1), allowed.reshape(batch * columns, -1), self.sampling
        )
        return draw(p, uniform.ravel()).reshape(batch, columns)


def _ban(allowed: NDArray[np.bool_], banned: NDArray[np.bool_]) -> None:
    """Take first symbols that led nowhere away, in place, from takes that have others."""
    rest = allowed & ~banned
    some = rest.any(axis=1)
    allowed[some] = rest[some]
