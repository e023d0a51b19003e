"""A shuffle without a list: a bijection for every size, different by seed and epoch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.data.shuffle import keyed, shuffled


def epoch_of(total, epoch=0, seed=0):
    positions = np.arange(total, dtype=np.int64)
    return shuffled(positions, total, np.full(total, epoch, np.int64), seed)


@given(st.integers(1, 3000), st.integers(0, 5), st.integers(-(2**63), 2**64))
def test_it_is_a_bijection(total, epoch, seed):
    assert np.array_equal(np.sort(epoch_of(total, epoch, seed)), np.arange(total))


def test_seeds_and_epochs_differ():
    orders = [epoch_of(500, epoch, seed).tolist() for epoch in range(3) for seed in range(3)]
    assert len({tuple(order) for order in orders}) == 9


def test_positions_go_anywhere():
    # Over many epochs each of 8 positions meets each of 8 numbers about equally often.
    epochs = np.arange(4000, dtype=np.int64)
    met = np.array(
        [np.bincount(shuffled(np.full(4000, p), 8, epochs, 1), minlength=8) for p in range(8)]
    )
    assert met.min() > 400
    assert met.max() < 600


def test_neighbours_are_parted():
    order = epoch_of(10_000)
    assert np.mean(np.abs(np.diff(order)) == 1) < 0.01


def test_one_position_needs_no_other():
    whole = epoch_of(12_345, epoch=7, seed=9)
    some = np.array([0, 77, 12_344])
    assert np.array_equal(shuffled(some, 12_345, np.full(3, 7), 9), whole[some])


def test_huge_totals_need_no_memory():
    total = 10**15
    out = shuffled(np.array([0, 1, total - 1]), total, np.zeros(3, np.int64), 0)
    assert len(set(out.tolist())) == 3
    assert ((out >= 0) & (out < total)).all()


def test_keys_depend_on_every_part():
    a, b = np.array([1, 2]), np.array([2, 1])
    assert len({*keyed(0, a, b).tolist(), *keyed(1, a, b).tolist()}) == 4
