"""LSTMs over a picture of a piece that foretell the row after a window, as brightnesses.

Notable: a row goes in as 128 numbers, velocity / 127, and comes out as 128 numbers through a ReLU,
learned by mean absolute error: a regression, to which most of a picture is black. Played on row
after row by its own output it is known to fall silent or to blow up. Source:
jonathangehmayr/Music-Generation (the AAA system, seed S4).

A regression has no likelihood. `Outcomes` keeps what came in training where a number was foretold;
that table scores held-out music in nats, and draws.

In: (B, T, C) velocities. Features: (B, hidden) of the row after the window.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from segue.models.densities import discretised
from segue.models.frames import WindowedFrames
from segue.models.recurrent import LSTM
from segue.models.windowed import linear


class ImageLSTM(WindowedFrames):
    """`layers` LSTMs of `hidden` units with dropout between, and a ReLU unit a column.

    Args:
        hidden: units of each LSTM.
        layers: how many.
        dropout: share dropped between two of them.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 1024,
        layers: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(sizes, window)
        widths = (len(sizes), *([hidden] * layers))
        self.layers = nn.ModuleList(LSTM(i, h) for i, h in pairwise(widths))
        self.dropout = nn.Dropout(dropout)
        self.dense = linear(hidden, len(sizes))
        self.outcomes = Outcomes(sizes[0])

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) velocities to (B, hidden)."""
        x = self._brightness(rows)
        for k, layer in enumerate(self.layers):
            x, _ = layer(self.dropout(x) if k else x)
        return x[:, -1]

    def brightness(self, features: Tensor) -> Tensor:
        """(..., hidden) to (..., C) numbers, of which 1 is the loudest velocity."""
        return torch.relu(self.dense(features))

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., hidden) to (..., C, V) log-probabilities; `row` is not looked at."""
        symbols: Tensor = self.outcomes(self.brightness(features) * (self.sizes[0] - 1))
        return symbols

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """The mean absolute error over a row's columns, summed over rows."""
        told = self.brightness(self.features(rows))[mask]
        wanted = targets[mask].long()
        if self.training:
            self.outcomes.track(told * (self.sizes[0] - 1), wanted)
        return (told - self._brightness(wanted)).abs().mean(dim=-1).sum()

    def _brightness(self, symbols: Tensor) -> Tensor:
        return symbols.to(self.dense.weight.dtype) / (self.sizes[0] - 1)


class Outcomes(nn.Module):
    """What came where a number was foretold: a table of counts, tracked in training.

    A density round the prediction will not do where most targets are 0: a cell foretold a little
    over 0 nearly always comes out 0, and now and then as anything. Where few counts are, they are
    outweighed by `TRUST` targets spread half round the prediction, half as all targets are.

    In: numbers from 0 to V - 1, or over. Out: log-probabilities of the V symbols. Between two whole
    numbers they go evenly from those of the one to those of the other.
    """

    TRUST = 8.0
    WIDTH = 8.0
    """Mean distance from the prediction of what is spread round it."""
    DECAY = 0.998
    """What is left of a count after each step: those of early steps are of another net."""

    counts: Tensor
    near: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        values = torch.arange(size, dtype=torch.get_default_dtype())
        near = discretised(values, values, self.WIDTH, "laplace").exp()
        self.register_buffer("near", near, persistent=False)
        self.register_buffer("counts", torch.zeros(size, size))

    @torch.no_grad()
    def track(self, told: Tensor, symbols: Tensor) -> None:
        """Take in a step's predictions and the symbols that came, of one shape."""
        size = len(self.counts)
        pair = told.detach().round().clamp(0, size - 1).long() * size + symbols
        new = torch.bincount(pair.flatten(), minlength=size * size)
        self.counts.mul_(self.DECAY).add_(new.view(size, size))

    def table(self) -> Tensor:
        """(V, V) log-probabilities of each symbol, where each whole number was foretold."""
        size = len(self.counts)
        overall = self.counts.sum(dim=0)
        overall = (overall + 1 / size) / (overall.sum() + 1)
        supposed = (self.near + overall) / 2
        total = self.counts.sum(dim=1, keepdim=True)
        return ((self.counts + self.TRUST * supposed) / (total + self.TRUST)).log()

    def forward(self, told: Tensor) -> Tensor:
        """(...) predictions to (..., V) log-probabilities."""
        table, below, share = self.table(), *self._place(told)
        mixed = table[below] * (1 - share[..., None]) + table[below + 1] * share[..., None]
        return torch.log_softmax(mixed, dim=-1)

    def _place(self, told: Tensor) -> tuple[Tensor, Tensor]:
        """The whole number below each prediction, not the last, and how far it is beyond."""
        top = len(self.counts) - 1
        kept = told.clamp(0, top)
        below = kept.floor().clamp(max=top - 1)
        return below.long(), kept - below
