"""What a track's controllers do to its notes: volume, expression, pan and pitch bend, in frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.formats.synth_wave import Bend
from segue.score import Score

RAMP_SECONDS = 0.01
"""A change of volume is a ramp that ends where the change stands."""
PAN_STEPS = 32
VOLUME, PAN, EXPRESSION = 7, 10, 11
DATA_ENTRY, RPN_LOW, RPN_HIGH = 6, 100, 101
DEFAULT_VOLUME = 100
DEFAULT_BEND_RANGE, MAX_BEND_RANGE = 2, 24

Ints = NDArray[np.int64]
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Frames and the gain at each, linear in between."""


class Controls:
    """The controllers of one track of a Score at `rate` frames a second."""

    def __init__(self, score: Score, track: int, rate: int) -> None:
        self._score, self._rate = score, rate
        self._events = score.controls[score.controls["track"] == track]
        self._pans = self._of(PAN)
        self._curve = self._volume_curve()
        self._bend = self._bend_points(track)

    def _frames(self, ticks: Ints) -> Ints:
        return np.rint(self._score.tempo_map.seconds(ticks) * self._rate).astype(np.int64)

    def _of(self, number: int) -> tuple[Ints, Ints]:
        """Frames and values of one controller."""
        mine = self._events[self._events["number"] == number]
        return self._frames(mine["onset"]), mine["value"].astype(np.int64)

    # -- volume and pan ----------------------------------------------------------------------

    def _volume_curve(self) -> Curve | None:
        """Volume times expression, each squared as General MIDI wants it."""
        volume, expression = self._of(VOLUME), self._of(EXPRESSION)
        frames = np.union1d(volume[0], expression[0])
        if not len(frames):
            return None
        gain = np.ones(len(frames) + 1)
        for (at, value), default in ((volume, DEFAULT_VOLUME), (expression, 127)):
            held = np.append(default, value)[np.searchsorted(at, frames, side="right")]
            gain *= (np.append(default, held) / 127.0) ** 2
        ramp = max(1, round(RAMP_SECONDS * self._rate))
        leaving = np.maximum(frames - ramp, np.append(-ramp, frames[:-1]))
        points = np.stack([leaving, frames], axis=1).reshape(-1).astype(np.float64)
        return points, np.stack([gain[:-1], gain[1:]], axis=1).reshape(-1)

    def level(self, start: int, length: int) -> tuple[float, Curve | None]:
        """A note's volume as a factor, with a curve where it changes while the note sounds."""
        if self._curve is None:
            return (DEFAULT_VOLUME / 127) ** 2, None
        points, gains = self._curve
        inside = slice(*np.searchsorted(points, [start, start + length]))
        values = np.append(np.interp([start, start + length], points, gains), gains[inside])
        if np.ptp(values) == 0:
            return float(values[0]), None
        return 1.0, self._curve

    def pan(self, start: int, own: float) -> int:
        """The place of a sound that is at `own` (-1 to 1) by itself: 0 (left) to PAN_STEPS."""
        at, value = self._pans
        before = int(np.searchsorted(at, start, side="right"))
        place = own + (int(value[before - 1]) - 64) / 63 if before else own
        return round((min(max(place, -1), 1) + 1) / 2 * PAN_STEPS)

    # -- pitch bend --------------------------------------------------------------------------

    def _bend_points(self, track: int) -> Bend | None:
        """The track's bends in cents, under the range that registered parameter 0 sets."""
        bends = self._score.bends[self._score.bends["track"] == track]
        if not bends["value"].any():
            return None
        frames = self._frames(bends["onset"])
        at, semitones = self._bend_ranges()
        width = np.append(DEFAULT_BEND_RANGE, semitones)[np.searchsorted(at, frames, side="right")]
        return Bend(frames, bends["value"] / 8192 * 100 * width)

    def _bend_ranges(self) -> tuple[Ints, Ints]:
        chosen = [127, 127]
        found: list[tuple[int, int]] = []
        of_use = np.isin(self._events["number"], (DATA_ENTRY, RPN_LOW, RPN_HIGH))
        for row in self._events[of_use]:
            if row["number"] != DATA_ENTRY:
                chosen[int(row["number"]) - RPN_LOW] = int(row["value"])
            elif chosen == [0, 0]:
                found.append((int(row["onset"]), min(int(row["value"]), MAX_BEND_RANGE)))
        ticks = np.array([t for t, _ in found], dtype=np.int64)
        return self._frames(ticks), np.array([s for _, s in found], dtype=np.int64)

    def bend(self, start: int, longest: int) -> Bend | None:
        """A note's own bend, frames from its start; None where it sounds unbent."""
        if self._bend is None:
            return None
        first = int(np.searchsorted(self._bend.frames, start, side="right"))
        last = int(np.searchsorted(self._bend.frames, start + longest))
        cents = np.append(0.0, self._bend.cents)[first : last + 1]
        if not cents.any():
            return None
        return Bend(np.append(0, self._bend.frames[first:last] - start), cents)
