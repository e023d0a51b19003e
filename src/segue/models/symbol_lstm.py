"""Stacked LSTMs over one column of symbols, each entering as a one-hot vector.

Notable: no embedding, no layer between the last LSTM and the softmax; the loss is taken at every
row; input weights are drawn as an embedding's. Three layers of 512 are Performance RNN with
dynamics (Simon and Oore, 2017), 6,242,692 parameters at its 388 events; two, with dropout, are
Choi's text LSTM (Choi et al., "Text-based LSTM networks for automatic music composition", 2016),
6,376,684 at 1,260 words, 3,249,703 at 39 characters.

In: (B, T, 1) symbols. Features: (B, T, last of hidden).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.packing import Apart
from segue.models.recurrent import LSTM
from segue.models.windowed import linear


class SymbolLSTM(SequenceModel):
    """LSTM layers of the `hidden` sizes, each with `dropout` after it, and a softmax."""

    packs = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: tuple[int, ...] = (512, 512, 512),
        dropout: float = 0.0,
    ) -> None:
        super().__init__(sizes, window)
        if len(sizes) != 1:
            raise ValueError(f"symbol-lstm reads one column; the encoding has {len(sizes)}.")
        inputs = (sizes[0], *hidden[:-1])
        self.layers = nn.ModuleList(LSTM(i, h) for i, h in zip(inputs, hidden, strict=True))
        self.dropout = nn.Dropout(dropout)
        self.out = linear(hidden[-1], sizes[0])
        first = self.layers[0]
        assert isinstance(first, LSTM)
        # Glorot's draw is for inputs that are all in use; of one-hot inputs one is, and learning
        # stays at how often each symbol occurs for hundreds of steps.
        nn.init.normal_(first.weight_ih_l0)

    def _one_hot(self, rows: Tensor) -> Tensor:
        """(..., 1) symbols to (..., V)."""
        symbols = torch.arange(self.sizes[0], device=rows.device)
        return (rows == symbols).to(self.out.weight.dtype)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols to (B, T, H), from a zero state."""
        x = self._one_hot(rows)
        for layer in self.layers:
            x, _ = layer(x)
            x = self.dropout(x)
        return x

    def packed_features(self, rows: Tensor, segments: Tensor) -> Tensor:
        """The same, from a zero state at each piece."""
        apart = Apart(segments)
        x = apart.spread(self._one_hot(rows))
        for layer in self.layers:
            assert isinstance(layer, LSTM)
            x = self.dropout(layer.forgetting(x, apart.resets))
        return apart.gathered(x)

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H) to one tuple of (..., V) logits; `row` is not needed for one column."""
        return (self.out(features),)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Zero h and c of every layer, (B, hidden) each."""
        widths = [layer.hidden_size for layer in self.layers if isinstance(layer, LSTM)]
        return tuple(torch.zeros(batch, width) for width in widths for _ in range(2))

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, 1) one row; state h0, c0, h1, c1, ..."""
        x = row[:, 0]
        new: list[Tensor] = []
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, LSTM)
            step = layer.step if i else layer.step_from
            x, c = step(x, state[2 * i], state[2 * i + 1])
            new += [x, c]
        return (x, *new)
