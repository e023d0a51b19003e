"""Memorisation: the passages of a take that stand in the training music, in any key and tempo.

A match is a run of steps (`memorisation_steps`) that both have: the same moves of the outer voices,
and rhythms no further apart than `RHYTHM_APART`. A few steps may differ inside it (`GAP`). It is as
long as it has different pairs of neighbouring steps, so that a scale, a trill or an Alberti bass,
however long, is short. The score of a take is the share of its notes inside matches of `LONG` and
more. Real music that nobody copied has such matches too: a score means something beside that of
held-out music alone.

Found by joining, in one pass, the windows of `SEED` steps that the takes have with those of all
training music, and by following each from there both ways. Longest matches of exact note strings
and their baselines: Yin, Reuben, Stepney and Collins, "Measuring when a music generation algorithm
copies too much", SN Computer Science 3 (2022).

Letters: N training steps, T steps of a take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.evaluation.memorisation_steps import ANY, Bytes, Ints, Rhythm, Steps

SEED = 6
"""Steps that must agree without a gap before a match is looked for."""
LONG = 12
"""Different pairs of neighbouring steps from which on a match counts."""
GAP = 3
"""Steps that may differ inside a match, in either music: a wrong, a missing or an added note."""
RHYTHM_APART = 4
"""How far the rhythms of a step may be apart, in eighths of an octave: hands are not exact."""
CROWD = 128
"""Windows that training music has more often are commonplaces, and no place to start from."""
LEAST_LIMIT, USUAL = 0.1, 0.95
"""The lowest score that makes a copy, and the share of held-out music that stays under it."""

_TABLE_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)
_CELLS = 1 << 22


class Match(NamedTuple):
    """A passage of a take, slices `first` up to `last`, that the training piece `piece` has.

    `length` counts different pairs of steps, `notes` the take's notes, `place` the slice of the
    training piece that `first` agrees with, and `slices` how many slices that piece has.
    """

    piece: str
    first: int
    last: int
    length: int
    notes: int
    place: int
    slices: int


@dataclass(frozen=True)
class Memorised:
    """What of a take is in the training music.

    `score` is the share of its `notes` inside the `matches`, which are in order of notes, the
    longest first, each with notes that none before it has.
    """

    score: float
    notes: int
    matches: tuple[Match, ...]

    @property
    def longest(self) -> Match | None:
        """The match with the most notes; None without one."""
        return self.matches[0] if self.matches else None


@dataclass(frozen=True)
class Training:
    """The steps of all training music, one piece after the other.

    `moves` and `rhythm`, (N,), two bytes a step; `lengths`, (pieces,), the steps of each piece;
    `names`, as many; `held_out`, the scores of real music that was not trained on, sorted.
    """

    moves: Bytes
    rhythm: Rhythm
    lengths: Ints
    names: tuple[str, ...]
    held_out: tuple[float, ...] = ()

    @classmethod
    def of(cls, pieces: Iterable[tuple[str, Steps]]) -> Training:
        """From the names and steps of the pieces."""
        names, moves, rhythm = [], [], []
        for name, steps in pieces:
            names.append(name)
            moves.append(steps.moves)
            rhythm.append(steps.rhythm)
        return cls(
            np.concatenate([*moves, np.zeros(0, np.uint8)]),
            np.concatenate([*rhythm, np.zeros(0, np.int8)]),
            np.array([len(each) for each in moves], np.int64),
            tuple(names),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Training:
        """From what `arrays` gave; KeyError or ValueError for anything else."""
        moves, rhythm = arrays["moves"], arrays["rhythm"]
        lengths, names = arrays["lengths"], arrays["names"].tobytes().decode().split("\n")
        if not (
            len(moves) == len(rhythm) == int(lengths.sum())
            and [each.dtype.str for each in (moves, rhythm, lengths)] == ["|u1", "|i1", "<i8"]
            and len(names) == len(lengths) + 1
        ):
            raise ValueError("the steps of training music do not fit together")
        held_out = tuple(arrays["held_out"].astype(np.float64).tolist())
        return cls(moves, rhythm, lengths, tuple(names[:-1]), held_out)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as plain arrays: the names as UTF-8, each ended by a line feed."""
        names = "".join(name.replace("\n", " ") + "\n" for name in self.names)
        return {
            "moves": self.moves,
            "rhythm": self.rhythm,
            "lengths": self.lengths,
            "names": np.frombuffer(names.encode(errors="replace"), np.uint8),
            "held_out": np.array(self.held_out),
        }

    @property
    def limit(self) -> float:
        """The score over which a take is called a copy: what 19 of 20 held-out pieces stay under.

        At least `LEAST_LIMIT`, as a phrase in common is no copy.
        """
        return max(LEAST_LIMIT, float(np.quantile(self.held_out or (0.0,), USUAL)))

    @cached_property
    def ends(self) -> Ints:
        """Shape (pieces,): where each piece ends."""
        return np.cumsum(self.lengths)

    @cached_property
    def windows(self) -> NDArray[np.uint64]:
        """Shape (N,): the `SEED` moves from each step on as one number; 0 where a piece ends."""
        whole = _windows(self.moves)
        for back in range(1, SEED):
            edge = self.ends - back
            # A piece shorter than a window reaches back into the one before, and ends it no later.
            whole[edge[edge >= 0]] = 0
        return whole


