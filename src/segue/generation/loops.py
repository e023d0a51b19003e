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


class Loops:
    """Watches B takes for loops of at least `steps` steps of `encoding`."""

    def __init__(self, encoding: Encoding, takes: int, steps: int) -> None:
        self._encoding = encoding
        self._moves_on = Moves(encoding)
        self._steps = max(steps, 1)
        columns = len(encoding.layout.sizes)
        self._rows = np.zeros((takes, 0, columns), np.int64)
        self._at = np.zeros((takes, 0), np.int64)
        # alike[b, lag - 1]: how many rows up to now are the same as those `lag` rows before them.
        self._alike = np.zeros((takes, FARTHEST), np.int64)

    def penalties(self, column: int, row: Ints, size: int) -> NDArray[np.float64] | None:
        """(B, size) nats to take from the logits of `column`, given the columns before it.

        None if no take is in a loop.
        """
        total = self._rows.shape[1]
        lags = np.arange(1, min(FARTHEST, total) + 1)
        if not len(lags):
            return None
        begin = np.maximum(total - 1 - self._alike[:, : len(lags)], 0)
        lasted = self._at[:, -1:] - np.take_along_axis(self._at, begin, axis=1)
        take, index = np.nonzero((lasted >= self._steps) & (self._alike[:, : len(lags)] > 0))
        if not len(take):
            return None
        following = self._rows[take, total - lags[index]]
        same = (following[:, :column] == row[take, :column]).all(axis=1)
        over = lasted[take, index] / self._steps - 1
        nats = (FIRST_NATS + NATS_A_LENGTH * over) / len(self._encoding.layout.sizes)
        penalties = np.zeros((len(row), size))
        np.maximum.at(penalties, (take[same], following[same, column]), nats[same])
        return penalties

    def accept(self, row: Ints) -> None:
        """Take one more row a take."""
        total = self._rows.shape[1]
        back = min(FARTHEST, total)
        before = self._rows[:, total - back :][:, ::-1]
        same = (before == row[:, None]).all(axis=2)
        self._alike[:, :back] = np.where(same, self._alike[:, :back] + 1, 0)
        moved = self._moves(row)
        last = self._at[:, -1] if total else np.zeros(len(row), np.int64)
        self._rows = np.concatenate([self._rows, row[:, None]], axis=1)
        self._at = np.concatenate([self._at, (last + moved)[:, None]], axis=1)

    def _moves(self, row: NDArray[Any]) -> Ints:
        """How many steps each row is after the one before it."""
        total = self._rows.shape[1]
        last = self._rows[:, -1] if total else row
        return self._moves_on(last, row)


def loop_steps(encoding: Encoding, beats: float) -> int:
    """`beats` in steps of the encoding; where steps are seconds or count rows, at 120 a minute."""
    if encoding.step_beats is not None:
        return round(beats / encoding.step_beats)
    assert encoding.step_seconds is not None
    return round(beats / 2 / encoding.step_seconds)
