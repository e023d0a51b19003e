"""How like real music a set of pieces is: overlapped area and KL, measure by measure.

Source: mgeval (Yang and Lerch, 2020). Distances between the pieces of one set, and between those
of one set and those of the other, are two distributions: the more the sets are alike, the more
they are one. Two things differ from mgeval. Both densities are taken at the *same* 1024 points,
which reach three bandwidths past the outermost distance: mgeval's KL compares each density at
points of its own, so that it is no KL at all, and its area leaves the tails out. And real music is
compared with itself too: what a measure gives for two halves of it is the most to be hoped for.

Letters: N pieces, D numbers of a measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.evaluation.features import FEATURES
from segue.evaluation.measures import MEASURES, measure
from segue.score import Score, slice_bars

Floats = NDArray[np.float64]
Profile = dict[str, Floats]
"""For each measure (N, D) numbers, D = 1 but for histograms; rows without the measure are NaN."""

POINTS = 1024
FEWEST = 3
"""Pieces in which a measure must be defined, on both sides, for it to be compared."""
HALVINGS = 8
_LEAST_DENSITY = 1e-9
"""Of the highest: where one set has nothing at all the KL would be infinite."""


@dataclass(frozen=True)
class Overlap:
    """How one measure of a set overlaps with that of real music; NaN where it is not defined.

    `like_real` is the overlapped area of distances within the real set and distances between the
    sets: 1 if a piece is as far from the real ones as they are from each other. `as_varied` is
    that of distances within the set and those between: low for takes that are all alike. `kl` are
    nats from the first of those two distributions to the second. `real_itself` is `like_real` of
    two halves of the real set, over several halvings.
    """

    like_real: float
    as_varied: float
    kl: float
    real_itself: float


def profile(scores: Sequence[Score]) -> Profile:
    """Every measure and feature of each piece."""
    rows = [measure(score) for score in scores]
    found = {name: np.array([[row[name]] for row in rows]) for name in MEASURES}
    for name, feature in FEATURES.items():
        table = np.array([feature(score) for score in scores])
        found[name] = np.where(table.sum(axis=1, keepdims=True) > 0, table, np.nan)
    return found


def compare(pieces: Profile, real: Profile, *, seed: int = 0) -> dict[str, Overlap]:
    """The overlap of every measure that both profiles hold."""
    return {
        name: _overlap(_defined(pieces[name]), _defined(real[name]), seed)
        for name in pieces
        if name in real
    }


def _defined(rows: Floats) -> Floats:
    return rows[~np.isnan(rows).any(axis=1)]


def _overlap(pieces: Floats, real: Floats, seed: int) -> Overlap:
    if min(len(pieces), len(real)) < FEWEST:
        return Overlap(*[float("nan")] * 4)
    between, within = distances(pieces, real), distances(real)
    points, p, q = densities(within, between)
    return Overlap(
        like_real=overlapped_area(points, p, q),
        as_varied=overlapped_area(*densities(distances(pieces), between)),
        kl=divergence(points, p, q),
        real_itself=_itself(real, seed),
    )


def _itself(real: Floats, seed: int) -> float:
    """The mean overlap of two halves of the real pieces."""
    if len(real) < 2 * FEWEST:
        return float("nan")
    rng = np.random.default_rng(seed)
    areas = []
    for _ in range(HALVINGS):
        order = rng.permutation(len(real))
        half, rest = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
        areas.append(overlapped_area(*densities(distances(rest), distances(half, rest))))
    return float(np.mean(areas))


def distances(rows: Floats, others: Floats | None = None) -> Floats:
    """Euclidean distances of (N, D) rows to each other, shape (N (N - 1) / 2,), or to all `others`,
    (M, D): shape (N M,)."""
    beside = rows if others is None else others
    squares = (rows**2).sum(axis=1)[:, None] + (beside**2).sum(axis=1) - 2 * rows @ beside.T
    every = np.sqrt(np.maximum(squares, 0))
    return np.asarray(every[np.triu_indices(len(rows), 1)] if others is None else every.ravel())


def densities(one: Floats, other: Floats) -> tuple[Floats, Floats, Floats]:
    """Points and the densities of two samples there: shape (POINTS,) each.

    Gaussian kernels of Scott's bandwidth, as scipy's. Both samples share one grid of points, so
    that densities can be compared point by point.
    """
    wide = [_bandwidth(sample) for sample in (one, other)]
    low = min(float(s.min() - 3 * w) for s, w in zip((one, other), wide, strict=True))
    high = max(float(s.max() + 3 * w) for s, w in zip((one, other), wide, strict=True))
    # Samples without any spread are bars a few points wide.
    least = max(high - low, 1e-9) / POINTS * 2
    low, high = low - 4 * least, high + 4 * least
    points = np.linspace(low, high, POINTS)
    p, q = (
        _density(sample, max(width, least), points)
        for sample, width in zip((one, other), wide, strict=True)
    )
    return points, p, q


def _bandwidth(sample: Floats) -> float:
    return float(sample.std(ddof=1)) * len(sample) ** -0.2 if len(sample) > 1 else 0.0


def _density(sample: Floats, width: float, points: Floats) -> Floats:
    """Kernels summed by way of a histogram on the grid: tens of thousands of distances at once."""
    step = points[1] - points[0]
    place = (sample - points[0]) / step
    below = np.clip(np.floor(place).astype(np.int64), 0, len(points) - 2)
    share = place - below
    mass = np.bincount(below, 1 - share, len(points)) + np.bincount(below + 1, share, len(points))
    reach = np.arange(-len(points) + 1, len(points)) * step
    kernel = np.exp(-0.5 * (reach / width) ** 2)
    size = len(mass) + len(kernel) - 1
    both = np.fft.irfft(np.fft.rfft(mass, size) * np.fft.rfft(kernel, size), size)
    density = np.maximum(both[len(points) - 1 : 2 * len(points) - 1], 0)
    return np.asarray(density / (density.sum() * step))


def overlapped_area(points: Floats, p: Floats, q: Floats) -> float:
    """The area under both densities, 0 to 1: 1 if they are the same."""
    return float(np.clip(np.minimum(p, q).sum() * (points[1] - points[0]), 0, 1))


def divergence(points: Floats, p: Floats, q: Floats) -> float:
    """The Kullback-Leibler divergence of `q` from `p` in nats, both at the same points.

    Neither density is taken to be lower than a billionth of the highest, or one point that only
    one set reaches would make it infinite.
    """
    least = _LEAST_DENSITY * max(float(p.max()), float(q.max()))
    p, q = np.maximum(p, least), np.maximum(q, least)
    p, q = p / p.sum(), q / q.sum()
    return float((p * np.log(p / q)).sum())


def excerpt(score: Score, bars: int, rng: np.random.Generator) -> Score:
    """`bars` bars of a piece from a random one on; the whole piece if it is no longer than that.

    What counts notes, pitches or repeats grows with length: a take of 16 bars is to be compared
    with 16 bars. The excerpt begins in a bar in which a note starts.
    """
    whole = int(np.ceil(score.end_bars - 1e-9))
    if whole <= bars or not len(score):
        return score
    begun = np.unique(np.floor(score.metre_map.bars(score.notes["onset"])))
    begun = begun[begun <= whole - bars] if (begun <= whole - bars).any() else begun[:1]
    first = int(rng.choice(begun))
    return slice_bars(score, first, first + bars)
