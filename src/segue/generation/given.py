"""Rows of a take that are given and not drawn: bar lines, and music that is locked.

The model draws the next row of the whole music; where a given row comes before it, that is what
follows, and the model draws again with it read. So it knows all that is given up to there.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from segue.encodings.compound import Compound
from segue.encodings.compound_variants import END, REST, STEP
from segue.score import Score

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ONSET, TRACK, CODE = 0, 1, 2
_NEVER = np.iinfo(np.int32).max
"""The step of what never comes."""


class Given:
    """The rows that B takes are given, in order, and how many of them each has played.

    `rows`, (n, 5), are rows of `Compound` whose steps do not matter; `at`, (n,), are the steps at
    which they stand, from the start of the piece. Takes that are joined keep their own.
    """

    def __init__(self, encoding: Compound, takes: int, rows: Ints, at: Ints) -> None:
        self._reach = encoding.reach
        # One more, which never comes, stands for none.
        self._rows = np.concatenate([rows, np.zeros((1, 5), np.int64)]).astype(np.int64)[None]
        self._at = np.append(at, _NEVER).astype(np.int64)[None]
        self._plan = np.zeros(takes, np.int64)
        self._next = np.zeros(takes, np.int64)

    def only(self, index: Ints) -> Given:
        """Some of the takes, in a new order."""
        plans, plan = np.unique(self._plan[index], return_inverse=True)
        return self._with(self._rows[plans], self._at[plans], plan, self._next[index])

    def joined(self, other: Given) -> Given:
        """These takes, and after them those of `other`, each with what it is given."""
        long = max(self._at.shape[1], other._at.shape[1])
        parts = [each._padded(long) for each in (self, other)]
        rows, at = (np.concatenate(tables) for tables in zip(*parts, strict=True))
        plan = np.concatenate([self._plan, other._plan + len(self._rows)])
        return self._with(rows, at, plan, np.concatenate([self._next, other._next]))

    def _padded(self, long: int) -> tuple[Ints, Ints]:
        more = long - self._at.shape[1]
        rows = np.pad(self._rows, ((0, 0), (0, more), (0, 0)))
        return rows, np.pad(self._at, ((0, 0), (0, more)), constant_values=_NEVER)

    def _with(self, rows: Ints, at: Ints, plan: Ints, following: Ints) -> Given:
        made = copy(self)
        made._rows, made._at, made._plan, made._next = rows, at, plan, following
        return made

    @property
    def played(self) -> Ints:
        """(B,): how many of the rows each take has played."""
        return self._next

    def settle(self, row: Ints, position: Ints, forced: Bools | None = None) -> Ints:
        """Each drawn row, (B, 5), or the given one that comes before it, or a rest towards that.

        `position`, (B,), is the step that each take has reached. Where `forced`, (B,), the drawn
        row cannot be played, and the next given one follows however late it is.
        """
        due = self._rows[self._plan, self._next]
        at = self._at[self._plan, self._next]
        gap = at - position
        rest = row[:, ONSET] == REST
        first = _key(gap, due) <= _key(row[:, ONSET] - STEP, row)
        first = np.where(rest, gap <= self._reach, first & (row[:, ONSET] >= STEP))
        if forced is not None:
            first |= forced & (at < _NEVER)
        if not first.any():
            return row
        settled = row.copy()
        far = first & (gap > self._reach)
        settled[far] = (REST, 0, 0, 0, 0)
        here = first & ~far
        settled[here] = due[here]
        settled[here, ONSET] = STEP + gap[here]
        self._next = self._next + here
        return settled


def _key(step: Ints, row: Ints) -> Ints:
    """What rows are sorted by."""
    return np.asarray((step << 20) | (row[:, TRACK] << 12) | row[:, CODE])


def bar_lines(encoding: Compound, score: Score, first: int, end: int) -> Ints:
    """Shape (bars, 5): the bar lines of `score` from step `first` up to `end`, as events."""
    return encoding.bar_rows(score, max(first, 0), max(end - 1, 0))


def closes(row: Ints) -> Bools:
    """(B,): whether rows of `Compound` end a piece."""
    return np.asarray(row[:, ONSET] == END)
