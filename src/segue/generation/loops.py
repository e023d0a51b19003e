"""Damping loops: what would repeat music exactly, after it has been repeated for long enough.

A repetition penalty of language models punishes every symbol used before, and with it the key and
the metre. Here only an exact loop counts, row for row and step for step, and only once it has gone
on for a chosen length of music: a chord struck four times is none, four bars that come again and
again are. The penalty is on the one row that would carry the loop on, and grows with its length;
other rows are as likely as they were. The idea is that of the DRY sampler of text generation
("don't repeat yourself", p-e-w 2024), measured in music instead of tokens.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.generation.symbols import Moves

Ints = NDArray[np.int64]

FARTHEST = 512
"""Rows between a loop and its repetition, at most."""
FIRST_NATS, NATS_A_LENGTH = 2.0, 2.0
"""What carrying on costs when a loop has just reached its length, and for each length more."""
_ROOM = 256
"""Rows that there is room for at first."""


class Loops:
    """Watches B takes for loops of at least `steps` steps of `encoding`."""

    def __init__(self, encoding: Encoding, takes: int, steps: int) -> None:
        self._encoding = encoding
        self._moves_on = Moves(encoding)
        self._steps = max(steps, 1)
        columns = len(encoding.layout.sizes)
        # The rows so far, and the step of each, are the first `_total` of these.
        self._rows = np.zeros((takes, _ROOM, columns), np.int64)
        self._at = np.zeros((takes, _ROOM), np.int64)
        self._total = 0
        # alike[b, lag - 1]: how many rows up to now are the same as those `lag` rows before them.
        self._alike = np.zeros((takes, FARTHEST), np.int64)
        self._going_on: tuple[Ints, Ints, NDArray[np.float64]] | None = None
        self._is_known = False
        """Whether `_going_on` is what `_found` finds."""

    def penalties(self, column: int, row: Ints, size: int) -> NDArray[np.float64] | None:
        """(B, size) nats to take from the logits of `column`, given the columns before it.

        None if no take is in a loop.
        """
        if not self._is_known:
            self._going_on, self._is_known = self._found(), True
        if self._going_on is None:
            return None
        take, following, nats = self._going_on
        same = (following[:, :column] == row[take, :column]).all(axis=1)
        penalties = np.zeros((len(row), size))
        np.maximum.at(penalties, (take[same], following[same, column]), nats[same])
        return penalties

    def _found(self) -> tuple[Ints, Ints, NDArray[np.float64]] | None:
        """(L,) the takes that are in a loop, once for each they are in, (L, C) the row that would
        carry it on, and (L,) what that costs."""
        total = self._total
        alike = self._alike[:, : min(FARTHEST, total)]
        if not np.count_nonzero(alike):
            return None
        at = self._at[:, :total]
        begin = np.maximum(total - 1 - alike, 0)
        lasted = at[:, -1:] - np.take_along_axis(at, begin, axis=1)
        take, index = np.nonzero((lasted >= self._steps) & (alike > 0))
        if not len(take):
            return None
        over = lasted[take, index] / self._steps - 1
        nats = (FIRST_NATS + NATS_A_LENGTH * over) / len(self._encoding.layout.sizes)
        return take, self._rows[take, total - 1 - index], nats

    def accept(self, row: Ints) -> None:
        """Take one more row a take."""
        total = self._total
        back = min(FARTHEST, total)
        before = self._rows[:, total - back : total][:, ::-1]
        same = (before == row[:, None]).all(axis=2)
        self._alike[:, :back] = np.where(same, self._alike[:, :back] + 1, 0)
        moved = self._moves(row)
        last = self._at[:, total - 1] if total else 0
        if total == self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)], axis=1)
            self._at = np.concatenate([self._at, np.zeros_like(self._at)], axis=1)
        self._rows[:, total] = row
        self._at[:, total] = last + moved
        self._total, self._is_known = total + 1, False

    def _moves(self, row: NDArray[Any]) -> Ints:
        """How many steps each row is after the one before it."""
        last = self._rows[:, self._total - 1] if self._total else row
        return self._moves_on(last, row)


def loop_steps(encoding: Encoding, beats: float) -> int:
    """`beats` in steps of the encoding; where steps are seconds or count rows, at 120 a minute."""
    if encoding.step_beats is not None:
        return round(beats / encoding.step_beats)
    assert encoding.step_seconds is not None
    return round(beats / 2 / encoding.step_seconds)
