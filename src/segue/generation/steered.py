"""An engine whose logits lean towards a density.

Of rows that come one after another the deciding column is tilted. A frame of a roll begins any
number of notes at once, in columns of which each alone knows nothing of the others: they are asked
one by one here, and each is given the chance that it has under the condition that the whole frame
begins at least and at most so many notes. For columns that are independent that is exact (the
counts of the columns above are a Poisson-binomial distribution, summed up from the top); where
each column depends on those below it, the chances of those above are taken from the frame before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.generation.density import Corridor
from segue.generation.engine import Ask, Engine, Floats, IntRows, State
from segue.generation.guides import Steps

Bools = NDArray[np.bool_]
Wide = NDArray[np.float64]

MOST = 24
"""Notes that a frame is told apart by: more at once are as good as that many."""
SURE = 40.0
"""Nats that leave no other choice."""
COLDEST = 0.05


class Steered:
    """The engine `inner`, tilted by what `guide` has counted. All else is `inner`'s own."""

    independent = False

    def __init__(self, inner: Engine, guide: Steps, corridor: Corridor, heat: float) -> None:
        self._inner, self._guide, self._corridor = inner, guide, corridor
        self._heat = max(heat, COLDEST)
        self._before: Wide | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def columns(self, state: State) -> Ask:
        """What tells the logits of the next row's columns, asked from the first to the last."""
        if not self._inner.frames:
            return self._tilted(self._inner.columns(state))
        return self._frame(state)

    def _tilted(self, ask: Ask) -> Ask:
        def told(column: int, row: IntRows) -> Floats:
            logits = ask(column, row)
            tilt = self._corridor.tilt(column, row, self._guide.position)
            if tilt is None:
                return logits
            return (logits + self._heat * tilt).astype(np.float32)

        return told

    def _frame(self, state: State) -> Ask:
        guide, count = self._guide, len(self._inner.sizes)
        begins = guide.cells_begin()
        row = np.zeros((state.batch, count), np.int64)
        may = guide.frame_mask()
        lean = self._corridor.frame_tilt(guide.position)[:, None]
        least, most = (np.minimum(b, MOST - 1) for b in self._corridor.bounds(guide.position))
        ask: Ask
        if self._inner.independent:
            logits = self._inner.frame(state, row)
            chances = self._chances(logits, begins, may, lean)
            ask = lambda column, row: logits[:, column]  # noqa: E731
        else:
            ask = self._inner.columns(state)
            known = self._before
            if known is None or len(known) != state.batch:
                known = np.full((state.batch, count), 0.03)
            chances = np.where((begins & may).any(axis=2), np.maximum(known, 1e-3), 0.0)
        above = _counts_above(chances)
        met = np.zeros((state.batch, count))

        def told(column: int, row: IntRows) -> Floats:
            raw = ask(column, row)
            so_far = _begun(begins[:, :column], row[:, :column])
            now = begins[:, column] & may[:, column]
            alone = self._chance(raw[:, None], now[:, None], may[:, column, None], lean)
            met[:, column] = alone[:, 0]
            self._before = met
            rest = above[:, column + 1]
            yes = _between(rest, least - so_far - 1, most - so_far - 1)
            no = _between(rest, least - so_far, most - so_far)
            shift = np.log(np.maximum(yes, 1e-300)) - np.log(np.maximum(no, 1e-300))
            shift = np.clip(shift, -SURE, SURE)[:, None] + lean
            return (raw + self._heat * np.where(now, shift, 0.0)).astype(np.float32)

        return told

    def _chances(self, logits: Floats, begins: Bools, may: Bools, lean: Wide) -> Wide:
        return self._chance(logits, begins & may, may, lean)

    def _chance(self, logits: Floats, begins: Bools, may: Bools, lean: Wide) -> Wide:
        """(B, C): how likely each cell begins a note, of what it may hold."""
        scaled = logits.astype(np.float64) / self._heat + np.where(begins, lean[..., None], 0.0)
        scaled = np.where(may, scaled, -np.inf)
        p = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray((p * begins).sum(axis=-1) / p.sum(axis=-1))


def _begun(begins: Bools, row: IntRows) -> NDArray[np.int64]:
    """(B,): notes begun in the columns told so far."""
    if not row.shape[1]:
        return np.zeros(len(row), np.int64)
    hit = np.take_along_axis(begins, row[..., None], axis=2)[..., 0]
    return np.asarray(hit.sum(axis=1))


def _counts_above(chances: Wide) -> Wide:
    """(B, C) chances to (B, C + 1, MOST): how likely columns from c on begin j notes in all."""
    batch, count = chances.shape
    table = np.zeros((batch, count + 1, MOST))
    table[:, count, 0] = 1
    for c in range(count - 1, -1, -1):
        p = chances[:, c, None]
        after = table[:, c + 1]
        table[:, c] = after * (1 - p)
        table[:, c, 1:] += after[:, :-1] * p
        table[:, c, -1] += after[:, -1] * p[:, 0]
    return table


def _between(table: Wide, least: NDArray[np.int64], most: NDArray[np.int64]) -> Wide:
    """(B,): how likely the number is from `least` to `most`, of (B, MOST) chances."""
    j = np.arange(table.shape[1])
    inside = (j >= least[:, None]) & (j <= most[:, None])
    return np.asarray((table * inside).sum(axis=1))
