"""What the seeds' window models share: how a symbol enters, and how a window slides.

The symbol enters as one number, index / V, not as an embedding, so neighbours in the sorted
vocabulary look alike to the net. Every prediction reads its whole window again from a zero state,
and there is one target a window. Source: Skuldur/Classical-Piano-Composer, 2017 and after.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel


class Windowed(SequenceModel):
    """A model of the row after a window of one column; `features` is what each adds."""

    many_to_one = True
    out: nn.Module
    """From features to V logits."""

    def __init__(self, sizes: tuple[int, ...], window: int) -> None:
        super().__init__(sizes, window)
        if len(sizes) != 1:
            raise ValueError(f"a window model reads one column; the encoding has {len(sizes)}.")

    def scaled(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols to (B, T, 1) numbers from 0 to 1."""
        return rows.to(torch.get_default_dtype()) / self.sizes[0]

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H) to one tuple of (..., V) logits; `row` is not needed for one column."""
        return (self.out(features),)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """A window of symbol 0: callers fill it with `window` rows before they trust it."""
        return (torch.zeros(batch, self.window, 1, dtype=torch.long),)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Slide the window by one row and read it all."""
        window = torch.cat([state[0][:, 1:], row[:, None, :]], dim=1)
        return self.features(window), window


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer with Keras's initial weights (Glorot uniform, no bias)."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def batch_norm(features: int) -> nn.BatchNorm1d:
    """Batch normalisation with Keras's constants."""
    return nn.BatchNorm1d(features, eps=1e-3, momentum=0.01)
