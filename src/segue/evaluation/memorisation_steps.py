"""Music as the steps between its slices, which transposing and stretching leave as they are.

A slice is all that starts together; a step leads from one slice to the next. It is known by how far
the highest and the lowest note of the slice move, in semitones, and by its rhythm: the time to the
next slice over the time from the one before, as a logarithm. Outer voices move alike in every key,
the ratio is the same in every tempo, and a note less inside a chord changes neither.

Letters: S slices, S - 1 steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.score import Score

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Rhythm = NDArray[np.int8]

TOGETHER = 0.035
"""Seconds: notes that start no later after the one before are one slice, as pianists' chords are.
Shorter than a 64th note at 100 beats a minute and than a frame of the NES (1/24 s)."""

RHYTHM_AN_OCTAVE = 8
"""Units of rhythm to a doubling: 8 says that the next slice comes after twice the time."""

ANY = -128
"""The rhythm of a first step, which has none before it: like every other."""

_WIDEST = 64
# One byte for each pair of moves: a fixed shuffle, so that the likeliest pairs do not collide.
_BYTES = np.random.default_rng(20_160).permutation(np.arange((2 * _WIDEST + 1) ** 2) % 256)


@dataclass(frozen=True)
class Steps:
    """The steps of a piece.

    `moves`, (S - 1,), tell how the outer voices move, one byte each, which many moves share;
    `rhythm`, (S - 1,), is in `RHYTHM_AN_OCTAVE`; `onsets` and `ends`, (S,), are in ticks; `notes`,
    (S,), is how many notes start in each slice.
    """

    moves: Bytes
    rhythm: Rhythm
    onsets: Ints
    ends: Ints
    notes: Ints

    def __len__(self) -> int:
        return len(self.moves)


def steps_of(score: Score, begin: int = 0) -> Steps:
    """The steps of a Score from tick `begin` on.

    Drums are left out, unless there is nothing else: then their keys are taken as pitches.
    """
    drum = np.array([track.is_drum for track in score.tracks] or [False])
    own = score.notes["onset"] >= begin
    pitched = own & ~drum[score.notes["track"]] if len(score) else own
    chosen = pitched if pitched.any() else own
    notes, seconds = score.notes[chosen], score.onset_seconds()[chosen]
    if not len(notes):
        none = np.zeros(0, np.int64)
        return Steps(none.astype(np.uint8), none.astype(np.int8), none, none, none)
    first = np.flatnonzero(np.append(True, np.diff(seconds) > TOGETHER))
    pitch = notes["pitch"].astype(np.int64)
    highest, lowest = np.maximum.reduceat(pitch, first), np.minimum.reduceat(pitch, first)
    return Steps(
        _bytes(np.diff(highest), np.diff(lowest)),
        _rhythm(np.diff(seconds[first])),
        notes["onset"][first],
        np.maximum.reduceat(notes["onset"] + notes["duration"], first),
        np.diff(np.append(first, len(notes))),
    )


def _bytes(up: Ints, down: Ints) -> Bytes:
    """Shape (steps,): the byte of each pair of moves, of the highest note and of the lowest."""
    high, low = (np.clip(moves, -_WIDEST, _WIDEST) + _WIDEST for moves in (up, down))
    return _BYTES[high * (2 * _WIDEST + 1) + low].astype(np.uint8)


def _rhythm(waits: NDArray[np.float64]) -> Rhythm:
    """Shape (steps,): how much longer each wait, in seconds, is than the one before."""
    ratio = np.diff(np.log2(np.maximum(waits, 1e-6)))
    units = np.clip(np.rint(ratio * RHYTHM_AN_OCTAVE), -120, 120)
    return np.append(ANY, units).astype(np.int8)[: len(waits)]
