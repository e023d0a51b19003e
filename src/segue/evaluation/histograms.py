"""How music is spread over times, pitches and keys, and how far two such histograms are apart.

Everything is a distance to real music or a share that real music has too: none is good by being
high or low.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.score import Score

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 1 / 64, 4.0
"""Seconds: shorter intervals count as together, longer ones as this long."""
BINS_AN_OCTAVE = 4
BINS = 2 + round(np.log2(LONGEST / SHORTEST)) * BINS_AN_OCTAVE

_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
COLLECTIONS = np.stack([np.roll(_MAJOR, tonic) for tonic in range(12)])
"""Shape (12, 12): the pitch classes of each major key, which are also its relative minor's."""


def intervals(score: Score) -> Floats:
    """Shape (notes - 1,): seconds between the onsets of one note and the next, drums included."""
    return np.diff(np.sort(score.onset_seconds()))


def interval_histogram(scores: Sequence[Score]) -> Floats:
    """Shape (BINS,), sums to 1: inter-onset intervals in quarter octaves, all zeros for none.

    The first bin holds notes that start together, within a 64th of a second; the last those more
    than four seconds apart.
    """
    seconds = np.concatenate([intervals(score) for score in scores] or [np.zeros(0)])
    places = np.log2(np.maximum(seconds, 1e-9) / SHORTEST) * BINS_AN_OCTAVE
    bins = np.clip(np.floor(places) + 1, 0, BINS - 1).astype(np.int64)
    counts = np.bincount(bins, minlength=BINS).astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1))


def wasserstein(p: Floats, q: Floats) -> float:
    """The 1-Wasserstein distance of two histograms over the same bins, as a share of their width.

    0 for equal ones; 1 if all of one is in the first bin and all of the other in the last.
    ValueError for other shapes.
    """
    if p.shape != q.shape or p.ndim != 1 or len(p) < 2:
        raise ValueError(f"histograms came with shapes {p.shape} and {q.shape}; equal ones of (n,)")
    return float(np.abs(np.cumsum(p - q))[:-1].sum() / (len(p) - 1))


def entropy(symbols: NDArray[np.integer]) -> float:
    """Bits of the histogram of `symbols`; 0 for none."""
    counts = np.unique(symbols, return_counts=True)[1]
    p = counts / max(counts.sum(), 1)
    return float(-(p * np.log2(p)).sum()) + 0.0


def pitch_entropy(scores: Sequence[Score], track: str, least: int = 8) -> float | None:
    """Mean bits of the pitches of the track of that name, over scores in which it plays.

    Scores where it has under `least` notes do not count; None if no score does.
    """
    found = []
    for score in scores:
        named = [i for i, each in enumerate(score.tracks) if each.name == track]
        pitches = score.notes["pitch"][np.isin(score.notes["track"], named)]
        if len(pitches) >= least:
            found.append(entropy(pitches))
    return float(np.mean(found)) if found else None


def collection(score: Score) -> int:
    """The tonic, 0 to 11, of the major key whose seven pitch classes sound longest; drums do not.

    A minor key is found as its relative major. ValueError for a score without pitched notes.
    """
    classes = _sounding(score)
    if not classes.sum():
        raise ValueError("a score without pitched notes is in no key.")
    return int((COLLECTIONS @ classes).argmax())


def foreign_share(score: Score, tonic: int) -> float | None:
    """The share of sounding time outside the key of `collection`; None without pitched notes."""
    classes = _sounding(score)
    total = float(classes.sum())
    return float(classes[~COLLECTIONS[tonic]].sum()) / total if total else None


def _sounding(score: Score) -> Floats:
    """Shape (12,): the seconds that each pitch class sounds."""
    drums = np.array([track.is_drum for track in score.tracks] or [False])
    pitched = ~drums[score.notes["track"]]
    classes = score.notes["pitch"][pitched] % 12
    return np.asarray(np.bincount(classes, score.duration_seconds()[pitched], minlength=12))


def listing(predicted: Sequence[str], true: Sequence[str]) -> str:
    """What was predicted beside what came, a line each; what differs is marked."""
    width = max((len(word) for word in predicted), default=0)
    lines = [
        f"{guess:<{width}}  {'=' if guess == word else '|'}  {word}"
        for guess, word in zip(predicted, true, strict=True)
    ]
    return "\n".join([f"{'predicted':<{width}}     true", *lines]) + "\n"
