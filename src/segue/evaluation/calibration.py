"""Whether a model is as sure as it is right: reliability, and the expected calibration error.

A prediction has a confidence in [0, 1] and either came true or did not. Of a column of symbols
the prediction is the likeliest one; of a frame's cells it is that the cell sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 15
"""Equal parts of [0, 1], as in Guo et al. (2017)."""


@dataclass(frozen=True)
class Reliability:
    """Predictions by confidence: `table`, (BINS, 3), holds how many, the sum of their confidences,
    and how many came true."""

    table: Floats

    @classmethod
    def none(cls) -> Reliability:
        """Of no predictions."""
        return cls(np.zeros((BINS, 3)))

    @classmethod
    def of(cls, confidence: NDArray[Any], right: NDArray[np.bool_]) -> Reliability:
        """Of predictions of any one shape."""
        sure = np.asarray(confidence, np.float64).ravel()
        place = np.clip((sure * BINS).astype(np.int64), 0, BINS - 1)
        weights = (None, sure, right.ravel().astype(np.float64))
        return cls(np.stack([np.bincount(place, w, minlength=BINS) for w in weights], axis=1))

    def __add__(self, other: Reliability) -> Reliability:
        """Of both together."""
        return Reliability(self.table + other.table)

    @property
    def count(self) -> int:
        """How many predictions."""
        return int(self.table[:, 0].sum())

    @property
    def error(self) -> float:
        """The expected calibration error: how far share and confidence are apart, a prediction.

        0 for a model that is right as often as it is sure. Source: Guo, Pleiss, Sun and
        Weinberger, "On calibration of modern neural networks", ICML 2017. 0 for no predictions.
        """
        return float(np.abs(self.table[:, 1] - self.table[:, 2]).sum() / max(self.count, 1))

    def curve(self) -> tuple[Floats, Floats, Floats]:
        """Mean confidence, share that came true and count of each bin that holds a prediction."""
        held = self.table[self.table[:, 0] > 0]
        return held[:, 1] / held[:, 0], held[:, 2] / held[:, 0], held[:, 0]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        sure, right, count = (each.tolist() for each in self.curve())
        told = {"confidence": sure, "right": right, "count": [int(n) for n in count]}
        return {"error": self.error, "predictions": self.count, **told}


def together(each: Sequence[Reliability]) -> Reliability:
    """Of several sets of predictions as one."""
    return sum(each, Reliability.none())
