"""A grammar over kinds of symbols: which kind may follow which, in one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Column

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class KindGrammar:
    """Masks for an encoding of one column whose blocks are its kinds; see `base.Grammar`.

    `follows` says for each block which blocks may come next, and for "" which may come first.
    """

    column: Column
    follows: Mapping[str, tuple[str, ...]]

    @cached_property
    def _names(self) -> list[str]:
        return [block.name for block in self.column.blocks]

    @cached_property
    def _table(self) -> NDArray[np.bool_]:
        """Shape (kinds + 1, size): the symbols that may follow each kind; the last row: first."""
        kind = np.repeat(self._names, [block.size for block in self.column.blocks])
        return np.stack([np.isin(kind, self.follows[name]) for name in [*self._names, ""]])

    def start(self, batch: int) -> Ints:
        """Nothing has come yet."""
        return np.full((batch, 1), len(self._names))

    def allowed(self, column: int, chosen: Ints, state: Ints) -> NDArray[np.bool_]:
        """Shape (batch, size of the column)."""
        return self._table[state[:, 0]]

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The kind of the row that came."""
        bounds = np.cumsum([block.size for block in self.column.blocks])
        return np.searchsorted(bounds, rows, side="right").astype(np.int64)
