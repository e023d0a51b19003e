"""An LSTM or GRU over rows of several columns, whose heads predict them one after another.

Notable: each column has its own embedding and they are added, so a row is one step however many
attributes a note has; the loss is taken at every row; head k sees the columns already chosen for
the row it predicts, so the columns are not sampled as if they were independent.

In: (B, T, C) rows. Features: (B, T, hidden).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.errors import RecipeError
from segue.models.base import SequenceModel
from segue.models.chained import chained_logits
from segue.models.gru import GRU
from segue.models.packing import Apart
from segue.models.recurrent import LSTM

CELLS = {"lstm": LSTM, "gru": GRU}


class NoteLSTM(SequenceModel):
    """`layers` recurrent layers of `hidden` units over embedded rows, with chained heads.

    Args:
        embedding: width of each column's embedding.
        hidden: units of each layer.
        layers: number of layers, with residual connections above the first.
        dropout: share of features dropped before each layer and before the heads.
        cell: "lstm", or "gru", which has no gate that forgets all at once: pieces cannot share
            its windows.
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
        cell: str = "lstm",
    ) -> None:
        super().__init__(sizes, window)
        if cell not in CELLS:
            raise ValueError(f"cell came as {cell!r}; {' and '.join(CELLS)} are allowed.")
        self.hidden, self.cell = hidden, cell
        self.embeddings = nn.ModuleList(nn.Embedding(v, embedding) for v in sizes)
        widths = (embedding, *[hidden] * (layers - 1))
        self.layers = nn.ModuleList(CELLS[cell](i, hidden) for i in widths)
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
        """The same, from a zero state at each piece; RecipeError for GRUs."""
        if self.cell != "lstm":
            raise RecipeError(
                f"data.pack came as true with model.cell {self.cell!r}, which does not tell the "
                "pieces of a window apart: leave data.pack out."
            )
        apart = Apart(segments)
        x = apart.spread(self._embed(rows))
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, LSTM)
            y = layer.forgetting(self.dropout(x), apart.resets)
            x = y + x if i else y
        return apart.gathered(x)

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., hidden) and the row to predict to C logits (..., V_k)."""
        return chained_logits(self.dropout(features), row, self.mix, self.out, self.chosen)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Zero h of every layer, and c after it of an LSTM, (B, hidden) each."""
        each = 2 if self.cell == "lstm" else 1
        return tuple(torch.zeros(batch, self.hidden) for _ in range(each * len(self.layers)))

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row; state h0, c0, h1, c1, ..., or of GRUs h0, h1, ..."""
        x = self._embed(row)
        each = len(state) // len(self.layers)
        new: list[Tensor] = []
        for i, layer in enumerate(self.layers):
            own = state[each * i : each * (i + 1)]
            if isinstance(layer, LSTM):
                own = layer.step(x, *own)
            else:
                assert isinstance(layer, GRU)
                own = (layer.step(x, *own),)
            new += own
            x = own[0] + x if i else own[0]
        return (x, *new)
