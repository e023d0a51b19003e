"""Recurrent layers as Keras has them: one bias, forget gate open, orthogonal recurrence."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LSTM(nn.LSTM):
    """One LSTM layer, batch first, with Keras's initial weights.

    torch.nn.LSTM adds two biases where one is enough; with `single_bias` the second is zero and
    frozen, so that the count is Keras's 4(h(i+h)+h).
    """

    weight_ih_l0: nn.Parameter
    weight_hh_l0: nn.Parameter
    bias_ih_l0: nn.Parameter
    bias_hh_l0: nn.Parameter

    def __init__(self, inputs: int, hidden: int, *, single_bias: bool = True) -> None:
        super().__init__(inputs, hidden, batch_first=True)
        with torch.no_grad():
            nn.init.xavier_uniform_(self.weight_ih_l0)
            nn.init.orthogonal_(self.weight_hh_l0)
            self.bias_ih_l0.zero_()
            self.bias_hh_l0.zero_()
            self.bias_ih_l0[hidden : 2 * hidden] = 1.0  # gates: input, forget, cell, output
        self.bias_hh_l0.requires_grad_(not single_bias)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One time step in plain matrix products, which export and quantise well.

        `x` (B, inputs), `h` and `c` (B, hidden); gives the new `h` and `c`.
        """
        gates = nn.functional.linear(x, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0)
        i, f, g, o = (gates + h @ self.weight_hh_l0.T).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
