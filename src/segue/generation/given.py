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
        self._due = self._at[self._plan, self._next]
        """(B,): the step of the row that each take is given next."""
        # A row of the same step may come before it or after it; START and END nothing comes before.
        self._farthest = np.maximum(np.arange(self._reach + 1 + STEP) - STEP, 0)
        """(V,): how far off a given row may be that comes before each first symbol."""
        self._farthest[REST] = self._reach
        self._farthest[:REST] = np.iinfo(np.int64).min

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
        made._due = at[plan, following]
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
        gap = self._due - position
        near = gap <= self._farthest.take(row[:, ONSET])
        if forced is not None:
            near |= forced & (self._due < _NEVER)
        if not np.count_nonzero(near):
            return row
        settled = row.copy()
        played = []
        for take in near.nonzero()[0].tolist():
            away = gap.item(take)
            must = forced is not None and bool(forced[take])
            if not must and self._is_after(row, take, away):
                continue
            if away > self._reach:
                settled[take] = (REST, 0, 0, 0, 0)
                continue
            settled[take] = self._rows[self._plan[take], self._next[take]]
            settled[take, ONSET] = STEP + away
            played.append(take)
        if played:
            self._next = self._next.copy()
            self._next[played] += 1
            self._due = self._at[self._plan, self._next]
        return settled

    def _is_after(self, row: Ints, take: int, away: int) -> bool:
        """Whether the given row, `away` steps off, follows a drawn one that is as far or farther:
        at the same step the track decides, then the code."""
        if away < 0 or row.item(take, ONSET) != STEP + away:
            return False
        due = self._rows[self._plan[take], self._next[take]]
        return _place(due) > _place(row[take])


def _place(row: Ints) -> tuple[int, int]:
    """What rows of one step are sorted by."""
    return row.item(TRACK), row.item(CODE)


def bar_lines(encoding: Compound, score: Score, first: int, end: int) -> Ints:
    """Shape (bars, 5): the bar lines of `score` from step `first` up to `end`, as events."""
    return encoding.bar_rows(score, max(first, 0), max(end - 1, 0))


def closes(row: Ints) -> Bools:
    """(B,): whether rows of `Compound` end a piece."""
    return np.asarray(row[:, ONSET] == END)
