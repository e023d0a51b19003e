"""Notes on a grid of steps: one a pitch at a time, and back from presses and releases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError
from segue.score import Score

Ints = NDArray[np.int64]

FOREVER = np.iinfo(np.int64).max
_DEFAULT_TEMPO = 500_000


def second_steps(score: Score, ticks: Ints, steps_per_second: int) -> Ints:
    """The nearest step of each tick."""
    return np.rint(score.tempo_map.seconds(ticks) * steps_per_second).astype(np.int64)


def second_resolution(score: Score, steps_per_second: int) -> int:
    """Ticks a beat, a multiple of the Score's, fine enough that a step's nearest tick falls in it
    at every tempo of the Score."""
    slowest = max(_DEFAULT_TEMPO, int(score.tempi["microseconds"].max(initial=0)))
    needed = slowest * steps_per_second / 0.9e6
    return score.ticks_per_beat * max(1, int(np.ceil(needed / score.ticks_per_beat)))


def struck_once(voice: NDArray[np.uint16], step: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
    """Notes as a keyboard can play them: which are left, how long they last, until when.

    `voice`, `step` and `end` have shape (notes,), notes in order of onset. Of the notes of one
    voice that start in one step the first stays, as long as the longest, and at least a step.
    Returns indices into the notes (by voice, then step), lengths in steps, and the gaps to the
    next note of the same voice, `FOREVER` for the last.
    """
    # Only 16 bits to sort by, and so in linear time.
    order = np.argsort(voice, kind="stable")
    voice, step, end = voice[order], step[order], end[order]
    first = np.append(True, (voice[1:] != voice[:-1]) | (step[1:] != step[:-1]))[: len(step)]
    begins = np.flatnonzero(first)
    if not len(begins):
        return order, step, step
    length = np.maximum(np.maximum.reduceat(end - step, begins), 1)
    voice, step = voice[begins], step[begins]
    gap = np.full(len(begins), FOREVER)
    follows = voice[1:] == voice[:-1]
    gap[:-1][follows] = np.diff(step)[follows]
    return order[begins], length, gap


def in_order(keys: Ints) -> Ints:
    """The indices that sort `keys`, shape (n,), none of them negative and all different.

    Where a key and its index fit in one number, these numbers are sorted: half the work.
    """
    bits = len(keys).bit_length()
    if int(keys.max(initial=0)).bit_length() + bits > 63:
        return np.argsort(keys)
    packed = keys << bits
    packed |= np.arange(len(keys))
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


def sounding(voice: Ints, pressed: NDArray[np.bool_], at: Ints, end: int) -> tuple[Ints, Ints]:
    """The notes that presses and releases make: indices of the presses, and when they stop.

    `voice`, `pressed` and `at`, of shape (events,), in order of time. A note stops at the next
    press or release of its voice, or at `end`; one that starts at `end` lasts a step.
    """
    order = np.argsort(voice, kind="stable")
    same = np.append(voice[order][1:] == voice[order][:-1], False)[: len(order)]
    stop = np.where(same, np.append(at[order][1:], 0)[: len(order)], max(end, 0))
    stop = np.where(same, stop, np.maximum(stop, at[order] + 1))
    keep = pressed[order] & (stop > at[order])
    return order[keep], stop[keep]


def pauses(gap: Ints, longest: int, most: int) -> tuple[Ints, Ints]:
    """How many longest pauses each gap takes first, and what is left: 1 to `longest`, 0 for none.

    Raises DataError where they come to more than `most`.
    """
    full = np.maximum(gap - 1, 0) // longest
    if int(full.sum()) > most:
        raise DataError(
            f"the piece has {int(full.sum()) * longest} steps of silence, more than "
            f"{most * longest}: cut it into pieces first."
        )
    return full, gap - full * longest
