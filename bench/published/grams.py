"""The n-gram that a row of events has to beat: Kneser-Ney, interpolated, one discount an order.

Source: Chen and Goodman, "An empirical study of smoothing techniques for language modeling" (1998).
Counts below the highest order are of how many different symbols came before, the discount of an
order is n1 / (n1 + 2 n2), and below single symbols all symbols are as likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LEAST = 0.1


@dataclass(frozen=True)
class _Order:
    """Counts of grams of one order, and what there is of each context: sum and kinds."""

    grams: Ints
    counts: Ints
    contexts: Ints
    sums: Ints
    kinds: Ints
    discount: float


class Grams:
    """An n-gram of `symbols` symbols, learned from pieces of one column."""

    def __init__(self, pieces: Sequence[np.ndarray], order: int, symbols: int) -> None:
        self.symbols = symbols
        found = [_counted(_codes(pieces, n, symbols)) for n in range(1, order + 1)]
        self.orders = []
        for n, (grams, counts) in enumerate(found, start=1):
            if n < order:
                # Grams of one more, without the first symbol: how many different ones came before.
                grams, counts = _counted(found[n][0] % symbols**n)  # noqa: PLW2901
            self.orders.append(_order(grams, counts, symbols))

    def nats(self, pieces: Sequence[np.ndarray]) -> float:
        """Nats a symbol, over every symbol but the first of a piece, as `protocol` counts."""
        chance = np.full(sum(len(piece) - 1 for piece in pieces), 1 / self.symbols)
        for n, order in enumerate(self.orders, start=1):
            codes = _ending(pieces, n, self.symbols)
            known = codes >= 0
            chance[known] = self._interpolated(order, codes[known], chance[known])
        return float(-np.log(chance).mean())

    def _interpolated(self, order: _Order, codes: Ints, below: Floats) -> Floats:
        count = _looked_up(order.grams, order.counts, codes)
        context = codes // self.symbols
        total = _looked_up(order.contexts, order.sums, context)
        kinds = _looked_up(order.contexts, order.kinds, context)
        heard = total > 0
        safe = np.maximum(total, 1)
        kept = np.maximum(count - order.discount, 0) / safe
        return np.where(heard, kept + order.discount * kinds / safe * below, below)


def _codes(pieces: Sequence[np.ndarray], n: int, symbols: int) -> Ints:
    """Every run of n symbols as one number."""
    columns = (piece[:, 0].astype(np.int64) for piece in pieces)
    return np.concatenate([_runs(column, n, symbols) for column in columns if len(column) >= n])


def _ending(pieces: Sequence[np.ndarray], n: int, symbols: int) -> Ints:
    """For every symbol but the first of a piece the run of n that ends there; -1 if too short."""
    out = []
    for piece in pieces:
        codes = _runs(piece[:, 0].astype(np.int64), n, symbols)
        missing = max(len(piece) - 1 - len(codes), 0)
        out.append(
            np.concatenate([np.full(missing, -1), codes[max(len(codes) - len(piece) + 1, 0) :]])
        )
    return np.concatenate(out)


def _runs(column: Ints, n: int, symbols: int) -> Ints:
    if len(column) < n:
        return np.zeros(0, np.int64)
    powers = symbols ** np.arange(n - 1, -1, -1, dtype=np.int64)
    return np.lib.stride_tricks.sliding_window_view(column, n) @ powers


def _counted(codes: Ints) -> tuple[Ints, Ints]:
    grams, counts = np.unique(codes, return_counts=True)
    return grams, counts.astype(np.int64)


def _order(grams: Ints, counts: Ints, symbols: int) -> _Order:
    contexts, first = np.unique(grams // symbols, return_index=True)
    kinds = np.diff(np.append(first, len(grams)))
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    # Where nothing was heard but once, something is still kept for what was never heard.
    discount = max(once / (once + 2 * twice) if once else 0.0, _LEAST)
    return _Order(grams, counts, contexts, np.add.reduceat(counts, first), kinds, discount)


def _looked_up(known: Ints, values: Ints, wanted: Ints) -> Ints:
    """The value of each code, 0 for one that was not heard."""
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, values[place], 0)
