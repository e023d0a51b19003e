"""Variants of music that is learned from: windows of rows changed, and laid out anew.

An encoding that offers variants names them in `variants` and has a method for each:

- `transpose(rows, semitones)` and `louder(rows, by)` give rows of the same shape;
- `stretch(rows, factors)`, `drop_voices(rows, dropped)` and `swap_pulses(rows, swapped)` may need
  more rows for the same music, or fewer, and give a `Varied`.

Letters: B windows, R rows of a window, C columns; what is changed by has a first axis of B.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Varied(NamedTuple):
    """Windows of changed rows, (B, R, C), and which old row each was made for, (B, R).

    Music that needs more rows than a window has loses its end. Where it needs fewer `source` is
    -1, and the last row stands again.
    """

    rows: NDArray[Any]
    source: Ints


def in_place(rows: NDArray[Any]) -> Varied:
    """Rows that stand where they stood."""
    return Varied(rows, np.broadcast_to(np.arange(rows.shape[1]), rows.shape[:2]))


def gaps(moves: Ints, kept: Flags, factors: NDArray[np.float64]) -> Ints:
    """Steps from one kept row to the next, (B, R), with time stretched by `factors`, (B,).

    `moves`, (B, R), is how many steps each row goes on before what it holds. What stood apart
    stays a step apart. The last row has what follows the last kept one, kept or not; all others
    that are not kept have 0.
    """
    before = np.cumsum(moves, axis=1)
    after = np.rint(before * factors[:, None]).astype(np.int64)
    carries = kept.copy()
    carries[:, -1] = True
    apart = carries & (_since(before, kept) > 0)
    return np.where(apart, np.maximum(_since(after, kept), 1), 0)


def _since(times: Ints, kept: Flags) -> Ints:
    """How long before each row, in `times` that never fall, the last kept one was."""
    last = np.maximum.accumulate(np.where(kept, times, 0), axis=1)
    return times - np.pad(last, ((0, 0), (1, 0)))[:, :-1]


def laid(sizes: Ints) -> tuple[Ints, Ints]:
    """Where rows come to lie when old row r of window b becomes `sizes[b, r]` rows.

    Returns the old row of each new one, (B, R), -1 past the last, and how many rows of the same
    old one still follow it.
    """
    windows, rows = sizes.shape
    ends = np.cumsum(sizes, axis=1)
    old = np.repeat(np.arange(sizes.size), sizes.ravel())
    window = old // rows
    first = np.cumsum(ends[:, -1]) - ends[:, -1]
    place = np.arange(len(old)) - first[window]
    fits = place < rows
    old, window, place = old[fits], window[fits], place[fits]
    source, left = np.full((windows, rows), -1), np.zeros((windows, rows), np.int64)
    source[window, place] = old % rows
    left[window, place] = ends.ravel()[old] - 1 - place
    return source, left


def filled(rows: NDArray[Any], source: Ints) -> Varied:
    """A `Varied` whose rows past the last, where `source` is -1, repeat it."""
    last = np.maximum((source >= 0).sum(axis=1, keepdims=True) - 1, 0)
    at = np.minimum(np.arange(source.shape[1]), last)
    return Varied(np.take_along_axis(rows, at[..., None], axis=1), source)


def picked(rows: NDArray[Any], source: Ints) -> NDArray[Any]:
    """The row of each window that `source`, (B, R), names; a copy."""
    return np.take_along_axis(rows, np.maximum(source, 0)[..., None], axis=1)


def rewritten(
    rows: NDArray[Any],
    kept: Flags,
    waits: Ints,
    longest: int,
    column: int,
    symbol: Callable[[Ints], Ints],
) -> Varied:
    """Events, the `kept` rows, with rows of waiting before them, as `gaps` measures it.

    A wait is a row of zeros but for `column`, which holds `symbol` of its steps; one of more than
    `longest` steps is several.
    """
    full = np.maximum(waits - 1, 0) // longest
    rest = waits - full * longest
    source, left = laid(full + (rest > 0) + kept)
    old = np.maximum(source, 0)
    of_kept, of_rest = (np.take_along_axis(each, old, axis=1) for each in (kept, rest))
    new = picked(rows, source)
    waiting = (left > 0) | ~of_kept
    last = left == of_kept
    steps = np.where(last & (of_rest > 0), of_rest, longest)
    new[waiting] = 0
    new[waiting, column] = symbol(steps[waiting])
    return filled(new, source)


def columns_moved(rows: NDArray[Any], by: Ints) -> NDArray[Any]:
    """Each window's columns `by`, (B,), places to the right; what leaves it falls off."""
    moved = np.zeros_like(rows)
    width = rows.shape[2]
    for places in np.unique(by).tolist():
        mine = by == places
        right, left = min(max(places, 0), width), min(max(-places, 0), width)
        moved[mine, :, right : width - left] = rows[mine, :, left : width - right]
    return moved
