"""Measures of loudness, by MIDI velocity, drums included."""

from __future__ import annotations

import numpy as np

from segue.evaluation.measures.parts import bits
from segue.score import Score

NAN = float("nan")


def velocity_mean(score: Score) -> float:
    """Mean velocity of the notes, 1 to 127."""
    return float(score.notes["velocity"].mean()) if len(score) else NAN


def velocity_deviation(score: Score) -> float:
    """Standard deviation of the velocities; 0 for music written at one loudness."""
    return float(score.notes["velocity"].std()) if len(score) else NAN


def velocity_entropy(score: Score) -> float:
    """Bits of the histogram of velocities, four at a time; at most 5."""
    return bits(np.bincount(score.notes["velocity"] // 4))
