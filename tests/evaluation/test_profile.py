"""Histograms by hand, distances between 0 and 1, and limits that are passed as rarely as stated."""

from __future__ import annotations

import numpy as np
import pytest

from music import BEAT, chorale
from segue.evaluation.histograms import wasserstein
from segue.evaluation.profile import (
    LEAST,
    MEASURES,
    distance,
    draws,
    histograms,
    mean,
    octave_bins,
    thresholds,
)
from segue.score import NOTE, Score, Track, events, transpose

BY_NAME = {measure.name: measure for measure in MEASURES}


def notes(*rows: tuple[float, float, int, int]) -> Score:
    """Onset and length in beats of half a second, pitch, velocity."""
    made = [(round(a * BEAT), round(d * BEAT), 0, p, v) for a, d, p, v in rows]
    return Score(BEAT, events(NOTE, made), (Track(),))


def shown(name: str, score: Score) -> dict[float, float]:
    measure = BY_NAME[name]
    told = measure.histogram(score)
    return {float(measure.centres[k]): float(told[k]) for k in np.flatnonzero(told)}


def test_by_hand() -> None:
    score = notes((0, 1, 60, 80), (0, 2, 64, 80), (1, 1, 62, 40), (3, 1, 74, 40))
    assert shown("pitch", score) == {60: 0.25, 62: 0.25, 64: 0.25, 74: 0.25}
    # The upper line is 64, 62, 74.
    assert shown("interval", score) == {-2: 0.5, 12: 0.5}
    assert shown("velocity", score) == {40: 0.5, 80: 0.5}
    # Two notes begin in the first half second, one in the second half, one in the second second.
    assert shown("density", score) == {1: 0.5, 3: 0.5}
    halves, ones = octave_bins(np.array([0.5, 1.0]))
    assert BY_NAME["duration"].histogram(score)[[halves, ones]].tolist() == [0.75, 0.25]
    assert BY_NAME["inter-onset"].histogram(score)[[halves, ones]].tolist() == [0.5, 0.5]


def test_a_score_without_a_value_does_not_count() -> None:
    alone = notes((0, 1, 60, 80))
    told = histograms(alone)
    assert np.isnan(told["interval"]).all() and np.isnan(told["inter-onset"]).all()
    both = np.stack([told["interval"], histograms(chorale(1))["interval"]])
    np.testing.assert_allclose(mean(both), both[1])
    assert np.isnan(mean(both[:1])).all()


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.name)
def test_values_stay_inside_the_range(measure: object) -> None:
    wild = notes((0, 0.001, 0, 1), (0.001, 9999, 127, 127), (5, 0, 0, 1), (7000, 1, 60, 64))
    told = BY_NAME[measure.name].histogram(wild)  # type: ignore[attr-defined]
    assert len(told) == len(BY_NAME[measure.name].centres)  # type: ignore[attr-defined]
    assert told.sum() == pytest.approx(1)


def test_distances_are_shares_of_the_range() -> None:
    ends = np.eye(5)[[0, 4]]
    assert distance(ends[0], ends[1]) == 1
    assert distance(ends[0], ends[0]) == 0
    assert distance(ends[0], np.eye(5)[1]) == pytest.approx(0.25)
    rng = np.random.default_rng(0)
    p, q = (each / each.sum() for each in rng.random((2, 30)))
    assert distance(p, q) == pytest.approx(wasserstein(p, q))
    with pytest.raises(ValueError, match="bins"):
        distance(np.ones(3), np.ones(4))


def test_transposing_moves_pitch_and_nothing_else() -> None:
    before, after = histograms(chorale(3)), histograms(transpose(chorale(3), 5))
    apart = {name: float(distance(before[name], after[name])) for name in before}
    assert apart.pop("pitch") == pytest.approx(5 / 127)
    assert set(apart.values()) == {0.0}


def test_weights_are_draws() -> None:
    pieces = np.eye(4)
    weights = np.array([[2.0, 0, 0, 2], [0, 1, 0, 0]])
    np.testing.assert_allclose(mean(pieces, weights), [[0.5, 0, 0, 0.5], [0, 1, 0, 0]])


def test_works_are_drawn_whole() -> None:
    rng = np.random.default_rng(1)
    groups = ["a", "a", "a", "b", "c", "c"]
    drawn = draws(groups, 6, 500, rng)
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, 4] == drawn[:, 5]).all()
    assert (drawn[:, [0, 3, 4]].sum(axis=1) == 3).all()
    assert drawn.sum(axis=1).mean() == pytest.approx(6, abs=0.2)


def test_limits_are_passed_as_rarely_as_stated() -> None:
    """By any of five distances, not by each; on other draws of the same kind."""
    rng = np.random.default_rng(2)
    mixed = rng.gamma(2, 1, (8000, 5)) @ (np.eye(5) + 0.3)
    limits = thresholds(mixed[:4000], 0.05)
    passed = (mixed[4000:] > limits).any(axis=1).mean()
    assert 0.035 < passed < 0.065
    assert (mixed[:4000] > limits).any(axis=1).mean() <= 0.05


def test_limits_of_what_is_never_known_are_unknown() -> None:
    drawn = np.column_stack([np.arange(100.0), np.full(100, np.nan)])
    limits = thresholds(drawn, 0.1)
    assert limits[0] == 90
    still = np.column_stack([np.arange(100.0), np.zeros(100)])
    assert thresholds(still, 0.1).tolist() == [90, LEAST]
    assert np.isnan(limits[1])
    with pytest.raises(ValueError, match="false alarms"):
        thresholds(drawn, 0)
