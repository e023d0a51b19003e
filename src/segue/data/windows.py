"""Windows: slices of pieces, gathered from the memory map, in a seeded order that holds no list.

Which windows step s of rank r takes is a pure function of (seed, s, r): training resumes at the
exact batch by its step number alone, and `world` ranks with batches of b take together what one
process takes with batches of world * b. Letters: B batch, T length, C columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from segue.data.corpus import Corpus
from segue.data.shuffle import keyed, shuffled
from segue.errors import DataError

Objective = Literal["every", "last", "segment"]
Ints = NDArray[np.int64]

# Windows located at a time: their arithmetic then costs next to nothing a batch.
_AHEAD = 4096


@dataclass(frozen=True)
class Batch:
    """What one step trains on.

    `inputs` has shape (B, T, C); `targets` (B, T, C) for objective "every" and (B, C) for
    "last"; both uint8 or uint16 symbols of the fitted vocabulary. For "segment" both are one
    array. `mask`, bool (B, T), says which targets count; the others lie past the end of a piece
    or belong to another window. Where windows hold several pieces `segments`, int16 (B, T),
    numbers them: 0 for the first.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    mask: NDArray[np.bool_]
    segments: NDArray[np.int16] | None = None

    def part(self, windows: slice) -> Batch:
        """Some of the windows."""
        inputs, segments = self.inputs[windows], self.segments
        same = self.targets is self.inputs
        return Batch(
            inputs,
            inputs if same else self.targets[windows],
            self.mask[windows],
            None if segments is None else segments[windows],
        )


class _Places(NamedTuple):
    """Where windows lie, arrays of shape (windows,): `take` rows from `row` of `shard`.

    Targets `low` to `high` - 1, counted from the window's first target, are the ones that count.
    """

    shard: Ints
    row: Ints
    take: Ints
    low: Ints
    high: Ints


class _Block(NamedTuple):
    """The places of a block of steps, and of each step if its windows are full, in one shard."""

    places: _Places
    plain: NDArray[np.bool_]


