"""Packed windows: pieces laid end to end, so that short ones share a window and none is padded.

An epoch lays all pieces of the split in a row, in an order drawn anew, and cuts it into windows of
T targets. A piece's first row has no row before it to be told from, so it is an input and not a
target; every other row is the target of exactly one window, as it is without packing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.data.corpus import Corpus
from segue.data.shuffle import keyed
from segue.data.windows import Batch, Ints, Windows


class _Layout(NamedTuple):
    """An epoch's pieces in order, and where each ends in the row of all; shape (pieces,)."""

    order: Ints
    ends: Ints


class _Runs(NamedTuple):
    """Rows that lie side by side in a shard and in a window, arrays of shape (runs,).

    `size` rows of `piece`, from its row `start` on, stand in `window` from `place` on; `number`
    counts the runs of a window from 0.
    """

    window: Ints
    place: Ints
    number: Ints
    piece: Ints
    start: Ints
    size: Ints


class PackedWindows(Windows):
    """The windows of one split, several short pieces to a window; objective "every".

    As with `Windows`, which windows step s of rank r takes is a pure function of (seed, s, r).
    `Batch.segments` tells the pieces in a window apart. What is held out is measured piece by
    piece, as `Windows` does it.
    """

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        length: int,
        batch: int,
        seed: int = 0,
        *,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        super().__init__(corpus, split, length, batch, seed, rank=rank, world=world)
        self._lengths = self._targets + 1
        self._laid: dict[int, _Layout] = {}
        self._block_drawn: tuple[int, Ints, Ints] | None = None

    @property
    def total(self) -> int:
        """How many windows an epoch has."""
        return -(-(int(self._lengths.sum()) - 1) // self.length)

    def batch(self, step: int) -> Batch:
        """The batch of this rank at `step` (0, 1, ...): the same whenever it is asked for."""
        runs = self._runs(step)
        shape = self.batch_size, self.length + 1
        begins = runs.window * shape[1] + runs.place
        places = _spread(begins, runs.size)
        rows = np.empty((shape[0] * shape[1], self._columns), self.corpus.shards[0].dtype)
        self._gather_into(rows, places, runs)
        counts = np.zeros(len(rows), bool)
        counts[places] = True
        for end in (begins + runs.size)[_short(runs, shape[1])].tolist():
            rest = end + -end % shape[1]
            rows[end:rest] = rows[end - 1]  # any symbol in use: these do not count
        counts[begins[runs.start == 0]] = False
        segments = np.full(len(rows), -1, np.int16)
        segments[places] = np.repeat(runs.number, runs.size)
        whole = self._adapted(rows.reshape(*shape, self._columns))
        mask = counts.reshape(shape)[:, 1:]
        return Batch(whole[:, :-1], whole[:, 1:], mask, segments.reshape(shape)[:, :-1])

    def targets(self, step: int) -> int:
        """How many targets count in this rank's batch at `step`, found without reading it."""
        runs = self._runs(step)
        no_target = (runs.start == 0) | (runs.place == 0)
        return int(runs.size.sum() - no_target.sum())

    def _gather_into(self, rows: NDArray[Any], places: Ints, runs: _Runs) -> None:
        """Copy the runs' rows out of the shards to their `places` in `rows`."""
        source = _spread(self._start[runs.piece] + runs.start, runs.size)
        shards = self._shard[runs.piece]
        for number in np.unique(shards).tolist():
            if (shards == number).all():
                rows[places] = self.corpus.shards[number][source]
            else:
                mine = np.repeat(shards == number, runs.size)
                rows[places[mine]] = self.corpus.shards[number][source[mine]]

    def _runs(self, step: int) -> _Runs:
        """The runs of this rank's windows at a step, window by window."""
        block, within = divmod(step, self._steps_a_block)
        if self._block_drawn is None or self._block_drawn[0] != block:
            self._block_drawn = block, *self._drawn(block)
        mine = slice(within * self.batch_size, (within + 1) * self.batch_size)
        epochs, windows = (array[mine] for array in self._block_drawn[1:])
        parts = []
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
            slots = np.flatnonzero(epochs == epoch)
            parts.append(self._runs_of(self._layout(epoch), windows[slots], slots))
        if len(parts) == 1:
            return parts[0]
        return _Runs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _runs_of(self, layout: _Layout, windows: Ints, slots: Ints) -> _Runs:
        """The runs of `windows` of one epoch, which stand in `slots` of the batch."""
        begin = windows * self.length
        end = np.minimum(begin + self.length + 1, layout.ends[-1])
        first = np.searchsorted(layout.ends, begin, side="right")
        last = np.searchsorted(layout.ends, end - 1, side="right")
        whose = np.repeat(np.arange(len(windows)), last - first + 1)
        number = np.arange(len(whose)) - np.searchsorted(whose, whose)
        place = first[whose] + number
        piece = layout.order[place]
        piece_begin = layout.ends[place] - self._lengths[piece]
        low = np.maximum(piece_begin, begin[whose])
        high = np.minimum(layout.ends[place], end[whose])
        return _Runs(slots[whose], low - begin[whose], number, piece, low - piece_begin, high - low)

    def _layout(self, epoch: int) -> _Layout:
        if epoch not in self._laid:
            pieces = np.arange(len(self._lengths))
            drawn = keyed(self.seed, np.full_like(pieces, epoch), pieces)
            order = np.argsort(drawn, kind="stable")
            # A batch may reach into the next epochs; older ones are not asked for again.
            self._laid = {e: laid for e, laid in self._laid.items() if e >= epoch - 1}
            self._laid[epoch] = _Layout(order, np.cumsum(self._lengths[order]))
        return self._laid[epoch]


def _short(runs: _Runs, rows: int) -> Ints:
    """The last runs of windows that they do not fill to `rows`: those at the end of an epoch."""
    last = np.append(runs.window[1:] != runs.window[:-1], True)
    return np.flatnonzero(last & (runs.place + runs.size < rows))


def _spread(starts: Ints, counts: Ints) -> Ints:
    """The numbers from each start on, as many as its count says, one run after the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
