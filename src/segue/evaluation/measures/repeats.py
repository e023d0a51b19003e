"""Measures of exact repetition: figures that are played again and again, note for note."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segue.evaluation.measures.parts import STEPS_A_BEAT, Ints, steps
from segue.score import Score

Codes = NDArray[np.uint64]

FARTHEST = 256
"""The longest figure looked for, in moments (times at which something starts)."""
TIMES = 3
"""A figure played so often in a row is a loop; twice is a phrase and its repeat."""


@dataclass(frozen=True)
class Loop:
    """A passage of one figure over and over: ticks [start, end), and moments to the figure."""

    start: int
    end: int
    moments: int
    times: float


def moments(score: Score, *, by_track: bool = True) -> tuple[Ints, Codes]:
    """When something starts, in steps of a 24th of a beat, and a number for what it is.

    Shape (moments,) each. Two moments have one number if the same pitches of the same tracks start
    in them, or without `by_track` the same pitches; lengths and velocities do not count.
    """
    at = steps(score, score.notes["onset"])
    what = score.notes["pitch"].astype(np.int64)
    if by_track:
        what |= score.notes["track"].astype(np.int64) << 7
    # Notes are by onset, so that each moment's lie side by side.
    new = np.append(True, at[1:] != at[:-1])[: len(at)]
    when = at[new]
    pairs = np.unique((np.cumsum(new) - 1) << 23 | what)
    # A sum of random numbers, one a pitch and track, is the same for the same set only.
    code = _codes(int(what.max(initial=0)).bit_length())
    total = np.zeros(len(when), np.uint64)
    np.add.at(total, pairs >> 23, code[pairs & 0x7FFFFF])
    return when, total


@lru_cache(maxsize=16)
def _codes(bits: int) -> Codes:
    """Shape (2 ** bits,): random numbers."""
    return np.random.default_rng(0).integers(0, 2**63, 1 << bits, dtype=np.uint64)


def loops(score: Score, *, times: float = TIMES) -> list[Loop]:
    """The longest loop at each place of the piece, by start; loops do not overlap.

    A loop is a figure of up to `FARTHEST` moments that is played `times` times in a row or more.
    """
    when, what = moments(score)
    gap = np.diff(when)
    found: list[tuple[int, int, int]] = []
    for lag in range(1, min(FARTHEST, int(len(what) / times)) + 1):
        same = what[lag:] == what[:-lag]
        if np.count_nonzero(same) < lag * (times - 1):
            continue
        # The same moment, and the next one as far away: of the last one nobody asks how far.
        going = np.concatenate([[False], same[:-1] & (gap[lag:] == gap[:-lag]), [False]])
        edges = np.flatnonzero(going[1:] != going[:-1]).reshape(-1, 2)
        edges[:, 1] += same[edges[:, 1]]
        long = edges[edges[:, 1] - edges[:, 0] >= lag * (times - 1)]
        found.extend((int(a), int(b) + lag, lag) for a, b in long)
    # The longest first; of equally long ones that with the shortest figure.
    found.sort(key=lambda each: (when[each[0]] - when[each[1] - 1], each[2]))
    taken = np.zeros(len(what), bool)
    kept = []
    for first, last, lag in found:
        if not taken[first:last].any():
            taken[first:last] = True
            kept.append(_loop(score, when, first, last, lag))
    return sorted(kept, key=lambda loop: loop.start)


def _loop(score: Score, when: Ints, first: int, last: int, lag: int) -> Loop:
    figure = int(when[first + lag] - when[first])
    ticks = score.ticks_per_beat / STEPS_A_BEAT
    start = round(int(when[first]) * ticks)
    # The last moment lasts as long as its like in the figure before.
    end = round((int(when[last - 1]) + int(when[last - lag] - when[last - lag - 1])) * ticks)
    return Loop(start, end, lag, (end - start) / ticks / figure if figure else float(last - first))


def longest_loop(score: Score) -> float:
    """Beats of the longest passage that is one figure played three times in a row or more.

    0 without such a passage; NaN without notes.
    """
    if not len(score):
        return float("nan")
    lengths = [loop.end - loop.start for loop in loops(score)]
    return max(lengths, default=0) / score.ticks_per_beat


def loop_share(score: Score) -> float:
    """The share of the piece, first onset to end, in figures played three times or more."""
    if not len(score):
        return float("nan")
    length = score.end_ticks - int(score.notes["onset"].min())
    covered = sum(loop.end - loop.start for loop in loops(score))
    return min(1.0, covered / length) if length else float("nan")
