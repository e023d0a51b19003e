"""The plain recurrent net over frames of a roll: the one that every other is measured against.

Notable: nothing but a recurrent layer or two between a frame and the keys of the next; whole masks
of units are dropped for a window (Gal and Ghahramani, 2016), and a layer above the first adds to
what it reads. Source: the recurrent baselines of Boulanger-Lewandowski et al. (ICML 2012) and of
Bai, Kolter and Koltun (2018).

In: (B, T, C) cells, 0 silent and 1 sounding. Features: (B, T, H). Letters as in `frames`.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from segue.models.frames import FrameModel, two_way
from segue.models.gru import GRU
from segue.models.recurrent import LSTM

_RARELY = -3.0
"""The first bias of what sounds: one key in twenty. Even odds would cost 61 nats a frame."""


class FrameRNN(FrameModel):
    """`layers` recurrent layers of `hidden` units, then the odds of each key of the next frame.

    Args:
        cell: "lstm" or "gru".
        hidden: units of each layer.
        layers: number of layers, with residual connections above the first.
        dropout: share of units dropped after each layer, the same ones for a whole window.
        drop_keys: share of keys of the frames read that are dropped, others at each frame.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        cell: Literal["lstm", "gru"] = "lstm",
        hidden: int = 200,
        layers: int = 1,
        dropout: float = 0.3,
        drop_keys: float = 0.0,
    ) -> None:
        super().__init__(sizes, window)
        if set(sizes) != {2}:
            raise ValueError("frame-rnn reads a roll with `cells` of sustained: two symbols a key.")
        if cell not in ("lstm", "gru"):
            raise ValueError(f'cell came as {cell!r}; it is "lstm" or "gru".')
        self.hidden, self.dropout = hidden, dropout
        kind = {"lstm": LSTM, "gru": GRU}[cell]
        self.layers = nn.ModuleList(kind(i, hidden) for i in (len(sizes), *[hidden] * (layers - 1)))
        self.drop_keys = nn.Dropout(drop_keys)
        self.out = nn.Linear(hidden, len(sizes))
        nn.init.constant_(self.out.bias, _RARELY)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells to (B, T, H)."""
        return self.read(rows, *self.start(len(rows)))[0]

    def read(self, rows: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, T, C) cells and the state before them to ((B, T, H), *the state after them)."""
        x = self.drop_keys(rows.to(self.out.weight.dtype))
        after: list[Tensor] = []
        before = iter(state)
        for i, layer in enumerate(self.layers):
            h = next(before)[None]
            if isinstance(layer, LSTM):
                out, (h, c) = layer(x, (h, next(before)[None]))
                after += [h[0], c[0]]
            else:
                out, h = layer(x, h)
                after.append(h[0])
            x = self._dropped(out) + (x if i else 0.0)
        return (x, *after)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Zeros, (B, H): h of each layer, and c of an LSTM's."""
        count = sum(2 if isinstance(layer, LSTM) else 1 for layer in self.layers)
        return tuple(torch.zeros(batch, self.hidden) for _ in range(count))

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one frame and the state to ((B, H), *state)."""
        x = row.to(self.out.weight.dtype)
        after: list[Tensor] = []
        before = iter(state)
        for i, layer in enumerate(self.layers):
            if isinstance(layer, LSTM):
                out, c = layer.step(x, next(before), next(before))
                after += [out, c]
            else:
                assert isinstance(layer, GRU)
                out = layer.step(x, next(before))
                after.append(out)
            x = out + x if i else out
        return (x, *after)

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., H) to (..., C, 2)."""
        return two_way(self.out(features))

    def _dropped(self, x: Tensor) -> Tensor:
        if not (self.training and self.dropout):
            return x
        return x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[-1]), self.dropout)
