"""Times of notes as a page can write them: on the beat's halves, thirds and their like.

Music that was written (its notes begin on a grid) keeps its times; music that was played is moved
to the nearest times that read well, and note ends are simplified. Positions are whole numbers of
`UNITS` to a beat, fine enough for every tuplet that is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from segue.score.score import Events

UNITS = 32 * 9 * 5 * 7 * 11 * 13
"""Units to a beat (a quarter note): 128th notes and tuplets of 3, 5, 7, 9, 11, 13 and 15."""

_PLAIN = (1, 2, 4, 3, 8, 6, 12, 16, 24, 32, 48)
_RARE = (5, 10, 7, 9, 14, 18, 20, 28, 11, 13, 15, 22, 26, 30)
# How much a division must gain, in squared standard deviations, to be worth reading.
_PLAYED = {1: 0.0, 2: 0.5, 4: 2.0, 3: 6.0, 6: 12.0, 8: 12.0}
_DEVIATION = 0.06  # beats that players stray from the page
_MERGED = 4.0  # what it costs to write two onsets as one
_APART = 0.08  # beats between onsets that are heard as two
_WRITTEN_SHARE = 0.9
_FINEST_END = 24  # of a beat: an end that needs finer steps is rounded
_COARSE, _FINE = (8, 12), (16, 24, 10, 14, 9)

Ints = NDArray[np.int64]


def snapped(notes: Events, ticks_per_beat: int) -> tuple[Ints, Ints, bool]:
    """Onsets and ends of one track's notes in units, and whether ends were simplified.

    `notes` by onset; shapes (notes,). Every note is at least as long as one step of its beat.
    """
    onsets = notes["onset"].astype(np.int64)
    ends = onsets + np.maximum(notes["duration"].astype(np.int64), 1)
    if not len(notes):
        return onsets, ends, False
    written = _share_on_grid(onsets, ticks_per_beat) >= _WRITTEN_SHARE
    exact_ends = written and _share_on_grid(ends, ticks_per_beat) >= _WRITTEN_SHARE
    moments = np.concatenate([onsets, ends]) if exact_ends else onsets
    is_onset = np.arange(len(moments)) < len(onsets)
    steps = _steps(moments, is_onset, ticks_per_beat, written=written)
    first = _moved(onsets, steps, ticks_per_beat)
    last = _moved(ends, steps, ticks_per_beat)
    shortest = np.array([UNITS // steps.get(int(t), 4) for t in onsets // ticks_per_beat])
    return first, np.maximum(last, first + shortest), not exact_ends


def _share_on_grid(moments: Ints, ticks_per_beat: int) -> float:
    """How many of `moments` lie within a tick of a coarse grid, or exactly on a fine one."""
    fraction = moments % ticks_per_beat
    slack = 1 if ticks_per_beat >= 96 else 0
    on = np.zeros(len(moments), bool)
    for step in _COARSE:
        exact = fraction * step / ticks_per_beat
        on |= np.abs(exact - np.rint(exact)) * ticks_per_beat / step <= slack + 1e-9
    for step in _FINE:
        on |= fraction * step % ticks_per_beat == 0
    if not slack and ticks_per_beat < 8:
        return 1.0
    return float(on.mean())


def _steps(
    moments: Ints, is_onset: NDArray[np.bool_], ticks_per_beat: int, *, written: bool
) -> dict[int, int]:
    """For each beat the number of steps it is divided into."""
    order = np.argsort(moments, kind="stable")
    beats, starts = np.unique(moments[order] // ticks_per_beat, return_index=True)
    steps: dict[int, int] = {}
    for beat, group in zip(beats, np.split(order, starts[1:]), strict=True):
        struck = group[is_onset[group]]
        onsets = sorted({int(t) for t in moments[struck] % ticks_per_beat})
        every = sorted({int(t) for t in moments[group] % ticks_per_beat})
        if written:
            steps[int(beat)] = _written_steps(onsets, every, ticks_per_beat)
        else:
            steps[int(beat)] = _played_steps(onsets, ticks_per_beat)
    return steps


def _written_steps(onsets: Sequence[int], every: Sequence[int], ticks_per_beat: int) -> int:
    """The coarsest division that holds a beat's onsets, and the ends of notes if it can be."""
    # A quintuplet and its like are only believed of several onsets that need it.
    allowed = _PLAIN + (_RARE if len(onsets) > 1 else ())
    step = _holding(every, [s for s in allowed if s <= _FINEST_END], ticks_per_beat)
    if step is not None:
        return step
    step = _holding(onsets, allowed, ticks_per_beat) or _played_steps(onsets, ticks_per_beat)
    return max(step, 4) if 4 % step == 0 else step


def _holding(fractions: Sequence[int], allowed: Sequence[int], ticks_per_beat: int) -> int | None:
    """The first division on whose steps all of `fractions` lie, exactly or to a tick."""
    for step in allowed:
        if all(f * step % ticks_per_beat == 0 for f in fractions):
            return step
    for step in allowed:
        if (
            step <= _COARSE[-1]
            and ticks_per_beat >= 8 * step
            and all(
                min(f * step % ticks_per_beat, -f * step % ticks_per_beat) <= step
                for f in fractions
            )
        ):
            return step
    return None


def _played_steps(fractions: Sequence[int], ticks_per_beat: int) -> int:
    """The division that explains a beat best, a finer one only if it gains enough."""
    places = np.array(fractions) / ticks_per_beat
    apart = np.diff(places) > _APART

    def cost(step: int) -> float:
        steps = np.rint(places * step)
        stray = (places - steps / step) / _DEVIATION
        merged = int((apart & (np.diff(steps) == 0)).sum())
        return float((stray**2).sum()) + _MERGED * merged + _PLAYED[step]

    return min(_PLAYED, key=cost)


def _moved(moments: Ints, steps: dict[int, int], ticks_per_beat: int) -> Ints:
    """Moments in ticks as the nearest step of their beat, in units."""
    beats, fractions = np.divmod(moments, ticks_per_beat)
    step = np.array([steps.get(int(beat), 4) for beat in beats])
    return beats * UNITS + np.rint(fractions * step / ticks_per_beat).astype(np.int64) * (
        UNITS // step
    )


def in_units(tick: int, ticks_per_beat: int) -> int:
    """Any tick in units, rounded."""
    return round(Fraction(tick * UNITS, ticks_per_beat))
