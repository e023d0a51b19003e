"""The five predictors: proper distributions, equal to the baselines a run prints, small on disk."""

from __future__ import annotations

import numpy as np
import pytest

from segue.evaluation.baselines import baselines
from segue.evaluation.tallies import NAMES, Tallies

SIZES = (5, 3)


def pieces(seed: int, count: int = 6) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, SIZES, (30, 2)).cumsum(axis=0) % SIZES for _ in range(count)]


def test_they_are_the_baselines_of_a_run() -> None:
    train, held_out = pieces(1), pieces(2, 3)
    floor = baselines(train, held_out, SIZES).as_dict()
    told = [Tallies.of(train, SIZES).nats(piece) for piece in held_out]
    for name, expected in floor.items():
        every = np.concatenate([each[name].sum(axis=1) for each in told])
        assert every.mean() == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_distribution(name: str) -> None:
    tallies = Tallies.of(pieces(3), SIZES)
    before = np.array([2, 1])
    for column, size in enumerate(SIZES):
        given = np.full(size, before[column])
        nats = tallies.columns[column].nats(given, np.arange(size))[name]
        assert np.exp(-nats).sum() == pytest.approx(1)


def test_copy_last_likes_what_stays() -> None:
    still = [np.repeat(np.arange(4), 10)[:, None]]
    nats = Tallies.of(still, (4,)).nats(np.array([[1], [1], [2]]))["copy-last"][:, 0]
    assert nats[0] < 0.2
    assert nats[1] > 1


def test_all_zero_likes_silence() -> None:
    quiet = [np.array([[0]] * 30 + [[1]])]
    nats = Tallies.of(quiet, (2,)).nats(np.array([[1], [0], [1]]))["all-zero"][:, 0]
    assert nats[0] < 0.1
    assert nats[1] > 2


def test_stored_and_read_again() -> None:
    tallies = Tallies.of(pieces(4), SIZES)
    again = Tallies.from_arrays(tallies.arrays())
    rows = pieces(5, 1)[0]
    for name in NAMES:
        np.testing.assert_array_equal(tallies.nats(rows)[name], again.nats(rows)[name])


def test_a_column_of_one_symbol_costs_nothing() -> None:
    rows = [np.zeros((9, 1), np.int64)]
    for nats in Tallies.of(rows, (1,)).nats(rows[0]).values():
        assert nats.sum() == pytest.approx(0, abs=1e-9)
