"""LSTMs with attention over all frames so far, by turns, for every next frame of a roll.

Notable: as in the DTU system (seed S1) attention is a softmax over time of one number a step, times
the LSTM's outputs; but it is taken at every step over the steps up to it, so that every frame of a
window is learned and none sees the future. Each head forgets at a rate of its own, from a few
frames to many seconds, which keeps what was heard long ago from drowning what is heard now, and
makes playing cost the same at every frame: sums are carried on. `chords` tells a frame.

In: (B, T, C) cells: 0 silent, 1 struck, 2 held. Features: (B, T, C, F) of columns.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from segue.models.chords import STRUCK, Chords
from segue.models.frames import ChainedFrames
from segue.models.recurrent import LSTM
from segue.models.windowed import linear


class RollAttention(ChainedFrames):
    """`layers` of LSTM, fading attention and a linear layer, each added to what it reads.

    Args:
        hidden: units of every layer.
        layers: how many.
        heads: parts of a layer's units that forget at rates of their own.
        units: of the chain along a chord.
        dropout: share dropped after each layer.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 256,
        layers: int = 2,
        heads: int = 8,
        units: int = 24,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(sizes, window)
        if set(sizes) != {3}:
            raise ValueError("roll-attention reads columns of three symbols: cells of both.")
        if hidden % heads:
            raise ValueError(f"hidden came as {hidden}; a multiple of heads, {heads}, is allowed.")
        self.hidden, self.rates = hidden, heads
        self.enter = linear(2 * len(sizes), hidden)
        self.lstms = nn.ModuleList(LSTM(hidden, hidden) for _ in range(layers))
        self.attentions = nn.ModuleList(FadingAttention(hidden, heads) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.chords = Chords(hidden, len(sizes), units=units)

    def _entered(self, rows: Tensor) -> Tensor:
        """(..., C) cells to (..., hidden)."""
        states = self.chords.states(rows)
        bits = torch.cat([states == STRUCK, states >= STRUCK], dim=-1)
        return torch.relu(self.enter(bits.to(self.enter.weight.dtype)))

    def heard(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells to (B, T, hidden)."""
        x = self._entered(rows)
        for lstm, attention, norm in zip(self.lstms, self.attentions, self.norms, strict=True):
            out, _ = lstm(x)
            x = norm(x + self.dropout(out + attention(out)))
        return x

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) cells to (B, T, C, F)."""
        return self.chords.of_columns(self.heard(rows), rows, self.chords.ages(rows))

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., C, F) and (..., C) the frame to predict to (..., C, 3) logits."""
        return self.chords.frame(features, row)

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of a frame, shape (1,)."""
        ages = self.chords.ages(rows)
        return self.chords.nats(self.heard(rows)[mask], rows[mask], ages[mask], targets[mask])

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Ages, and of each layer h, c, and the sums of its attention."""
        state = [self.chords.unheard(batch)]
        for _ in self.lstms:
            state += [torch.zeros(batch, self.hidden) for _ in range(3)]
            state.append(torch.zeros(batch, self.rates))
        return tuple(state)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one frame and the state to ((B, C, F), *new state)."""
        new = [self.chords.older(state[0], row)]
        x = self._entered(row)
        for k, norm in enumerate(self.norms):
            h, c, total, weight = state[1 + 4 * k : 5 + 4 * k]
            lstm, attention = self.lstms[k], self.attentions[k]
            assert isinstance(lstm, LSTM) and isinstance(attention, FadingAttention)
            h, c = lstm.step(x, h, c)
            drawn, total, weight = attention.step(h, total, weight)
            x = norm(x + h + drawn)
            new += [h, c, total, weight]
        return (self.chords.of_columns(x, row, new[0]), *new)

    def chain(self, batch: int) -> tuple[Tensor, ...]:
        """The chain of `chords`."""
        return self.chords.chain(batch)

    def link(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        """One column of `chords`."""
        return self.chords.link(features, below, *chain)


class FadingAttention(nn.Module):
    """A mean of all steps so far, weighted by exp(4 tanh(w . x_u)) and fading with distance.

    Each of `heads` parts of the features has weights and a rate of its own. Parameters are
    2 F + heads + heads for w and rates (F features), and F (F + 1) for the linear layer after.
    """

    SHARPEST = 4.0
    HALF_LIVES = (4.0, 512.0)
    """Steps after which a weight has halved, of the first and the last head at the start."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.score = linear(features, heads)
        self.out = linear(features, features)
        shortest, longest = (math.log(life) for life in self.HALF_LIVES)
        lives = torch.linspace(shortest, longest, heads).exp()
        self.fade = nn.Parameter((math.log(2) / lives).log())

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) to (B, T, F)."""
        length = x.shape[1]
        time = torch.arange(length, device=x.device)
        distance = time[:, None] - time
        scores = self._scores(x).transpose(1, 2)[:, :, None, :]
        scores = scores - self.fade.exp()[:, None, None] * distance
        weights = scores.masked_fill(distance < 0, float("-inf")).softmax(dim=-1)
        parts = x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)
        drawn: Tensor = self.out((weights @ parts).transpose(1, 2).flatten(2))
        return drawn

    def step(self, x: Tensor, total: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, F) one step, the weighted sum so far (B, F) and its weights' (B, heads)."""
        fresh, left = self._scores(x).exp(), torch.exp(-self.fade.exp())
        weight = weight * left + fresh
        shape = (*fresh.shape, x.shape[-1] // self.heads)
        parts = x.reshape(shape) * fresh[..., None]
        sums = total.reshape(shape) * left[:, None] + parts
        return self.out((sums / weight[..., None]).flatten(-2)), sums.flatten(-2), weight

    def _scores(self, x: Tensor) -> Tensor:
        return self.SHARPEST * torch.tanh(self.score(x))
