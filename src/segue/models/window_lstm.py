"""The stacked LSTM of the seeds: a window of symbols in, the one after it out.

Notable: the symbol enters as one number, index / V, not as an embedding, so neighbours in the
sorted vocabulary look alike to the net; every prediction reads its whole window again from a zero
state; there is one target a window. With the sizes of `skuldur-2017` the layers and counts are
those of the original (Skuldur/Classical-Piano-Composer, 2017): at V = 352, 5,472,864 parameters.

In: (B, T, 1) symbols. Features: (B, dense) of the row after the window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.recurrent import LSTM


class WindowLSTM(SequenceModel):
    """LSTM layers of the `hidden` sizes with dropout between, a linear layer, dropout, softmax."""

    many_to_one = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: tuple[int, ...] = (512, 512, 512),
        dropout: float = 0.3,
        dense: int = 256,
    ) -> None:
        super().__init__(sizes, window)
        if len(sizes) != 1:
            raise ValueError(f"window-lstm reads one column; the encoding has {len(sizes)}.")
        inputs = (1, *hidden[:-1])
        self.layers = nn.ModuleList(LSTM(i, h) for i, h in zip(inputs, hidden, strict=True))
        self.dropouts = nn.ModuleList(nn.Dropout(dropout) for _ in hidden[:-1])
        self.dense = nn.Linear(hidden[-1], dense)
        self.dense_dropout = nn.Dropout(dropout)
        self.out = nn.Linear(dense, sizes[0])
        for layer in (self.dense, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols to (B, dense)."""
        x = rows.to(self.dense.weight.dtype) / self.sizes[0]
        for i, layer in enumerate(self.layers):
            x, _ = layer(x)
            if i < len(self.dropouts):
                x = self.dropouts[i](x)
        features: Tensor = self.dense_dropout(self.dense(x[:, -1]))
        return features

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., dense) to one tuple of (..., V) logits; `row` is not needed for one column."""
        return (self.out(features),)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """A window of symbol 0: callers fill it with `window` rows before they trust it."""
        return (torch.zeros(batch, self.window, 1, dtype=torch.long),)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Slide the window by one row and read it all."""
        window = torch.cat([state[0][:, 1:], row[:, None, :]], dim=1)
        return self.features(window), window
