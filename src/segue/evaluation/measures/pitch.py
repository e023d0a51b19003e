"""Measures of which pitches are played: how many, how widely, how evenly. Drums do not count."""

from __future__ import annotations

import numpy as np

from segue.evaluation.measures.parts import bits, neighbours, pitches
from segue.score import Score

NAN = float("nan")


def n_pitches_used(score: Score) -> float:
    """How many different pitches are played. Source: MusPy; mgeval's pitch count."""
    return float(len(np.unique(pitches(score))))


def n_pitch_classes_used(score: Score) -> float:
    """How many of the twelve pitch classes are played. Source: MusPy."""
    return float(len(np.unique(pitches(score) % 12)))


def pitch_range(score: Score) -> float:
    """Semitones from the lowest to the highest pitch; NaN without one. Source: MusPy, mgeval.

    MusPy gives -127 for a piece of drums alone, which is no range.
    """
    found = pitches(score)
    return float(np.ptp(found)) if len(found) else NAN


def pitch_entropy(score: Score) -> float:
    """Bits of the histogram of pitches, notes counted alike. Source: MusPy."""
    return bits(np.bincount(pitches(score)))


def pitch_class_entropy(score: Score) -> float:
    """Bits of the histogram of the twelve pitch classes, at most 3.585. Source: MusPy, MusDr."""
    return bits(np.bincount(pitches(score) % 12))


def average_pitch_shift(score: Score) -> float:
    """Mean semitones, up or down, from a note to the next one of its track. Source: mgeval.

    mgeval reads one track; here all pitched tracks count, none of them into another. Notes of a
    chord follow each other from the lowest up.
    """
    first, second = neighbours(score)
    if not len(first):
        return NAN
    return float(np.abs(second["pitch"].astype(np.int64) - first["pitch"]).mean())


def repeated_note_share(score: Score) -> float:
    """The share of notes with the pitch of the note before it in its track; NaN without pairs."""
    first, second = neighbours(score)
    return float((first["pitch"] == second["pitch"]).mean()) if len(first) else NAN
