"""How a piece is spread over pitches, intervals, lengths, times, velocities and densities.

Each measure turns a Score into a histogram over fixed bins, whose shares are compared with those
of other music by the 1-Wasserstein distance, as a share of the measure's range: 0 where both are
alike, 1 where all of one lies at one end and all of the other at the other. Many pieces are the
mean of their histograms, so that a long piece counts no more than a short one.

Letters: P pieces, D draws, V bins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.score import Score

Floats = NDArray[np.float64]

SHORTEST, LONGEST = 1 / 64, 16.0
"""Seconds between which lengths and inter-onset times are told apart, on a scale of octaves."""
AN_OCTAVE = 4
_OCTAVES = round(np.log2(LONGEST / SHORTEST)) * AN_OCTAVE
WIDEST = 36
"""Semitones: wider leaps count as this wide."""
MOST_A_SECOND = 40
"""Notes that begin within a second: more count as so many."""

LEAST = 0.001
"""No limit is lower: a thousandth of a range is nothing that anyone hears."""


@dataclass(frozen=True)
class Measure:
    """A histogram of a Score: `values` of its notes (or seconds) fall into bins at `centres`."""

    name: str
    title: str
    across: str
    centres: Floats
    values: Callable[[Score], NDArray[np.int64]]
    """The number of the bin of each value, from 0, already inside the range."""

    def histogram(self, score: Score) -> Floats:
        """Shape (V,), sums to 1; NaN for a Score with no value."""
        return shares(self.values(score), len(self.centres))


def shares(places: NDArray[np.int64], bins: int) -> Floats:
    """Shape (bins,): the share of values in each bin; NaN for no values."""
    counts = np.bincount(places, minlength=bins).astype(np.float64)
    total = counts.sum()
    return np.asarray(counts / total if total else np.full(bins, np.nan))


def _pitch(score: Score) -> NDArray[np.int64]:
    return score.notes["pitch"].astype(np.int64)


def _interval(score: Score) -> NDArray[np.int64]:
    """From the highest note of each onset to that of the next."""
    top = _tops(score)
    return np.clip(np.diff(top), -WIDEST, WIDEST) + WIDEST


def _tops(score: Score) -> NDArray[np.int64]:
    notes = score.notes
    if not len(notes):
        return np.zeros(0, np.int64)
    first = np.flatnonzero(np.append(True, np.diff(notes["onset"]) > 0))
    return np.maximum.reduceat(notes["pitch"].astype(np.int64), first)


def _duration(score: Score) -> NDArray[np.int64]:
    return octave_bins(score.duration_seconds())


def _inter_onset(score: Score) -> NDArray[np.int64]:
    """Between onsets that differ: chords do not count."""
    return octave_bins(np.diff(np.unique(score.onset_seconds())))


def _velocity(score: Score) -> NDArray[np.int64]:
    return score.notes["velocity"].astype(np.int64) - 1


def _density(score: Score) -> NDArray[np.int64]:
    """Of each second from the first note on, how many begin in it."""
    onsets = score.onset_seconds()
    if not len(onsets):
        return np.zeros(0, np.int64)
    begun = np.bincount((onsets - onsets.min()).astype(np.int64))
    return np.minimum(begun, MOST_A_SECOND).astype(np.int64)


def octave_bins(seconds: Floats) -> NDArray[np.int64]:
    """Quarter octaves from `SHORTEST`; shorter and longer ones fall into the outer bins."""
    places = np.floor(np.log2(np.maximum(seconds, 1e-9) / SHORTEST) * AN_OCTAVE)
    return np.clip(places, 0, _OCTAVES - 1).astype(np.int64)


_SECONDS = SHORTEST * 2 ** ((np.arange(_OCTAVES) + 0.5) / AN_OCTAVE)

MEASURES: tuple[Measure, ...] = (
    Measure("pitch", "Pitch", "pitch (MIDI number)", np.arange(128.0), _pitch),
    Measure(
        "interval",
        "Intervals of the upper line",
        "semitones from one onset's highest note to the next",
        np.arange(-WIDEST, WIDEST + 1.0),
        _interval,
    ),
    Measure("duration", "Note lengths", "seconds", _SECONDS, _duration),
    Measure("inter-onset", "Time from onset to onset", "seconds", _SECONDS, _inter_onset),
    Measure("velocity", "Velocity", "velocity", np.arange(1.0, 128.0), _velocity),
    Measure(
        "density",
        "Notes a second",
        "notes that begin within a second",
        np.arange(MOST_A_SECOND + 1.0),
        _density,
    ),
)


def histograms(score: Score) -> dict[str, Floats]:
    """By the name of each measure."""
    return {measure.name: measure.histogram(score) for measure in MEASURES}


def mean(pieces: Floats, weights: Floats | None = None) -> Floats:
    """(P, V) histograms to their mean, (V,), or with (D, P) weights to D means, (D, V).

    A piece that is NaN does not count; NaN if none does.
    """
    known = ~np.isnan(pieces[:, 0])
    held = np.where(known[:, None], pieces, 0.0)
    given = np.ones(len(pieces)) if weights is None else weights
    total = (given * known).sum(axis=-1)
    summed = given @ held
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(summed / total[..., None])


def distance(one: Floats, other: Floats) -> Floats:
    """The 1-Wasserstein distance of histograms (..., V), as a share of the range, 0 to 1."""
    if one.shape[-1] != other.shape[-1] or one.shape[-1] < 2:
        raise ValueError(f"histograms came with {one.shape[-1]} and {other.shape[-1]} bins.")
    apart = np.abs(np.cumsum(one - other, axis=-1))[..., :-1]
    return np.asarray(apart.sum(axis=-1) / (one.shape[-1] - 1))


def draws(
    groups: Sequence[str] | NDArray[np.str_], pieces: int, count: int, rng: np.random.Generator
) -> Floats:
    """Shape (count, P): how often each piece is in each of `count` draws of about `pieces`.

    Whole groups are drawn with replacement (the movements of a work are alike, and one more of
    them is not one more piece); a group of its own for each piece draws pieces.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    taken = max(round(pieces * len(names) / len(groups)), 1)
    counts = rng.multinomial(taken, np.full(len(names), 1 / len(names)), size=count)
    return np.asarray(counts[:, member], np.float64)


def thresholds(drawn: Floats, rate: float) -> Floats:
    """Shape (M,): limits of M distances that a share `rate` of draws, (D, M), passes anywhere.

    All measures get the same quantile, and the quantile is the one at which any of them is passed
    in no more than `rate` of the draws: M looks are no M chances of a false alarm. NaNs never
    pass. Source: Westfall and Young, "Resampling-based multiple testing", 1993 (their min-p).
    """
    if not 0 < rate < 1:
        raise ValueError(f"the rate of false alarms came as {rate}; between 0 and 1 is allowed.")
    known = np.where(np.isnan(drawn), -np.inf, drawn)
    ordered = np.sort(known, axis=0)
    # The share of draws under each: the largest in a row says how unusual the draw is, and a
    # measure that never moves says nothing.
    under = [np.searchsorted(ordered[:, m], known[:, m]) for m in range(known.shape[1])]
    unusual = np.stack(under, axis=1).max(axis=1)
    place = int(np.quantile(unusual, 1 - rate, method="higher"))
    limits = ordered[min(place, len(ordered) - 1)]
    return np.asarray(np.where(np.isinf(limits), np.nan, np.maximum(limits, LEAST)))
