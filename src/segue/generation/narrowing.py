"""Masks made narrower, but never to nothing: a take that would have nothing left is told of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def narrowed(masks: Bools, always: tuple[Bools, ...]) -> tuple[Bools, Bools | None]:
    """(B, V) masks without what is never allowed, and (B,) where they could not be; see
    `restricted` and `Steps._narrowings`. None where all could be."""
    found = masks & always[0]
    if len(found) == 1:
        some = bool(found.item(found.argmax()))
    else:
        some = np.count_nonzero(found.any(axis=1)) == len(found)
    if some:
        return found, None
    found, lacking = masks.copy(), np.zeros(len(masks), bool)
    for each in always[1:]:
        lacks = restricted(found, each)
        if lacks is not None:
            lacking |= lacks
    return found, lacking


def restricted(mask: Bools, to: Bools) -> Bools | None:
    """Take away what is not in `to` from (B, V) masks, in place, but from those that would have
    nothing left: (B,) which ones, None if none."""
    left = np.logical_and(mask, to)
    some = np.logical_or.reduce(left, axis=1)
    if np.count_nonzero(some) == len(some):
        mask[:] = left
        return None
    mask[some] = left[some]
    return ~some
