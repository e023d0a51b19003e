"""S0's cascade of three nets over NES events: the type, then its note number or its wait.

- Types: an LSTM of 64 over the types of the last events, and a linear layer.
- Numbers: two linear layers (162, 109) over the LSTM's last state and the type.
- Waits: two linear layers (128, 1) over the waits among the last events (0 where an event is
  none) and the type; it predicts a number, by its mean.

Each learns by itself: the number net reads the LSTM's state and does not change it. With torch's
two biases, ten types and a window of 20: 20,106, 29,917 and 4,097 parameters.

In: (B, T, 1) symbols. Features: (B, hidden + T) of the event after them, the state and the waits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.densities import Spread, discretised
from segue.models.nes_symbols import NUMBERS, NesSymbols
from segue.models.recurrent import LSTM

SAMPLES_PER_UNIT = 1000
"""Waits are counted in thousands of samples."""


class NesCascade(SequenceModel):
    """The three nets; `types` and `waits` are given by the encoding.

    Args:
        hidden: units of the LSTM over types.
        number_width: width of the number net's hidden layer.
        wait_width: width of the wait net's hidden layer.
        dropout: share dropped in front of each net's last layer.
        in_turn: the likeliest symbol is the likeliest type's likeliest number, or the wait nearest
            to the predicted one, as the seed chooses; false gives the symbols' own likelihoods,
            to draw from.
    """

    many_to_one = True

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        types: Sequence[tuple[str, int, int]],
        waits: Sequence[int],
        hidden: int = 64,
        number_width: int = 162,
        wait_width: int = 128,
        dropout: float = 0.2,
        in_turn: bool = True,
    ) -> None:
        super().__init__(sizes, window)
        self.symbols = NesSymbols(sizes[0], types, waits)
        self.hidden, self.in_turn = hidden, in_turn
        kinds = self.symbols.kinds
        self.lstm = LSTM(kinds, hidden, single_bias=False)
        self.kind = nn.Linear(hidden, kinds)
        self.number = nn.Linear(hidden + kinds, number_width)
        self.number_out = nn.Linear(number_width, NUMBERS)
        self.wait = nn.Linear(window + kinds, wait_width)
        self.wait_out = nn.Linear(wait_width, 1)
        self.dropout = nn.Dropout(dropout)
        self.spread = Spread()

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """A score for each net."""
        return ("type", "number", "wait")

    def _hot(self, kinds: Tensor) -> Tensor:
        return nn.functional.one_hot(kinds, self.symbols.kinds).to(self.kind.weight.dtype)

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 1) events to (B, hidden + T)."""
        events = rows[..., 0]
        _, (last, _) = self.lstm(self._hot(self.symbols.kind[events]))
        waits = self.symbols.samples[events] / SAMPLES_PER_UNIT
        return torch.cat([last[0], waits.to(last.dtype)], dim=-1)

    def _kinds(self, features: Tensor) -> Tensor:
        """(..., K) logits of types."""
        logits: Tensor = self.kind(self.dropout(features[..., : self.hidden]))
        return logits

    def _numbers(self, features: Tensor, kinds: Tensor) -> Tensor:
        """(..., 109) logits of the numbers of notes of these types, (...)."""
        state = features[..., : self.hidden].detach()
        x = self.number(torch.cat([state, self._hot(kinds)], dim=-1))
        logits: Tensor = self.number_out(self.dropout(x))
        return logits

    def _wait(self, features: Tensor) -> Tensor:
        """(...): the wait that is expected, in thousands of samples."""
        waiting = self._hot(torch.zeros_like(features[..., 0], dtype=torch.long))
        x = self.wait(torch.cat([features[..., self.hidden :], waiting], dim=-1))
        expected: Tensor = self.wait_out(self.dropout(x))[..., 0]
        return expected

    @property
    def _values(self) -> Tensor:
        return self.symbols.wait_values.to(self.kind.weight.dtype) / SAMPLES_PER_UNIT

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., hidden + T) to one tuple of (..., V) logits."""
        return self._composed(features, in_turn=self.in_turn)

    def scored_heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """The same, told as it is scored."""
        return self._composed(features, in_turn=False)

    def _composed(self, features: Tensor, *, in_turn: bool) -> tuple[Tensor, ...]:
        kinds = self._kinds(features).log_softmax(-1)
        each = [
            self._numbers(features, torch.full_like(features[..., 0], k, dtype=torch.long))
            for k in self.symbols.on
        ]
        numbers = torch.stack(each, dim=-2)
        if in_turn:
            legal = numbers.masked_fill(~self.symbols.allowed, -torch.inf)
            numbers = numbers - legal.amax(dim=-1, keepdim=True)
            off = (self._values - self._wait(features)[..., None]).abs()
            waits = off.amin(dim=-1, keepdim=True) - off
        else:
            numbers = numbers.log_softmax(-1)
            waits = discretised(self._wait(features), self._values, self.spread())
        return (self.symbols.composed(kinds, numbers, waits),)

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of type, number and wait."""
        *losses, expected, asked = self._losses(rows, targets, mask)
        density = discretised(expected, self._values, self.spread())
        waits = nn.functional.nll_loss(density, asked, reduction="sum")
        return torch.stack([*losses, waits])

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Cross-entropy of types and numbers, and the square error of waits."""
        kinds, numbers, expected, asked = self._losses(rows, targets, mask)
        errors = expected - self._values[asked]
        self.spread.track(errors)
        return kinds + numbers + errors.square().sum()

    def _losses(
        self, rows: Tensor, targets: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Nats of types and of numbers; the expected waits and the ones that came, (waits,)."""
        features = self.features(rows)[mask].float()
        event = targets[mask][:, 0]
        kind = self.symbols.kind[event]
        kinds = nn.functional.cross_entropy(self._kinds(features), kind, reduction="sum")
        on = self.symbols.is_on(kind)
        numbers = nn.functional.cross_entropy(
            self._numbers(features[on], kind[on]), self.symbols.number[event[on]], reduction="sum"
        )
        waits = kind == 0
        return kinds, numbers, self._wait(features[waits]), event[waits]

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """A window of symbol 0: callers fill it with `window` rows before they trust it."""
        return (torch.zeros(batch, self.window, 1, dtype=torch.long),)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Slide the window by one event and read it all."""
        window = torch.cat([state[0][:, 1:], row[:, None, :]], dim=1)
        return self.features(window), window
