"""A deep stack of LSTMs and attention over a window of a roll, for the one frame after it.

Notable: attention here weighs a layer's own outputs, each step by one number of a softmax over the
window, and passes all of them on, smaller; what follows is linear layers and batch normalisation.
A step of a window sees steps after it through that softmax, which is no cheating: the target lies
behind the window. Pitches are independent bits given the window. Source: the DTU system (seed S1),
whose layer sizes are lost; these are of the stack it cites (hedonistrh/bestekar), with a bit a
pitch for its softmax. With 128 pitches in and out the count is 8,031,362, as a Keras summary tells.

In: (B, T, C) bits. Features: (B, 128) of the frame after the window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.frames import WindowedFrames, two_way
from segue.models.recurrent import LSTM
from segue.models.windowed import batch_norm, linear

LEAK = 0.3
"""Keras's slope of a leaky ReLU below zero."""


class WindowRollAttention(WindowedFrames):
    """LSTM, attention, two linear layers; the same again, smaller; an LSTM and a bit a pitch.

    Args:
        hidden: units of the three LSTMs.
        dense: width of the linear layers after the first and after the second attention.
        dropout: shares dropped before the first and before the second pair of linear layers' end.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: tuple[int, int, int] = (1024, 512, 128),
        dense: tuple[int, int] = (512, 256),
        dropout: tuple[float, float] = (0.3, 0.22),
    ) -> None:
        super().__init__(sizes, window)
        if set(sizes) != {2}:
            raise ValueError("window-roll-attention reads columns of two symbols: a roll of bits.")
        first, second, last = hidden
        self.lstm_1 = LSTM(len(sizes), first)
        self.norm_1 = StepNorm(first)
        self.dropout_1 = nn.Dropout(dropout[0])
        self.attention_1 = WindowWeights(first)
        self.dense_1 = linear(first, dense[0])
        self.dense_2 = linear(dense[0], dense[0])
        self.norm_2 = StepNorm(dense[0])
        self.dropout_2 = nn.Dropout(dropout[1])
        self.lstm_2 = LSTM(dense[0], second)
        self.norm_3 = StepNorm(second)
        self.attention_2 = WindowWeights(second)
        self.dense_3 = linear(second, dense[1])
        self.dense_4 = linear(dense[1], dense[1])
        self.norm_4 = StepNorm(dense[1])
        self.lstm_3 = LSTM(dense[1], last)
        self.norm_5 = batch_norm(last)
        self.out = linear(last, len(sizes))
        self.leak = nn.LeakyReLU(LEAK)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) bits to (B, last)."""
        x, _ = self.lstm_1(rows.to(self.out.weight.dtype))
        x = self.dropout_1(self.norm_1(self.leak(x)))
        x = self.dense_2(self.dense_1(self.attention_1(x)))
        x = self.dropout_2(self.norm_2(self.leak(x)))
        x, _ = self.lstm_2(x)
        x = self.attention_2(self.norm_3(x))
        x = self.norm_4(self.dense_4(self.dense_3(x)))
        x, _ = self.lstm_3(x)
        features: Tensor = self.norm_5(x[:, -1])
        return features

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        """(..., last) to (..., C, 2) logits; `row` is not looked at."""
        return two_way(self.out(features))


class WindowWeights(nn.Module):
    """Each step of a window times its share of a softmax, over the window, of one tanh unit.

    Parameters are F + 1 for F features. In and out: (B, T, F).
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.score = linear(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) to (B, T, F)."""
        return x * torch.softmax(torch.tanh(self.score(x)), dim=1)


class StepNorm(nn.Module):
    """Batch normalisation of features over all steps of all windows. In and out: (B, T, F)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = batch_norm(features)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) to (B, T, F)."""
        normed: Tensor = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return normed
