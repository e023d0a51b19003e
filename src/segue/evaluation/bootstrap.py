"""Confidence intervals by drawing pieces again: how far a number would move with other pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Callable[[NDArray[np.float64]], Any]


def interval(
    values: ArrayLike,
    statistic: Statistic = np.mean,
    *,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile bootstrap interval (low, high) of `statistic` over pieces.

    `values` has shape (pieces, ...), a piece a row: `statistic` gets that many rows, drawn with
    replacement, and gives one number (so a ratio of sums is drawn whole: rows of (nats, notes)).
    Pieces with a NaN do not count; without pieces both ends are NaN. The same seed gives the same
    interval. Source: Efron (1979). ValueError for a level outside (0, 1) or no draws.
    """
    if not 0 < level < 1 or draws < 1:
        raise ValueError(
            f"level {level} and {draws} draws came; 0 to 1, and 1 or more are allowed."
        )
    rows = np.asarray(values, np.float64)
    rows = rows[~np.isnan(rows.reshape(len(rows), -1)).any(axis=1)] if len(rows) else rows
    if not len(rows):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, len(rows), (draws, len(rows)))
    drawn = np.array([float(statistic(rows[pick])) for pick in picked])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
