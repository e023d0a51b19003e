"""Which NES events may follow: `<S>` only first, and numbers that their type has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class NesGrammar:
    """Masks for `NesEvents`; see `segue.encodings.base.Grammar`.

    `start_symbol` is that of `<S>`, None where events are split into three columns; `numbers` holds
    each type's first number and the one past its last, waits before all.
    """

    sizes: tuple[int, ...]
    start_symbol: int | None
    numbers: tuple[tuple[int, int], ...]

    def start(self, batch: int) -> Ints:
        """Nothing has come yet."""
        return np.zeros((batch, 1), np.int64)

    def allowed(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Shape (batch, size of `column`)."""
        symbols = np.arange(self.sizes[column])
        mask = np.ones((len(state), len(symbols)), bool)
        if self.start_symbol is not None:
            mask[:] = (symbols == self.start_symbol) != (state == 1)
            return mask
        if column == 0:
            return mask
        kind = chosen[:, 0]
        waiting = kind == 0
        if column == 2:
            return waiting[:, None] | (symbols == 0)
        low, high = np.array([(0, 1), *self.numbers[1:], (0, 1)])[kind].T
        return np.asarray((symbols >= low[:, None]) & (symbols < high[:, None]))

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more row a piece."""
        return np.ones_like(state)
