"""The grammar of encodings whose only rule is that START comes first and never again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class MarkGrammar:
    """Masks where symbol `first` of the first column opens a piece; see `base.Grammar`."""

    sizes: tuple[int, ...]
    first: int

    def start(self, batch: int) -> Ints:
        """Nothing has come yet."""
        return np.zeros((batch, 1), np.int64)

    def allowed(self, column: int, chosen: Ints, state: Ints) -> NDArray[np.bool_]:
        """Shape (batch, size of `column`): `first` before anything else, and only there."""
        mask = np.ones((len(state), self.sizes[column]), bool)
        if column == 0:
            mask[:] = (np.arange(self.sizes[0]) == self.first) != (state == 1)
        return mask

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more row a piece."""
        return np.ones_like(state)
