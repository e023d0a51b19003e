"""What an encoding leaves out of a piece, in nats: so that nats a note can be compared.

A model tells the rows of its encoding and no more. Two encodings that lose different things are
two different tasks, and the one that loses more looks better. So each is charged for what its rows
do not say: the nats of the piece as it was written, given the piece as it comes back, in a fixed
simple code. Nats of the rows and the charge together are then what the same notes cost to their
last hundredth of a second, whatever the encoding.

The piece is what is heard: onset and length in hundredths of a second, with the sustain pedal's
help, pitch, velocity. The tempo map, the metre and the instruments travel beside the rows of every
encoding and are charged to none.
Notes of both are paired by pitch and order; the code then says

- which notes came back that were not there, and how many: ln(M + 1) + ln C(M, S);
- which are missing, as a set of places and pitches: ln(N + 1) + ln C(128 D, L), D hundredths of a
  second long;
- by how much each paired note's onset moved beyond the one before it, and how far its length and
  velocity are off; of missing notes the length and velocity themselves. Each of the three is
  coded by a two-sided geometric distribution with the best of `SCALES`, named in ln |SCALES| nats.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from segue.score import Score

Ints = NDArray[np.int64]

TICK_SECONDS = 0.01
"""The clock both pieces are told by: that of performance encodings."""
NEAR = 0.5
"""Seconds (beyond how far the notes before have moved) within which two notes are one."""
_AHEAD, _ALIKE = 6, 5
"""A jump in time leads to one of so many notes further on, after which so many pitches agree."""
_LATELY = 9
"""How far time has moved is the median of so many pairs."""
SCALES = tuple(2.0**k for k in range(-5, 11))
"""Mean sizes of an error, in hundredths of a second or steps of velocity."""


@dataclass(frozen=True)
class Charge:
    """Nats for what does not come back, by part, and how many notes were paired."""

    paired: int
    missing: int
    surplus: int
    parts: dict[str, float]

    @property
    def nats(self) -> float:
        """All of it."""
        return float(sum(self.parts.values()))


def charge(
    written: Score, back: Score, *, back_seconds: NDArray[np.float64] | None = None
) -> Charge:
    """The charge of a piece that came `back` from an encoding otherwise than it was `written`.

    `back_seconds`, (2, notes), are the onsets and ends of the notes of `back` where its own tempo
    map does not hold.
    """
    onset, length = _clock(written.onset_seconds(), written.duration_seconds())
    if back_seconds is None:
        back_onset, back_length = _clock(back.onset_seconds(), back.duration_seconds())
    else:
        back_onset, back_length = _clock(back_seconds[0], back_seconds[1] - back_seconds[0])
    mine, theirs = paired(onset, written.notes["pitch"], back_onset, back.notes["pitch"])
    missing = np.setdiff1d(np.arange(len(onset)), mine)
    surplus = len(back_onset) - len(theirs)
    places = 128 * int(max(onset.max(initial=0) + 1, len(onset)))
    moved = np.diff(onset[mine] - back_onset[theirs], prepend=0)
    velocity = written.notes["velocity"].astype(np.int64)
    off = velocity[mine] - back.notes["velocity"].astype(np.int64)[theirs]
    return Charge(
        len(mine),
        len(missing),
        surplus,
        {
            "surplus": _chosen(len(back_onset), surplus),
            "missing": _chosen(places, len(missing), most=len(onset)),
            "onset": _errors(moved),
            "length": _errors(np.append(length[mine] - back_length[theirs], length[missing])),
            "velocity": _errors(np.append(off, velocity[missing])),
        },
    )


def paired(onset: Ints, pitch: Ints, back_onset: Ints, back_pitch: Ints) -> tuple[Ints, Ints]:
    """Which notes of two pieces are one: their numbers in each, (pairs,) both.

    A note pairs with the first of its pitch not yet paired that is `NEAR`, counted from how far
    the pairs before moved, unless that is nearer to the next note of the pitch. Where time has
    jumped (a rest was cut short), it pairs with one of the next in line if the notes after both go
    on alike.
    """
    near = round(NEAR / TICK_SECONDS)
    order, back_order = np.lexsort([pitch, onset]), np.lexsort([back_pitch, back_onset])
    heights, at = pitch[order].tolist(), onset[order].tolist()
    back_heights, back_at = back_pitch[back_order].tolist(), back_onset[back_order].tolist()
    following = _next_alike(heights)
    waiting: dict[int, deque[int]] = defaultdict(deque)
    for j, height in enumerate(back_heights):
        waiting[height].append(j)
    moved, last = 0, -1
    lately: deque[int] = deque(maxlen=_LATELY)
    pairs = []
    for i, height in enumerate(heights):
        queue = waiting[height]
        jumped = False
        while queue:
            off = at[i] - moved - back_at[queue[0]]
            in_line = last < queue[0] <= last + _AHEAD
            jumped = in_line and heights[i : i + _ALIKE] == _from(back_heights, queue[0])
            if off <= near or jumped:
                break
            queue.popleft()
        if not queue or not (jumped or abs(off) <= near):
            continue
        later = following[i]
        if off and later is not None and abs(at[later] - moved - back_at[queue[0]]) < abs(off):
            continue
        j = queue.popleft()
        if abs(off) > near:
            lately.clear()
        lately.append(at[i] - back_at[j])
        moved, last = sorted(lately)[len(lately) // 2], max(last, j)
        pairs.append((order[i], back_order[j]))
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _next_alike(heights: list[int]) -> list[int | None]:
    """The number of the next note of the same pitch; None after the last."""
    seen: dict[int, int] = {}
    found: list[int | None] = [None] * len(heights)
    for i in range(len(heights) - 1, -1, -1):
        found[i] = seen.get(heights[i])
        seen[heights[i]] = i
    return found


def _from(heights: list[int], first: int) -> list[int]:
    return heights[first : first + _ALIKE]


def _clock(onset: NDArray[np.float64], length: NDArray[np.float64]) -> tuple[Ints, Ints]:
    start = np.rint(onset / TICK_SECONDS).astype(np.int64)
    return start, np.rint((onset + length) / TICK_SECONDS).astype(np.int64) - start


def _chosen(of: int, count: int, most: int | None = None) -> float:
    """Nats to say how many, 0 to `most`, and which of so many."""
    which = lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
    return float(np.log((of if most is None else most) + 1) + which)


def _errors(errors: Ints) -> float:
    """Nats of whole numbers round 0: a two-sided geometric distribution of the best scale."""
    sizes = np.abs(errors)
    total = float(sizes.sum())
    best = np.inf
    for scale in SCALES:
        # p(0) = (1 - r) / (1 + r), and each step away is r times as likely, in either direction.
        r = scale / (1 + np.sqrt(1 + scale * scale))
        nats = -len(sizes) * np.log((1 - r) / (1 + r)) - total * np.log(r)
        best = min(best, nats)
    return float(best + np.log(len(SCALES)))
