"""What several measures ask of a Score: its pitched notes, its steps in time, its bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.score import Score
from segue.score.score import Events

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_BARS = 1 << 17
"""Measures by the bar are not defined for more: a table of them would be larger than the music."""
STEPS_A_BEAT = 24
"""The grid of measures that ask for one: MusPy's own resolution, so fine that triplets fit."""


def drums(score: Score) -> Bools:
    """Shape (notes,): which notes are of a drum track."""
    drum = np.array([track.is_drum for track in score.tracks] or [False])
    return np.asarray(drum[score.notes["track"]])


def tones(score: Score) -> Events:
    """The notes that are not drums."""
    return score.notes[~drums(score)]


def pitches(score: Score) -> Ints:
    """Shape (tones,): their pitches."""
    return np.asarray(tones(score)["pitch"], np.int64)


def steps(score: Score, ticks: NDArray[np.int64]) -> Ints:
    """Ticks as the nearest steps of the grid."""
    return np.rint(ticks * (STEPS_A_BEAT / score.ticks_per_beat)).astype(np.int64)


def bits(counts: NDArray[np.number]) -> float:
    """The entropy in bits of a histogram of any shape; NaN for an empty one."""
    total = float(counts.sum())
    if total <= 0:
        return float("nan")
    p = np.asarray(counts, np.float64).ravel() / total
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum()) + 0.0


def share(part: float, whole: float) -> float:
    """`part / whole`; NaN without a whole."""
    return float(part) / float(whole) if whole else float("nan")


def neighbours(score: Score) -> tuple[Events, Events]:
    """Each tone but the last of its track, and the one after it in that track, by onset, pitch."""
    notes = tones(score)
    notes = notes[np.argsort(notes["track"], kind="stable")]
    same = notes["track"][1:] == notes["track"][:-1]
    return notes[:-1][same], notes[1:][same]


def barred(score: Score) -> bool:
    """Whether it has notes, and no more bars than music has: a file may claim any number."""
    return len(score) > 0 and score.end_bars <= MOST_BARS


def bars_of(score: Score, ticks: NDArray[np.int64]) -> Ints:
    """The bar that each tick lies in, counted from 0."""
    return np.floor(score.metre_map.bars(ticks) + 1e-9).astype(np.int64)
