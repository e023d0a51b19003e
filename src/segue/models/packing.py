"""Pieces in one window, kept apart for models that carry a state from row to row.

Between two pieces stands one step more, at which the state is made zero, so that a window is read
in one go whatever it holds. Letters: B batch, T rows, K the most boundaries in a window.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Apart:
    """Where the rows of windows with `segments`, (B, T), stand once they are set apart."""

    def __init__(self, segments: Tensor) -> None:
        begins = torch.zeros_like(segments, dtype=torch.long)
        begins[:, 1:] = segments[:, 1:] != segments[:, :-1]
        steps = torch.arange(segments.shape[1], device=segments.device)
        self.places = steps + begins.cumsum(dim=1)
        more = int(begins.sum(dim=1).max())
        resets = begins.new_ones(len(begins), segments.shape[1] + more, dtype=torch.bool)
        self.resets = resets.scatter(1, self.places, False)
        """(B, T + K): the steps at which no row stands."""
        first = torch.arange(len(begins), device=segments.device) * self.resets.shape[1]
        self._rows = (first[:, None] + self.places).flatten()

    def spread(self, x: Tensor) -> Tensor:
        """(B, T, H) features as (B, T + K, H), 0 where no row stands."""
        apart = x.new_zeros(self.resets.numel(), x.shape[-1])
        return apart.index_copy(0, self._rows, x.flatten(0, 1)).view(*self.resets.shape, -1)

    def gathered(self, x: Tensor) -> Tensor:
        """(B, T + K, H) features back to those of the rows, (B, T, H)."""
        return x.flatten(0, 1).index_select(0, self._rows).view(*self.places.shape, -1)