def _windows(moves: Bytes) -> NDArray[np.uint64]:
    """Shape as `moves`: windows as numbers over 0; 0 for the last few."""
    whole = np.zeros(len(moves), np.uint64)
    count = len(moves) - SEED + 1
    if count <= 0:
        return whole
    for k in range(SEED):
        whole[:count] |= moves[k : k + count].astype(np.uint64) << np.uint64(8 * k)
    whole[:count] += np.uint64(1)
    return whole


def memorised(
    training: Training, takes: Sequence[Steps], *, without: Sequence[int | None] | None = None
) -> list[Memorised]:
    """Search `takes` in the training music, all at once.

    `without[i]` is a training piece to leave out for take i: itself, where it is one.
    """
    windows = [_windows(take.moves) for take in takes]
    places, keys = _joined(training, windows)
    left_out = without or [None] * len(takes)
    return [
        _search(training, take, own, places, keys, out)
        for take, own, out in zip(takes, windows, left_out, strict=True)
    ]


def _joined(
    training: Training, windows: Sequence[NDArray[np.uint64]]
) -> tuple[Ints, NDArray[np.uint64]]:
    """Where the training music has windows that takes have, and those, sorted by window.

    A table of bits by hash goes first, so that most of the training music is looked at once.
    """
    wanted = np.concatenate([*windows, np.zeros(0, np.uint64)])
    seen = np.zeros(1 << _TABLE_BITS, bool)
    seen[_hash(wanted[wanted > 0])] = True
    whole = training.windows
    places = np.flatnonzero(seen[_hash(whole)] & (whole > 0))
    order = np.argsort(whole[places], kind="stable")
    return places[order], whole[places][order]


