"""A GRU layer whose single steps are plain matrix products, with torch's two biases.

Letters: B batch, T steps, I inputs, H hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GRU(nn.GRU):
    """One GRU layer, batch first."""

    weight_ih_l0: nn.Parameter
    weight_hh_l0: nn.Parameter
    bias_ih_l0: nn.Parameter
    bias_hh_l0: nn.Parameter

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, batch_first=True)

    def step(self, x: Tensor, h: Tensor) -> Tensor:
        """One time step, which exports and quantises well: (B, I) and (B, H) to the new (B, H)."""
        into = nn.functional.linear(x, self.weight_ih_l0, self.bias_ih_l0)
        back = nn.functional.linear(h, self.weight_hh_l0, self.bias_hh_l0)
        reset_in, update_in, new_in = into.chunk(3, dim=-1)
        reset_back, update_back, new_back = back.chunk(3, dim=-1)
        update = torch.sigmoid(update_in + update_back)
        new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_back) * new_back)
        return new + update * (h - new)