class Windows:
    """The windows of one split of a corpus.

    Objective "every": an epoch cuts each piece into windows of T targets, at a phase that is
    drawn anew for each piece and epoch, and every row after a piece's first is the target of
    exactly one window. Windows at an end of a piece are moved inside it where the piece is long
    enough, so that they are full, and only what is theirs counts. With `align` all windows start
    at multiples of that many rows of their piece, such as those of a bar.

    Objective "last": every run of T rows is a window, whose target is the row that follows.

    Objective "segment", for models that make whole windows: an epoch takes each run of T rows that
    starts at a multiple of `align` rows of its piece, such as a bar, once; its rows are input and
    target both. A piece shorter than T is one window, filled up with symbol 0 that does not count.

    A batch takes the next B windows of the shuffled epoch and goes on into the next epoch where
    one ends. No window crosses the boundary of a piece. Raises DataError if no piece is long
    enough, ValueError for a caller's mistake.
    """

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        length: int,
        batch: int,
        seed: int = 0,
        *,
        objective: Objective = "every",
        align: int = 1,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if length < 1 or batch < 1 or not 0 <= rank < world:
            raise ValueError(
                f"length {length}, batch {batch}, rank {rank} of {world}: length and batch of at "
                "least 1 and 0 <= rank < world are allowed."
            )
        if objective not in get_args(Objective):
            raise ValueError(
                f"objective came as {objective!r}; 'every', 'last' or 'segment' is allowed."
            )
        if align < 1 or (align > 1 and objective == "last"):
            raise ValueError(f'align came as {align}; windows of "last" start at every row.')
        if objective == "every" and length % align:
            raise ValueError(
                f"windows of {length} rows, side by side, cannot all start at multiples of {align} "
                f"(align): choose a length that is a multiple of {align}."
            )
        self.corpus, self.split = corpus, split
        self.length, self.batch_size, self.seed = length, batch, seed
        self.objective, self.align = objective, align
        self.rank, self.world = rank, world
        # Segments are told from nothing; all other targets from the row before them.
        self._before = int(objective != "segment")
        index = corpus.split_index(split)
        shortest = self._before + (length if objective == "last" else 1)
        usable = index[index["rows"] >= shortest]
        if not len(usable):
            longest = int(index["rows"].max()) if len(index) else 0
            raise DataError(
                f"no piece of split {split!r} has the {shortest} rows that windows of {length} "
                f"need; the longest has {longest}: choose a length of at most {longest - 1}."
            )
        self._shard = usable["shard"].astype(np.int64)
        self._start = usable["start"].astype(np.int64)
        self._targets = usable["rows"].astype(np.int64) - self._before
        self._windows = self._windows_a_piece()
        self._ends = np.cumsum(self._windows)
        self._columns = len(corpus.encoding.layout.columns)
        # Row n: all but the last n targets.
        counting = np.arange(2 * length) < length
        self._all_but = np.lib.stride_tricks.sliding_window_view(counting, length)
        self._located: tuple[int, _Block] | None = None
        self._views: dict[int, NDArray[Any]] = {}

    def _windows_a_piece(self) -> Ints:
        if self.objective == "last":
            return np.asarray(self._targets - self.length + 1)
        if self.objective == "segment":
            return np.maximum(self._targets - self.length, 0) // self.align + 1
        cuts = -(-self._targets // self.length)
        # Where the cuts fit a long piece too snugly, one more gives the phase room to play.
        snug = (cuts >= 4) & (cuts * self.length - self._targets < self.length // 2)
        snug &= 2 * self.align <= self.length
        return np.asarray(cuts + snug)

    @property
    def total(self) -> int:
        """How many windows an epoch has."""
        return int(self._ends[-1])

    @property
    def steps_per_epoch(self) -> int:
        """Steps after which, rounded up, an epoch's windows have been seen by all ranks."""
        return -(-self.total // (self.batch_size * self.world))

    def batch(self, step: int) -> Batch:
        """The batch of this rank at `step` (0, 1, ...): the same whenever it is asked for."""
        places, plain = self._places(step)
        return self._gather(places, plain)

    def targets(self, step: int) -> int:
        """How many targets count in this rank's batch at `step`, found without reading it."""
        places, _ = self._places(step)
        if self.objective == "last":
            return len(places.low)
        return int((places.high - places.low).sum())

    def _places(self, step: int) -> tuple[_Places, bool]:
        number, within = divmod(step, self._steps_a_block)
        if self._located is None or self._located[0] != number:
            self._located = number, self._block(self._locate(number))
        block = self._located[1]
        mine = slice(within * self.batch_size, (within + 1) * self.batch_size)
        return _Places(*(array[mine] for array in block.places)), bool(block.plain[within])

    def _block(self, places: _Places) -> _Block:
        shard = places.shard.reshape(-1, self.batch_size)
        full = places.take.reshape(shard.shape) == self.length + self._before
        return _Block(places, (full & (shard == shard[:, :1])).all(axis=1))

    @property
    def _steps_a_block(self) -> int:
        return max(_AHEAD // self.batch_size, 1)

    def _drawn(self, block: int) -> tuple[Ints, Ints]:
        """Epochs and numbers of this rank's windows for a block of steps, step after step."""
        steps = block * self._steps_a_block + np.arange(self._steps_a_block, dtype=np.int64)
        firsts = (steps * self.world + self.rank) * self.batch_size
        stream = (firsts[:, None] + np.arange(self.batch_size)).ravel()
        epoch, position = np.divmod(stream, self.total)
        return epoch, shuffled(position, self.total, epoch, self.seed)

    def _locate(self, block: int) -> _Places:
        """The places of this rank's windows for a block of steps, one step after the other."""
        epoch, window = self._drawn(block)
        piece = np.searchsorted(self._ends, window, side="right")
        number = window - (self._ends[piece] - self._windows[piece])
        if self.objective == "every":
            return self._cut(piece, number, epoch)
        return self._from(piece, number * self.align)

    def _from(self, piece: Ints, first: Ints) -> _Places:
        """Windows from row `first` of each piece on, of which all that is there counts."""
        high = np.minimum(self._targets[piece] - first, self.length)
        row = self._start[piece] + first
        return _Places(self._shard[piece], row, high + self._before, np.zeros_like(first), high)

    def _cut(self, piece: Ints, number: Ints, epoch: Ints) -> _Places:
        length, align, targets = self.length, self.align, self._targets[piece]
        # Phases, in units of `align`, at which no window is left without a target of its own.
        room = self._windows[piece] * length - targets
        least = -(-np.maximum(room - length + 1, 0) // align)
        most = np.minimum(room, length - 1) // align
        drawn = keyed(self.seed, epoch, piece) % (most - least + 1).astype(np.uint64)
        begin = number * length - (least + drawn.astype(np.int64)) * align
        first = np.clip(begin, 0, -(-np.maximum(targets - length, 0) // align) * align)
        return _Places(
            shard=self._shard[piece],
            row=self._start[piece] + first,
            take=np.minimum(length, targets - first) + 1,
            low=np.maximum(begin - first, 0),
            high=np.minimum(begin + length, targets) - first,
        )

    def held_out(self, limit: int | None = None) -> Iterator[Batch]:
        """The split's windows in order, for measuring: the same batches each time.

        For "every" and "segment", windows side by side from the first row on score each target of
        each piece exactly once; for "last", each position is a window. With `limit`, that many of
        them at most, evenly spread. Ranks take turns; the last batch may be smaller.
        """
        apart = 1 if self.objective == "last" else self.length
        counts = self._windows if self.objective == "last" else -(-self._targets // apart)
        ends = np.cumsum(counts)
        total = int(ends[-1])
        taken = total if limit is None else min(limit, total)
        mine = range(self.rank, taken, self.world)
        for at in range(0, len(mine), self.batch_size):
            chosen = np.array(mine[at : at + self.batch_size], dtype=np.int64)
            window = chosen * total // taken
            piece = np.searchsorted(ends, window, side="right")
            number = window - (ends[piece] - counts[piece])
            places = self._from(piece, number * apart)
            yield self._gather(places, plain=False)

    def _gather(self, places: _Places, plain: bool) -> Batch:
        rows = self._adapted(self._rows(places, plain))
        mask = self._all_but[self.length - places.high]
        if places.low.any():
            mask ^= self._all_but[self.length - places.low]
        if self.objective == "segment":
            rows[~mask] = 0
            return Batch(rows, rows, mask)
        targets = rows[:, 1:] if self.objective == "every" else rows[:, -1]
        return Batch(rows[:, :-1], targets, mask)

    def _adapted(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Stored rows, shape (B, rows, C), in the fitted vocabulary."""
        if self.corpus.identity:
            return rows
        flat = rows.reshape(-1, self._columns).astype(np.uint16)
        return self.corpus.encoding.adapt(flat).reshape(rows.shape)

    def _rows(self, places: _Places, plain: bool) -> NDArray[Any]:
        """The windows' rows as they are stored, shape (B, R, C), copied once.

        R is T, and one more where the row before the first target is wanted. `plain` windows are
        full and in one shard.
        """
        first = int(places.shard[0])
        if plain:
            return self._every_window_of(first)[places.row]
        size = self.length + self._before
        full = places.take == size
        shards = self.corpus.shards
        rows = np.empty((len(full), size, self._columns), shards[first].dtype)
        for number in np.unique(places.shard[full]).tolist():
            mine = full & (places.shard == number)
            rows[mine] = self._every_window_of(number)[places.row[mine]]
        for n in np.flatnonzero(~full).tolist():
            row, take = int(places.row[n]), int(places.take[n])
            rows[n, :take] = shards[int(places.shard[n])][row : row + take]
            rows[n, take:] = rows[n, take - 1]  # any symbol in use: these do not count
        return rows

    def _every_window_of(self, number: int) -> NDArray[Any]:
        """A view of a shard, shape (starts, R, C): at i the window that starts at row i."""
        view = self._views.get(number)
        if view is None:
            shard = self.corpus.shards[number]
            row, column = shard.strides
            size = self.length + self._before
            view = np.lib.stride_tricks.as_strided(
                shard,
                (len(shard) - size + 1, size, self._columns),
                (row, row, column),
                writeable=False,
            )
            self._views[number] = view
        return view
