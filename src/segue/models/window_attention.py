"""A bidirectional LSTM, additive self-attention over the window, and a second LSTM.

Notable: every position attends to every other, before and after it, which is no cheating: the
target lies behind the window. What scores the pairs may pass a ReLU or a sigmoid before the
softmax, as in LUISS's models 3 and 3b; either flattens it. Their last layer has a ReLU before its
softmax too, which `relu_out` keeps. At V = 352 the count is theirs, 392,097. `windowed` tells how
symbols enter.

In: (B, T, 1) symbols. Features: (B, hidden) of the row after the window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.errors import nearest
from segue.models.recurrent import LSTM, BiLSTM
from segue.models.windowed import Windowed, linear

ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}


class WindowAttention(Windowed):
    """BiLSTM, self-attention, dropout, LSTM, dropout, softmax; all of `hidden` units.

    Args:
        hidden: units from each end in the first layer, and of the second.
        attention_units: U, width of the net that scores a pair of positions.
        activation: what the scores pass before their softmax: none, relu or sigmoid.
        dropout: shares dropped after the attention and after the second LSTM.
        relu_out: the logits pass a ReLU.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        hidden: int = 128,
        attention_units: int = 32,
        activation: str = "none",
        dropout: tuple[float, float] = (0.5, 0.5),
        relu_out: bool = False,
    ) -> None:
        super().__init__(sizes, window)
        self.first = BiLSTM(1, hidden)
        self.attention = SelfAttention(2 * hidden, attention_units, activation)
        self.attention_dropout = nn.Dropout(dropout[0])
        self.second = LSTM(2 * hidden, hidden)
        self.dropout = nn.Dropout(dropout[1])
        out = linear(hidden, sizes[0])
        self.out = nn.Sequential(out, nn.ReLU()) if relu_out else out

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) symbols to (B, hidden)."""
        x, _ = self.first(self.scaled(rows))
        x, _ = self.second(self.attention_dropout(self.attention(x)))
        features: Tensor = self.dropout(x[:, -1])
        return features


class SelfAttention(nn.Module):
    """Additive self-attention: position t becomes a mean of all positions u, weighted by

        softmax over u of activation(w . tanh(x_t A + x_u B + b) + c)

    Parameters are 2 F U + 2 U + 1 for F features and U units. Source: Zheng et al., "OpenTag",
    2018, as CyberZHG/keras-self-attention has it.

    In and out: (B, T, F). Raises ValueError for an unknown activation.
    """

    def __init__(self, features: int, units: int = 32, activation: str = "none") -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"there is no activation {activation!r}; {nearest(activation, ACTIVATIONS)}."
            )
        self.here = nn.Parameter(torch.empty(features, units))
        self.there = nn.Parameter(torch.empty(features, units))
        self.pair_bias = nn.Parameter(torch.zeros(units))
        self.score = nn.Parameter(torch.empty(units, 1))
        self.score_bias = nn.Parameter(torch.zeros(1))
        self.activation = ACTIVATIONS[activation]()
        for weight in (self.here, self.there, self.score):
            nn.init.xavier_normal_(weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) to (B, T, F)."""
        return torch.bmm(self.weights(x), x)

    def weights(self, x: Tensor) -> Tensor:
        """(B, T, F) to (B, T, T): how much each position takes of each, rows of sum 1."""
        pairs = (x @ self.here)[:, :, None] + (x @ self.there)[:, None] + self.pair_bias
        scores = (torch.tanh(pairs) @ self.score)[..., 0] + self.score_bias
        return torch.softmax(self.activation(scores), dim=-1)
