"""What the numbers behind music are worth: how many matter, and how alike is what they make.

Letters: B segments, Z latents.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

ACTIVE = 0.01
"""The variance over which a latent counts as active."""


def active_units(means: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which latents are in use: shape (Z,), from posterior means of B pieces, shape (B, Z).

    A latent that tells pieces apart has a mean that differs from one to another; one that has
    collapsed has the prior's whatever it is shown. Source: Burda, Grosse and Salakhutdinov,
    "Importance weighted autoencoders", ICLR 2016. ValueError for fewer than two pieces.
    """
    if means.ndim != 2 or len(means) < 2:
        raise ValueError(f"means have shape (pieces, latents), 2 or more; these {means.shape}.")
    return np.asarray(means.astype(np.float64).var(axis=0) > ACTIVE)


def f1(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """The harmonic mean of precision and recall of `found` cells, of any one shape; 1 if none."""
    both, either = int((found & wanted).sum()), int(found.sum()) + int(wanted.sum())
    return 2 * both / either if either else 1.0


def jaccard(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """The cells that both have among those that either has, of any one shape; 1 if none."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0


def mean_jaccard(rolls: Sequence[NDArray[np.bool_]]) -> float:
    """The mean over all pairs of rolls of one shape; ValueError for fewer than two."""
    if len(rolls) < 2:
        raise ValueError(f"a pair needs two rolls; {len(rolls)} came.")
    return float(np.mean([jaccard(one, other) for one, other in combinations(rolls, 2)]))
