"""Finds the beat of POP909: its files state a tempo that fits, but start anywhere within a bar.

The set keeps its beats in text files beside the music, in seconds; the MIDI files have a tempo,
mostly the useless metre 1/4, and notes that lie on a grid of sixteenths (in some, triplets or
thirty-seconds) which begins so many ticks after a beat. So the grid's start is the most frequent
place of an onset within a step, and the bar's is where the bass weighs most. Source of the set:
Wang, Chen et al., "POP909", ISMIR 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.errors import DataError
from segue.score import METRE, Score, events, shift

Ints = NDArray[np.int64]

PARTS = {"MELODY": 0, "BRIDGE": 1, "PIANO": 1}
"""The hand of each track: the tune in the right, all that accompanies it in the left."""

_DIVISIONS = (4, 3, 8)
"""Steps a beat that are looked for, in this order."""

_CLEAR = 0.75
"""Length of the mean of all onsets on a step's circle, from which on a grid counts as found."""

_SNAP = 1 / 240
"""Of a beat: the set's own rounding, which is taken back. A step of a 24th is ten times as long."""

_BASS = 55
_LONGEST_BEATS = 2.0


def on_the_beat(score: Score) -> Score:
    """The same, later by so much that bars begin where they should, in a metre that can be true.

    Tempo changes move with the notes. Raises DataError where no grid of the stated tempo fits.
    """
    step, start = _grid(score)
    metre = next((tuple(m) for m in score.metres.tolist() if m[1] > 1), (0, 4, 4))
    bar = score.ticks_per_beat * 4 * metre[1] // metre[2]
    later = -(start + _downbeat(score, step, start, bar)) % bar
    moved = shift(score, int(later))
    for name in ("tempi", "keys"):
        table = getattr(moved, name).copy()
        table["onset"][table["onset"] == later] = 0
        moved = moved.with_(**{name: table})
    moved = moved.with_(metres=events(METRE, [(0, metre[1], metre[2])]))
    return _snapped(moved)


def _grid(score: Score) -> tuple[float, int]:
    """Ticks a step, and the tick at which the first step begins."""
    onsets = score.notes["onset"]
    for division in _DIVISIONS:
        step = score.ticks_per_beat / division
        if abs(np.exp(2j * np.pi * onsets / step).mean()) < _CLEAR:
            continue
        places = np.bincount((onsets % int(step)).astype(np.int64), minlength=int(step))
        # A tick to either side, for the rounding.
        return step, int(np.argmax(places * 2 + np.roll(places, 1) + np.roll(places, -1)))
    raise DataError("its notes lie on no grid of its tempo: the beat is not to be found.")


def _downbeat(score: Score, step: float, start: int, bar: int) -> int:
    """Ticks from the start of the grid to the start of a bar: where the bass is struck and held."""
    notes = score.notes[score.notes["pitch"] < _BASS]
    if not len(notes):
        notes = score.notes
    steps = round(bar / step)
    place = np.rint((notes["onset"] - start) / step).astype(np.int64) % steps
    held = np.minimum(notes["duration"] / score.ticks_per_beat, _LONGEST_BEATS)
    weight = np.bincount(place, weights=held, minlength=steps)
    return round(int(np.argmax(weight)) * step)


def _snapped(score: Score) -> Score:
    """Onsets a hair beside a 24th of a beat are put on it; ends stay."""
    step = score.ticks_per_beat / 24
    notes = score.notes.copy()
    near = np.rint(np.rint(notes["onset"] / step) * step).astype(np.int64)
    away = np.abs(near - notes["onset"])
    hair = (away <= _SNAP * score.ticks_per_beat) & (near < notes["onset"] + notes["duration"])
    ends = notes["onset"] + notes["duration"]
    notes["onset"] = np.where(hair, near, notes["onset"])
    notes["duration"] = ends - notes["onset"]
    return score.with_(notes=notes)
