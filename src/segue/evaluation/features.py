"""Features of a Score that are histograms: what mgeval compares sets of music by.

Source: Yang and Lerch, "On the evaluation of generative models in music", 2020, whose features of
one number are in `measures`. Drums do not count. Each gives an array of one fixed shape that sums
to 1, or to 0 where the Score has nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segue.evaluation.measures.keys import window_chroma
from segue.evaluation.measures.parts import STEPS_A_BEAT, Ints, neighbours, tones
from segue.score import Score

Floats = NDArray[np.float64]

LENGTHS: tuple[tuple[str, int], ...] = (
    ("whole", 96), ("half", 48), ("quarter", 24), ("eighth", 12), ("sixteenth", 6),
    ("dotted half", 72), ("dotted quarter", 36), ("dotted eighth", 18), ("dotted sixteenth", 9),
    ("half triplet", 32), ("quarter triplet", 16), ("eighth triplet", 8),
)  # fmt: skip
"""mgeval's twelve note lengths, in 24ths of a beat (it writes 96ths of a bar of 4/4)."""


def pitch_class_histogram(score: Score) -> Floats:
    """Shape (12,): the share of sounding time of each pitch class.

    mgeval reads it from a roll whose cells hold velocities; loudness does not count here.
    """
    return _shares(window_chroma(score, max(score.end_beats, 1)).sum(axis=0))


def pitch_class_transitions(score: Score) -> Floats:
    """Shape (144,): from which pitch class to which the notes of a track go."""
    first, second = neighbours(score)
    return _pairs(_classes(first["pitch"]), _classes(second["pitch"]))


def note_length_histogram(score: Score) -> Floats:
    """Shape (12,): how often each of `LENGTHS` is the one nearest to a note's."""
    return _shares(np.bincount(_lengths(score, tones(score)["duration"]), minlength=12))


def note_length_transitions(score: Score) -> Floats:
    """Shape (144,): from which of `LENGTHS` to which the notes of a track go."""
    first, second = neighbours(score)
    return _pairs(_lengths(score, first["duration"]), _lengths(score, second["duration"]))


FEATURES: dict[str, Callable[[Score], Floats]] = {
    each.__name__: each
    for each in (
        pitch_class_histogram,
        pitch_class_transitions,
        note_length_histogram,
        note_length_transitions,
    )
}


def _classes(pitch: NDArray[np.integer]) -> Ints:
    return np.asarray(pitch, np.int64) % 12


def _lengths(score: Score, ticks: NDArray[np.int64]) -> Ints:
    """The place in `LENGTHS` of the nearest; of two as near the one listed first."""
    table = np.array([steps for _, steps in LENGTHS])
    steps = ticks * (STEPS_A_BEAT / score.ticks_per_beat)
    return np.asarray(np.abs(steps[:, None] - table).argmin(axis=1), np.int64)


def _pairs(first: Ints, second: Ints) -> Floats:
    return _shares(np.bincount(first * 12 + second, minlength=144))


def _shares(counts: NDArray[np.number]) -> Floats:
    return np.asarray(counts / max(float(counts.sum()), 1e-12), np.float64)
