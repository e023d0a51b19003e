"""Masks made narrower: each take on its own, and none to nothing."""

from __future__ import annotations

import numpy as np

from segue.generation.narrowing import narrowed, restricted

MASKS = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], bool)


def test_what_is_left_of_a_mask_may_be_little_but_not_nothing() -> None:
    mask = MASKS.copy()
    lacks = restricted(mask, np.array([True, False, False, True]))
    assert lacks is not None
    assert lacks.tolist() == [False, True, False]
    assert mask.astype(int).tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]


def test_where_all_keep_something_nobody_is_told_of() -> None:
    mask = MASKS.copy()
    assert restricted(mask, np.array([False, True, False, True])) is None
    assert mask.astype(int).tolist() == [[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_of_two_narrowings_that_leave_nothing_the_first_goes_first() -> None:
    first, second = np.array([True, False, True, True]), np.array([False, True, True, False])
    found, lacks = narrowed(MASKS, (first & second, first, second))
    assert lacks is not None
    assert found.astype(int).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert lacks.tolist() == [True, False, True]
    assert MASKS.sum() == 5  # a table of masks is left as it was
    alone, nothing = narrowed(MASKS[1:2], (first & second, first, second))
    assert nothing is None
    assert alone.astype(int).tolist() == [[0, 0, 1, 0]]
