"""What may come next: the encoding's grammar, and where the takes are to begin and to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.generation.wishes import PitchMasks

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


RESTLESS = 256
"""Rows at one moment after which time has to move on: every key of a keyboard let go and struck."""
STANDSTILL = 2 * RESTLESS
"""Rows at one moment after which a take ends, where its grammar did not let time move on."""


class Guide(Protocol):
    """Steers B takes that are played side by side."""

    stuck: Bools
    """(B,): where `allowed` had to let through what it should not, there being nothing else.

    The player clears it, and draws such a row again from its first column.
    """

    def allowed(self, column: int, row: Ints) -> Bools:
        """(B, V): the symbols `column` may hold, given the columns of `row` before it."""

    def settle(self, row: Ints) -> Ints:
        """What is played of a drawn row: itself, or a row that has to come before it."""

    def accept(self, row: Ints) -> tuple[Bools, Bools]:
        """Take one whole row a take: (B,) whether it is kept, (B,) whether the take has ended."""


class Steps:
    """Guides takes by the encoding's grammar from one step to another.

    `prompt` holds the rows already played, shape (rows, columns), the last of them at step
    `position`; no new row starts before step `begin`; takes end at the first row at or after step
    `end`, and not before (the symbols that close a piece wait until then) unless `may_end`.
    Without `end`, takes end after `most_rows` rows. A take that stands still for RESTLESS rows,
    as those of a model that has learned nothing may, has to move on, or ends a little later. `only`
    narrows columns, by index, to the symbols of a mask of shape (V,); `pitches` to the notes that a
    user asks for.
    """

    def __init__(
        self,
        encoding: Encoding,
        takes: int,
        prompt: Ints,
        *,
        position: int = 0,
        begin: int = 0,
        end: int | None = None,
        most_rows: int | None = None,
        may_end: bool = False,
        only: Mapping[int, Bools] | None = None,
        pitches: PitchMasks | None = None,
    ) -> None:
        self._encoding = encoding
        self._sizes = encoding.layout.sizes
        self._grammar = encoding.grammar()
        self._probes = _probe(encoding)
        self._begin, self._end, self._left = begin, end, most_rows
        self._may_end = may_end
        self._only = dict(only or {})
        self._pitches = pitches
        self.stuck = np.zeros(takes, bool)
        self._position = np.full(takes, position, dtype=np.int64)
        self._still = np.zeros(takes, np.int64)
        last = prompt[-1] if len(prompt) else np.zeros(len(self._sizes), np.int64)
        self._last = np.repeat(last[None], takes, axis=0)
        self._begun = len(prompt) > 0
        self._state = np.zeros((takes, 0), np.int64)
        if self._grammar is not None:
            state = self._grammar.start(1)
            for row in prompt:
                state = self._grammar.advance(state, row[None])
            self._state = np.repeat(state, takes, axis=0)

    @property
    def position(self) -> Ints:
        """(B,): the step that each take has reached."""
        return self._position

    def allowed(self, column: int, row: Ints) -> Bools:
        """The grammar's symbols, less those that end too early or start before `begin`."""
        if self._grammar is not None:
            mask = self._grammar.allowed(column, row[:, :column], self._state).copy()
        else:
            mask = np.ones((len(row), self._sizes[column]), bool)
        if column in self._only:
            self._restrict(mask, self._only[column][None])
        advance, closes = self._probes[column]
        if not self._may_end:
            self._restrict(mask, ~closes[None])
        restless = self._still >= RESTLESS
        if restless.any() and (advance > 0).any():
            self._restrict(mask, (advance > 0)[None] | ~restless[:, None])
        if self._begin and (advance > advance.min()).any():
            late = self._position[:, None] + advance[None] >= self._begin
            # Where nothing reaches that far, the longest way on comes closest.
            late |= ~late.any(axis=1, keepdims=True) & (advance == advance.max())[None]
            self._restrict(mask, late)
        if self._pitches is not None:
            self._restrict(mask, self._in_harmony(column, row))
        return mask

    def _restrict(self, mask: Bools, to: Bools) -> None:
        """Take away what is not in `to`, in place, from takes that keep something to choose."""
        narrowed = mask & to
        some = narrowed.any(axis=1)
        mask[some] = narrowed[some]
        self.stuck |= ~some

    def _in_harmony(self, column: int, row: Ints) -> Bools:
        assert self._pitches is not None
        reached = self._position.copy()
        for k in range(column):
            reached += self._probes[k][0][row[:, k]]
        position = reached[:, None] + self._probes[column][0][None]
        asked = self._pitches.allowed(column, row, self._last, position)
        return np.ones((len(row), self._sizes[column]), bool) if asked is None else asked

    def settle(self, row: Ints) -> Ints:
        """The row itself."""
        return row

    def accept(self, row: Ints) -> tuple[Bools, Bools]:
        """Move each take on to its row."""
        pairs = np.stack([self._last, row], axis=1).astype(np.uint16)
        steps = [np.diff(self._encoding.positions(pair))[0] for pair in pairs]
        first = 0 if self._begun else int(self._encoding.positions(row[:1].astype(np.uint16))[0])
        moved = np.array(steps) if self._begun else np.full(len(row), first)
        self._position = self._position + moved
        self._still = np.where(moved > 0, 0, self._still + 1)
        self._begun = True
        self._last = row.copy()
        if self._grammar is not None:
            self._state = self._grammar.advance(self._state, row)
        ended = self._encoding.ends(row.astype(np.uint16)) | (self._still >= STANDSTILL)
        if self._end is not None:
            ended = ended | (self._position >= self._end)
        kept = ~ended
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                ended = np.ones_like(ended)
        return kept, ended


def only_known(
    encoding: Encoding, used: Sequence[Sequence[int]], header: Mapping[str, Any]
) -> dict[int, Bools]:
    """Masks for `Steps`: symbols that training used, and tracks that the header names.

    `used[k]` lists the symbols of column k that occur in training: about the others a model knows
    nothing, and a small one would still draw them now and then.
    """
    masks: dict[int, Bools] = {}
    for k, column in enumerate(encoding.layout.columns):
        masks[k] = np.isin(np.arange(column.size), used[k])
        if column.name == "track" and header.get("tracks"):
            slots = [int(track[0]) for track in header["tracks"]]
            masks[k] = np.isin(np.arange(column.size), slots)
    return masks


def _probe(encoding: Encoding) -> list[tuple[Ints, Bools]]:
    """For each column and symbol: how many steps it moves on by, and whether it closes a piece."""
    sizes = encoding.layout.sizes
    found = []
    for column, size in enumerate(sizes):
        rows = np.zeros((size, len(sizes)), np.uint16)
        rows[:, column] = np.arange(size)
        before = np.zeros((1, len(sizes)), np.uint16)
        steps = [
            int(np.diff(encoding.positions(np.concatenate([before, row[None]])))[0]) for row in rows
        ]
        found.append((np.array(steps, np.int64), encoding.ends(rows)))
    return found
