"""Steps on a grid: the order of keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.encodings.grid import in_order


@given(st.lists(st.integers(0, 2**62), unique=True))
def test_keys_are_put_in_order(keys):
    array = np.array(keys, np.int64)
    assert array[in_order(array)].tolist() == sorted(keys)


@pytest.mark.parametrize("largest", [0, 1, 2**40, 2**60, 2**63 - 1])
def test_large_keys_leave_no_room_for_their_index_and_are_sorted_all_the_same(largest):
    keys = np.array([largest, *range(3, 20)][: largest + 1], np.int64)
    assert keys[in_order(keys)].tolist() == sorted(keys.tolist())
