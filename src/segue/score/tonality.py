"""Which key music is in, by how long each pitch class sounds.

Keys are numbered 0 to 11 for major ones on C, C sharp and up, 12 to 23 for minor ones. Source: the
profiles of what listeners expect of a key, Krumhansl and Kessler (1982).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
KEYS = 24


def profiles(major: Sequence[float], minor: Sequence[float]) -> Floats:
    """Shape (24, 12): those of two modes on each pitch class, each with mean 0 and norm 1."""
    rows = np.stack([np.roll(p, root) for p in (major, minor) for root in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


PROFILES = profiles(_MAJOR, _MINOR)


def fits(chroma: Floats) -> Floats:
    """How well each row of chroma, (..., 12), correlates with each key, (..., 24); 0 if flat."""
    centred = chroma - chroma.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.asarray((centred / np.where(norm > 0, norm, 1)) @ PROFILES.T)
