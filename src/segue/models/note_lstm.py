"""An LSTM over rows of several columns, whose heads predict the columns one after another.

Notable: each column has its own embedding and they are added, so a row is one step however many
attributes a note has; the loss is taken at every row; head k sees the columns already chosen for
the row it predicts, so the columns are not sampled as if they were independent.

In: (B, T, C) rows. Features: (B, T, hidden).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.packing import Apart
from segue.models.recurrent import LSTM


class NoteLSTM(SequenceModel):
    """`layers` LSTM layers of `hidden` units over embedded rows, with chained heads.

    Args:
        embedding: width of each column's embedding.
        hidden: units of each LSTM layer.
        layers: number of LSTM layers, with residual connections above the first.
        dropout: share of features dropped before each layer and before the heads.
    """

    packs = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        embedding: int = 128,
        hidden: int = 256,
        layers: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(sizes, window)
        self.hidden = hidden
        self.embeddings = nn.ModuleList(nn.Embedding(v, embedding) for v in sizes)
        widths = (embedding, *[hidden] * (layers - 1))
        self.layers = nn.ModuleList(LSTM(i, hidden) for i in widths)
        self.dropout = nn.Dropout(dropout)
        self.chosen = nn.ModuleList(nn.Embedding(v, hidden) for v in sizes[:-1])
        self.mix = nn.ModuleList(nn.Linear(hidden, hidden) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(hidden, v) for v in sizes)
        for each in (*self.embeddings, *self.chosen):
            nn.init.normal_(each.weight, std=0.1)

    def _embed(self, rows: Tensor) -> Tensor:
        x = self.embeddings[0](rows[..., 0])
        for k in range(1, len(self.sizes)):
            x = x + self.embeddings[k](rows[..., k])
        embedded: Tensor = x
        return embedded

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to (B, T, hidden), from a zero state."""
        x = self._embed(rows)
        for i, layer in enumerate(self.layers):
            y, _ = layer(self.dropout(x))
            x = y + x if i else y
        return x

    def packed_features(self, rows: Tensor, segments: Tensor) -> Tensor:
        """The same, from a zero state at each piece."""
        apart = Apart(segments)
        x = apart.spread(self._embed(rows))
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, LSTM)
            y = layer.forgetting(self.dropout(x), apart.resets)
            x = y + x if i else y
        return apart.gathered(x)

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., hidden) and the row to predict to C logits (..., V_k)."""
        context = self.dropout(features)
        logits = []
        for k in range(len(self.sizes)):
            mixed = nn.functional.gelu(self.mix[k](context)) + context
            logits.append(self.out[k](mixed))
            if k < len(self.chosen):
                context = context + self.chosen[k](row[..., k])
        return tuple(logits)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Zero h and c of every layer, (B, hidden) each."""
        zeros = [torch.zeros(batch, self.hidden) for _ in range(2 * len(self.layers))]
        return tuple(zeros)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row; state h0, c0, h1, c1, ..."""
        x = self._embed(row)
        new: list[Tensor] = []
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, LSTM)
            h, c = layer.step(x, state[2 * i], state[2 * i + 1])
            new += [h, c]
            x = h + x if i else h
        return (x, *new)
