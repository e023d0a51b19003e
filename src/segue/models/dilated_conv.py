"""Dilated causal convolutions over rows: WaveNet's idea, for notes instead of samples.

Notable: layer i looks one step back of 2^i rows, so that a stack of n layers hears 2^n rows at
the cost of n; gated activations, residual and skip paths; no recurrence, so training sees a
window's rows at once, while playing keeps each layer's last 2^i inputs and computes one row. The
columns of a row are embedded and added, and predicted one after another. Source: van den Oord et
al., "WaveNet: A generative model for raw audio", 2016.

In: (B, T, C) rows. Features: (B, T, width).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.chained import chained_logits


class DilatedConv(SequenceModel):
    """`stacks` stacks of `layers` convolutions with dilations 1, 2, 4, ...

    Args:
        width: features of a row.
        layers: convolutions in a stack; it hears 2 ** layers rows.
        stacks: stacks one on the other.
        dropout: share of features dropped after the embedding and before the heads.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        width: int = 128,
        layers: int = 8,
        stacks: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        self.width = width
        self.embeddings = nn.ModuleList(nn.Embedding(v, width) for v in sizes)
        self.layers = nn.ModuleList(
            Layer(width, 2**i) for _ in range(stacks) for i in range(layers)
        )
        self.after = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.chosen = nn.ModuleList(nn.Embedding(v, width) for v in sizes[:-1])
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(width, v) for v in sizes)
        for each in (*self.embeddings, *self.chosen):
            nn.init.normal_(each.weight, std=0.1)

    @property
    def hears(self) -> int:
        """How many rows decide the next one."""
        return 1 + sum(layer.dilation for layer in self.layers if isinstance(layer, Layer))

    def _embed(self, rows: Tensor) -> Tensor:
        embedded: Tensor = self.embeddings[0](rows[..., 0])
        for k in range(1, len(self.sizes)):
            embedded = embedded + self.embeddings[k](rows[..., k])
        return embedded

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to (B, T, width); silence comes before the first."""
        x = self.dropout(self._embed(rows)).transpose(1, 2)
        skips = torch.zeros_like(x)
        for layer in self.layers:
            x, skip = layer(x)
            skips = skips + skip
        features: Tensor = self.after(skips.transpose(1, 2))
        return features

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., width) and the row to predict to C logits (..., V_k)."""
        return chained_logits(self.dropout(features), row, self.mix, self.out, self.chosen)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Each layer's last inputs, (B, dilation, width), all silence."""
        dilations = [layer.dilation for layer in self.layers if isinstance(layer, Layer)]
        return tuple(torch.zeros(batch, d, self.width) for d in dilations)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row; each layer's oldest input leaves its queue and the newest enters."""
        x = self._embed(row)
        skips = torch.zeros_like(x)
        queues = []
        for layer, queue in zip(self.layers, state, strict=True):
            assert isinstance(layer, Layer)
            queues.append(torch.cat([queue[:, 1:], x[:, None]], dim=1))
            x, skip = layer.step(x, queue[:, 0])
            skips = skips + skip
        return (self.after(skips), *queues)


class Layer(nn.Module):
    """A gated convolution of two taps, `dilation` rows apart, beside a residual path."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.gated = nn.Conv1d(width, 2 * width, kernel_size=2, dilation=dilation)
        self.mixed = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, T) to the next layer's (B, D, T) and what skips the layers above, alike."""
        signal, gate = self.gated(nn.functional.pad(x, (self.dilation, 0))).chunk(2, dim=1)
        gated = torch.tanh(signal) * torch.sigmoid(gate)
        onward, skip = self.mixed(gated.transpose(1, 2)).transpose(1, 2).chunk(2, dim=1)
        return x + onward, skip

    def step(self, x: Tensor, earlier: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D) this row's input and that of `dilation` rows before; both outputs, (B, D)."""
        weight = self.gated.weight
        both = nn.functional.linear(x, weight[..., 1], self.gated.bias) + earlier @ weight[..., 0].T
        signal, gate = both.chunk(2, dim=-1)
        onward, skip = self.mixed(torch.tanh(signal) * torch.sigmoid(gate)).chunk(2, dim=-1)
        return x + onward, skip
