"""Reliability by hand: what is right as often as it is sure has no error."""

from __future__ import annotations

import numpy as np
import pytest

from segue.evaluation.calibration import BINS, Reliability, together


def test_right_as_often_as_sure() -> None:
    told = Reliability.of(np.full(10, 0.7), np.arange(10) < 7)
    assert told.error == pytest.approx(0)
    assert told.count == 10


def test_too_sure_of_itself() -> None:
    # Ten predictions at 0.9 of which 5 came true, ten at 0.5 of which 5: (0.4 + 0) / 2.
    sure = np.repeat([0.9, 0.5], 10)
    right = np.tile(np.arange(10) < 5, 2)
    assert Reliability.of(sure, right).error == pytest.approx(0.2)


def test_bins_hold_their_means() -> None:
    sure, right, count = Reliability.of(
        np.array([0.0, 1.0, 1.0]), np.array([False, True, False])
    ).curve()
    assert sure.tolist() == [0.0, 1.0]
    assert right.tolist() == [0.0, 0.5]
    assert count.tolist() == [1, 2]


def test_parts_add_up(seed: int = 3) -> None:
    rng = np.random.default_rng(seed)
    sure, right = rng.random(200), rng.random(200) < 0.5
    halves = [Reliability.of(sure[h], right[h]) for h in (slice(0, 90), slice(90, None))]
    whole = Reliability.of(sure, right)
    np.testing.assert_allclose(together(halves).table, whole.table)
    assert whole.table.shape == (BINS, 3)


def test_nothing_predicted_has_no_error() -> None:
    assert Reliability.none().error == 0
    assert Reliability.none().as_dict()["confidence"] == []
