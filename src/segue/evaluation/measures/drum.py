"""Measures of drum tracks: how many of their notes lie on the plain divisions of the beat."""

from __future__ import annotations

import numpy as np

from segue.errors import SegueError, nearest
from segue.evaluation.measures.parts import STEPS_A_BEAT, drums, share, steps
from segue.score import Score

PATTERNS: dict[str, int] = {"duple": 4, "triple": 3}
"""How many places of the beat a pattern has."""


def in_pattern_rate(score: Score, metre: str) -> float:
    """The share of drum notes on the places of "duple" or "triple" beats; NaN without drum notes.

    Places are steps of a 24th of a beat. SegueError for another metre.
    """
    if metre not in PATTERNS:
        raise SegueError(f"the drum metre came as {metre!r}; {nearest(metre, PATTERNS)}.")
    at = steps(score, score.notes["onset"][drums(score)])
    return share(float((at % (STEPS_A_BEAT // PATTERNS[metre]) == 0).sum()), len(at))


def drum_in_pattern_rate(score: Score) -> float:
    """`in_pattern_rate` for duple beats, those of nearly all drums. Source: MusPy."""
    return in_pattern_rate(score, "duple")


def drum_pattern_consistency(score: Score) -> float:
    """The larger `in_pattern_rate` of duple and triple beats. Source: MusPy."""
    return float(np.max([in_pattern_rate(score, metre) for metre in PATTERNS]))
