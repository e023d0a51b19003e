"""Measures of how well notes fit a scale. Drums do not count; notes count alike."""

from __future__ import annotations

import numpy as np

from segue.errors import SegueError, nearest
from segue.evaluation.measures.parts import Bools, pitches, share
from segue.score import Score

MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
}


def scale(root: int, mode: str) -> Bools:
    """Shape (12,): the pitch classes of a scale on `root`; SegueError for an unknown mode."""
    if mode not in MODES:
        raise SegueError(f"the mode came as {mode!r}; {nearest(mode, MODES)}.")
    return np.asarray(np.roll(np.isin(np.arange(12), MODES[mode]), root))


def in_scale_rate(score: Score, root: int, mode: str) -> float:
    """The share of notes in the scale of that root (0 is C) and mode; NaN without notes."""
    found = pitches(score) % 12
    return share(float(scale(root, mode)[found].sum()), len(found))


def pitch_in_scale_rate(score: Score) -> float:
    """`in_scale_rate` for the first key that the piece states; NaN where it states none.

    Source: MusPy, where the caller gives the key.
    """
    if not len(score.keys):
        return float("nan")
    key = score.keys[0]
    minor = bool(key["minor"])
    root = (int(key["fifths"]) * 7 + (9 if minor else 0)) % 12
    return in_scale_rate(score, root, "minor" if minor else "major")


def scale_consistency(score: Score) -> float:
    """The largest `in_scale_rate` over all 24 scales; NaN without notes. Source: MusPy.

    A minor scale has the pitch classes of its relative major, so twelve are enough.
    """
    counts = np.bincount(pitches(score) % 12, minlength=12)
    best = max(int(counts[scale(root, "major")].sum()) for root in range(12))
    return share(best, int(counts.sum()))
