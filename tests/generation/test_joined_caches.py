"""States of takes that have read unlike numbers of rows, whose caches are not of one length."""

import numpy as np

from segue.generation.batching import joined
from segue.generation.engine import State


def state(takes: int, slots: int, value: float) -> State:
    """Features, a counter and a cache of (takes, heads, slots, width), as a Transformer's are."""
    cache = np.full((takes, 2, slots, 3), value, np.float32)
    return State(takes, np.full((takes, 4), value), (np.full((takes, 1), slots), cache), slots)


def test_the_shorter_cache_gets_slots_that_hold_nothing() -> None:
    both = joined([state(1, 128, 1.0), state(2, 64, 2.0)])
    counters, cache = both.tensors
    assert both.batch == 3
    assert counters.ravel().tolist() == [128, 64, 64]
    assert cache.shape == (3, 2, 128, 3)
    assert (cache[0] == 1).all()
    assert (cache[1:, :, :64] == 2).all()
    assert (cache[1:, :, 64:] == 0).all()


def test_caches_of_one_length_are_put_together_as_they_are() -> None:
    both = joined([state(1, 64, 1.0), state(1, 64, 2.0)])
    np.testing.assert_array_equal(both.tensors[1][:, 0, 0, 0], [1.0, 2.0])
    assert both.tensors[1].shape == (2, 2, 64, 3)


def test_a_state_without_axes_beside_the_takes_stays() -> None:
    flat = State(2, np.zeros((2, 4)), (np.array([1, 2]),))
    assert joined([flat, flat]).tensors[0].tolist() == [1, 2, 1, 2]
