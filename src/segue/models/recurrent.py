"""Recurrent layers as Keras has them: one bias, forget gate open, orthogonal recurrence.

Letters: B batch, T steps, I inputs, H hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Far below what a gate's other inputs can make up for.
_SHUT = -1e4


class LSTM(nn.LSTM):
    """One LSTM layer, batch first, with Keras's initial weights.

    torch.nn.LSTM adds two biases where one is enough; with `single_bias` the second is zero and
    frozen, so that the count is Keras's 4(h(i+h)+h). `recurrent_dropout` drops parts of the state
    on its way back into each gate, the same ones at every step of a sequence (Gal and Ghahramani,
    "A theoretically grounded application of dropout in recurrent neural networks", 2016).
    """

    weight_ih_l0: nn.Parameter
    weight_hh_l0: nn.Parameter
    bias_ih_l0: nn.Parameter
    bias_hh_l0: nn.Parameter

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        single_bias: bool = True,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__(inputs, hidden, batch_first=True)
        self.recurrent_dropout = recurrent_dropout
        with torch.no_grad():
            nn.init.xavier_uniform_(self.weight_ih_l0)
            nn.init.orthogonal_(self.weight_hh_l0)
            self.bias_ih_l0.zero_()
            self.bias_hh_l0.zero_()
            self.bias_ih_l0[hidden : 2 * hidden] = 1.0  # gates: input, forget, cell, output
        self.bias_hh_l0.requires_grad_(not single_bias)

    def forward(  # type: ignore[override]
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, I) to (B, T, H) and the last h and c, (1, B, H) each, as torch.nn.LSTM."""
        if self.training and self.recurrent_dropout and state is None:
            return self._dropped(x)
        out, last = super().forward(x, state)
        return out, last

    def _dropped(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """From a zero state, with masks of shape (4, B, H): torch's fused layer has none."""
        batch, length, hidden = *x.shape[:2], self.hidden_size
        gates = nn.functional.linear(x, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0)
        by_step = gates.view(batch, length, 4, hidden).permute(1, 2, 0, 3).contiguous()
        back = self.weight_hh_l0.view(4, hidden, hidden).transpose(1, 2)
        mask = nn.functional.dropout(x.new_ones(4, batch, hidden), self.recurrent_dropout)
        h = c = x.new_zeros(batch, hidden)
        out = []
        for into in by_step.unbind():
            i, f, g, o = torch.baddbmm(into, h * mask, back).unbind()
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            out.append(h)
        return torch.stack(out, dim=1), (h[None], c[None])

    def forgetting(self, x: Tensor, resets: Tensor) -> Tensor:
        """(B, T, I) to (B, T, H); at steps where `resets`, (B, T), the state becomes zero.

        What stands in `x` there does not matter. No `recurrent_dropout`.
        """
        # One input more, made up to a multiple of 16, without which bf16 takes twice the time.
        more = 1 + -(self.input_size + 1) % 16
        shut = self.weight_ih_l0.new_zeros(4, self.hidden_size, more)
        shut[:2, :, 0] = _SHUT  # input and forget gate: the cell is then 0, and what it lets out
        weight = torch.cat([self.weight_ih_l0, shut.view(-1, more)], dim=1)
        flags = nn.functional.pad(resets[..., None].to(x.dtype), (0, more - 1))
        x = torch.cat([x, flags], dim=-1)
        zeros = x.new_zeros(1, len(x), self.hidden_size)
        weights = [weight, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0]
        out: Tensor = torch.lstm(
            x, (zeros, zeros), weights, True, 1, 0.0, self.training, False, True
        )[0]
        return out

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One time step in one plain matrix product, which exports and quantises well.

        `x` (B, inputs), `h` and `c` (B, hidden); gives the new `h` and `c`.
        """
        weight = torch.cat([self.weight_ih_l0, self.weight_hh_l0], dim=1)
        gates = nn.functional.linear(torch.cat([x, h], dim=-1), weight, self._bias())
        return self._cell(gates, c)

    def step_from(self, symbol: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """`step` from symbols, (B,), in place of their one-hot vectors: a row of the weights."""
        into = nn.functional.embedding(symbol, self.weight_ih_l0.T)
        return self._cell(into + nn.functional.linear(h, self.weight_hh_l0, self._bias()), c)

    def _bias(self) -> Tensor:
        return self.bias_ih_l0 + self.bias_hh_l0

    @staticmethod
    def _cell(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class BiLSTM(nn.Module):
    """Two LSTM layers of `hidden` units over a sequence, one from each end, side by side.

    In: (B, T, I). Out: (B, T, 2H), the forward layer's features first.
    """

    def __init__(self, inputs: int, hidden: int, *, recurrent_dropout: float = 0.0) -> None:
        super().__init__()
        self.forwards = LSTM(inputs, hidden, recurrent_dropout=recurrent_dropout)
        self.backwards = LSTM(inputs, hidden, recurrent_dropout=recurrent_dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, I) to (B, T, 2H), with the last h of each direction, (1, B, H)."""
        there, (h_there, _) = self.forwards(x)
        back, (h_back, _) = self.backwards(x.flip(1))
        return torch.cat([there, back.flip(1)], dim=-1), (h_there, h_back)
