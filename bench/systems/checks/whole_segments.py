"""Held-out segments side by side, those that are whole, for models that make segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from bench.systems.case import Case
from numpy.typing import NDArray

MOST = 1024
_AT_ONCE = 64


def whole_segments(case: Case) -> NDArray[Any]:
    """Rows of training windows, (B, T, C), `MOST` at most, evenly spread."""
    from segue.training.stream import HeldOut, windows_of

    windows = windows_of(case.corpus, case.recipe, case.held_out, _AT_ONCE, 1)
    return np.concatenate([b.rows[b.mask.all(1)].numpy() for b in HeldOut(windows, MOST)])
