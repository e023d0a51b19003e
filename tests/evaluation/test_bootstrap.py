"""Intervals over pieces: where they lie, what they cover, what does not count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segue.evaluation.bootstrap import interval


def test_an_interval_holds_the_statistic_and_is_the_same_each_time() -> None:
    values = np.random.default_rng(3).normal(5, 2, 80)
    low, high = interval(values)
    assert low < values.mean() < high
    assert interval(values) == (low, high)
    assert interval(values, seed=1) != (low, high)


def test_a_mean_has_the_width_that_theory_gives_it() -> None:
    values = np.random.default_rng(0).normal(0, 1, 400)
    low, high = interval(values, draws=4000)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)
    narrow = interval(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_true_means_lie_within_about_as_often_as_said() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for seed in range(200):
        low, high = interval(rng.exponential(1, 60), level=0.9, draws=200, seed=seed)
        inside += low <= 1 <= high
    assert 0.82 <= inside / 200 <= 0.95


def test_a_ratio_of_sums_is_drawn_piece_by_piece() -> None:
    rows = np.array([[10.0, 5.0], [2.0, 1.0], [40.0, 20.0]])
    assert interval(rows, lambda each: each[:, 0].sum() / each[:, 1].sum()) == (2.0, 2.0)


def test_pieces_without_a_number_do_not_count() -> None:
    values = np.random.default_rng(2).normal(0, 1, 20)
    assert interval([*values, math.nan, math.nan]) == interval(values)
    assert all(math.isnan(end) for end in interval([math.nan]))
    assert all(math.isnan(end) for end in interval([]))
    assert interval([4.0]) == (4.0, 4.0)


@pytest.mark.parametrize("how", [{"level": 1.0}, {"level": 0.0}, {"draws": 0}])
def test_impossible_intervals_are_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="are allowed"):
        interval([1.0, 2.0], **how)  # type: ignore[arg-type]