def _hash(windows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return np.asarray((windows * _MIX) >> np.uint64(64 - _TABLE_BITS))


class _Run(NamedTuple):
    """Steps `first` up to `last` of the take that are steps from `place` on of the training."""

    first: int
    last: int
    place: int


def _search(
    training: Training,
    take: Steps,
    windows: NDArray[np.uint64],
    places: Ints,
    keys: NDArray[np.uint64],
    without: int | None,
) -> Memorised:
    starts, steps = _seeds(windows, places, keys)
    piece = np.searchsorted(training.ends, steps, side="right")
    if without is not None:
        kept = piece != without
        starts, steps, piece = starts[kept], steps[kept], piece[kept]
    runs = _runs(training, take, np.unique(np.stack([steps - starts, piece], 1), axis=0))
    pairs = take.moves[:-1].astype(np.int64) << 8 | take.moves[1:]
    found = []
    for number, chained in _chains(runs):
        if sum(run.last - run.first for run in chained) < LONG:
            continue
        length = len(np.unique(np.concatenate([pairs[r.first : r.last - 1] for r in chained])))
        if length >= LONG:
            found.append(_match(training, take, number, chained, length))
    return _told(take, found)


def _seeds(
    windows: NDArray[np.uint64], places: Ints, keys: NDArray[np.uint64]
) -> tuple[Ints, Ints]:
    """Steps of the take, and of the training music, from which on `SEED` moves are the same."""
    low = np.searchsorted(keys, windows, side="left")
    count = np.searchsorted(keys, windows, side="right") - low
    count[(windows == 0) | (count > CROWD)] = 0
    starts = np.repeat(np.arange(len(windows)), count)
    within = np.arange(len(starts)) - np.repeat(np.cumsum(count) - count, count)
    return starts, places[np.repeat(low, count) + within]


def _runs(training: Training, take: Steps, diagonals: Ints) -> dict[int, list[_Run]]:
    """The runs of agreeing steps, `SEED` or longer, on each (training - take, piece), by piece."""
    runs: dict[int, list[_Run]] = {}
    steps = np.arange(len(take))
    rows = max(1, _CELLS // max(len(take), 1))
    for start in range(0, len(diagonals), rows):
        shift, piece = diagonals[start : start + rows].T
        place = steps[None] + shift[:, None]
        end = training.ends[piece][:, None]
        inside = (place >= end - training.lengths[piece][:, None]) & (place < end)
        place = np.where(inside, place, 0)
        same = inside & (training.moves[place] == take.moves)
        theirs, ours = training.rhythm[place], take.rhythm[None]
        near = np.abs(theirs.astype(np.int16) - ours) <= RHYTHM_APART
        same &= near | (theirs == ANY) | (ours == ANY)
        edges = np.diff(np.pad(same, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        row, first = np.nonzero(edges == 1)
        last = np.nonzero(edges == -1)[1]
        long = last - first >= SEED
        for r, a, b in zip(
            row[long].tolist(), first[long].tolist(), last[long].tolist(), strict=True
        ):
            runs.setdefault(int(piece[r]), []).append(_Run(a, b, int(a + shift[r])))
    return runs


def _chains(runs: dict[int, list[_Run]]) -> Iterator[tuple[int, list[_Run]]]:
    """Runs that go on from one another within a gap of a few steps, with the piece's number."""
    for piece, found in runs.items():
        ending: dict[int, list[list[_Run]]] = {}
        for run in sorted(found):
            before = [
                chain
                for at in range(run.first - GAP, run.first + 1)
                for chain in ending.get(at, [])
                if 0 <= run.place - (chain[-1].place + chain[-1].last - chain[-1].first) <= GAP
            ]
            longest = max(
                before, key=lambda chain: sum(r.last - r.first for r in chain), default=[]
            )
            ending.setdefault(run.last, []).append([*longest, run])
        for chains in ending.values():
            for chain in chains:
                yield piece, chain


def _match(training: Training, take: Steps, piece: int, runs: list[_Run], length: int) -> Match:
    first, last = runs[0].first, runs[-1].last + 1
    start = int(training.ends[piece] - training.lengths[piece])
    return Match(
        training.names[piece],
        first,
        last,
        length,
        int(take.notes[first:last].sum()),
        runs[0].place - start,
        int(training.lengths[piece]) + 1,
    )


def _told(take: Steps, found: list[Match]) -> Memorised:
    covered = np.zeros(len(take.notes), bool)
    kept = []
    for match in sorted(found, key=lambda each: (-each.notes, each.piece, each.place)):
        inside = slice(match.first, match.last)
        if not covered[inside].all():
            kept.append(match)
            covered[inside] = True
    total = int(take.notes.sum())
    return Memorised(int(take.notes[covered].sum()) / max(total, 1), total, tuple(kept))
