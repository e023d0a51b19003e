"""A GRU over messages of a keyboard that knows which keys are down and for how long.

Notable, against S0's pair of nets: one trunk reads notes and times together; the time is drawn
from a distribution over its symbols, given the note it belongs to, where a mean falls between all
the times there are; and the keys that are held, their ages, and those struck of late are told at
each row, so that a note that was struck is also let go.

In: (B, T, 3) symbols of pitch, velocity (0 lets go) and time. Features: (B, T, H + 3K), the
trunk's and the state of the keys. Letters as in `base`; K keys, that is symbols of pitch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.gru import GRU

FACTS = 3
"""What is told of a key: whether it is down, how long by the logarithm, how lately struck."""
_STEPS_PER_SECOND = 16
_MEMORY_SECONDS = 2.0
_LONG_AGO = 1e3


class NoteTimeGRU(SequenceModel):
    """`layers` GRU layers over embedded rows; `seconds` of time symbols come from the encoding.

    Args:
        embedding: width of each column's embedding.
        hidden: units of each GRU layer, and of the heads.
        layers: number of GRU layers, with residual connections above the first.
        dropout: share of features dropped before each layer and before the heads.
    """

    values: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        seconds: Sequence[float],
        embedding: int = 128,
        hidden: int = 256,
        layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        if len(sizes) != 3 or len(seconds) != sizes[2]:
            raise ValueError(
                f"note-time-gru reads pitch, velocity and time, with a value for each time; the "
                f"encoding has columns of {sizes} and {len(seconds)} values."
            )
        self.hidden, self.keys = hidden, sizes[0]
        values = torch.tensor(seconds, dtype=torch.float32)
        self.register_buffer("values", values, persistent=False)
        self.embeddings = nn.ModuleList(nn.Embedding(v, embedding) for v in sizes)
        self.board = nn.Linear(FACTS * self.keys, embedding)
        widths = (embedding, *[hidden] * (layers - 1))
        self.layers = nn.ModuleList(GRU(i, hidden) for i in widths)
        self.dropout = nn.Dropout(dropout)
        self.chosen = nn.ModuleList(nn.Embedding(v, hidden) for v in sizes[:2])
        self.own = nn.Linear(FACTS, hidden)
        self.mix = nn.ModuleList(nn.Linear(hidden, hidden) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(hidden, v) for v in sizes)
        self.weigh = nn.Linear(hidden, FACTS)
        for each in (*self.embeddings, *self.chosen):
            nn.init.normal_(each.weight, std=0.1)

    # -- the keys ----------------------------------------------------------------------------

    def _facts(self, held: Tensor, age: Tensor) -> Tensor:
        """(..., K) keys that are down and seconds since each was struck to (..., K, 3)."""
        long = held * torch.log1p(age * _STEPS_PER_SECOND)
        return torch.stack([held, long, torch.exp(-age / _MEMORY_SECONDS)], dim=-1)

    def _keys_of(self, rows: Tensor) -> Tensor:
        """(B, T, 3) rows to (B, T, K, 3): the keys after each row, none down before the first."""
        touched = nn.functional.one_hot(rows[..., 0], self.keys).bool()
        struck = touched & (rows[..., 1:2] > 0)
        place = torch.arange(1, rows.shape[1] + 1, device=rows.device)[:, None]
        last, strike = ((place * found).cummax(dim=1).values for found in (touched, struck))
        now = self.values[rows[..., 2]].cumsum(dim=1)
        at = now.gather(1, (strike.flatten(1) - 1).clamp(min=0)).view(strike.shape)
        never = strike == 0
        age = torch.where(never, _LONG_AGO, now[..., None] - at)
        return self._facts(((last == strike) & ~never).to(age.dtype), age)

    # -- rows --------------------------------------------------------------------------------

    def _embed(self, rows: Tensor, facts: Tensor) -> Tensor:
        x: Tensor = self.board(facts.flatten(-2))
        for k in range(len(self.sizes)):
            x = x + self.embeddings[k](rows[..., k])
        return x

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 3) rows to (B, T, H + 3K), from a zero state and keys that are up."""
        facts = self._keys_of(rows)
        x = self._embed(rows, facts)
        for i, layer in enumerate(self.layers):
            y, _ = layer(self.dropout(x))
            x = y + x if i else y
        return torch.cat([x, facts.flatten(-2)], dim=-1)

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H + 3K) and (..., 3) the row to predict to logits (..., V_k)."""
        context = self.dropout(features[..., : self.hidden])
        facts = features[..., self.hidden :].reshape(*features.shape[:-1], self.keys, FACTS)
        own = torch.cat(
            [
                facts[..., f].gather(-1, row[..., :1])  # of the key that is chosen
                for f in range(FACTS)
            ],
            dim=-1,
        )
        logits = [self._out(0, context) + (facts * self.weigh(context)[..., None, :]).sum(-1)]
        context = context + self.chosen[0](row[..., 0]) + self.own(own)
        logits.append(self._out(1, context))
        context = context + self.chosen[1](row[..., 1])
        logits.append(self._out(2, context))
        return tuple(logits)

    def _out(self, column: int, context: Tensor) -> Tensor:
        mixed = nn.functional.gelu(self.mix[column](context)) + context
        logits: Tensor = self.out[column](mixed)
        return logits

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Keys that are down, seconds since each was struck, and zero for every layer."""
        keys = torch.zeros(batch, self.keys), torch.full((batch, self.keys), _LONG_AGO)
        return (*keys, *(torch.zeros(batch, self.hidden) for _ in self.layers))

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, 3) one message."""
        held, age, *layers = state
        touched = nn.functional.one_hot(row[:, 0], self.keys).to(held.dtype)
        down = (row[:, 1:2] > 0).to(held.dtype)
        age = (age + self.values[row[:, 2]][:, None]) * (1 - touched * down)
        held = held * (1 - touched) + touched * down
        facts = self._facts(held, age)
        x = self._embed(row, facts)
        new = []
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, GRU)
            h = layer.step(x, layers[i])
            new.append(h)
            x = h + x if i else h
        return (torch.cat([x, facts.flatten(-2)], dim=-1), held, age, *new)
