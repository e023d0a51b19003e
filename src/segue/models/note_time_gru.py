"""A GRU over messages of a keyboard that knows which keys are down and for how long.

Notable, against S0's pair of nets: one trunk reads notes and times together; the time is drawn
from a distribution over its symbols, given the note it belongs to, where a mean falls between all
the times there are; and the keys that are held, their ages, and those struck of late are told at
each row, so that a note that was struck is also let go.

A key is kept, or left, because the net is told how much each pitch class was struck in the last
seconds and before, and weighs a key by where it stands among them, and by its intervals from the
keys around it that are down or were struck of late: the same in every key there is.

In: (B, T, 3) symbols of pitch, velocity (0 lets go) and time. Features: (B, T, H + 3K + 24): the
trunk's, the state of the keys, the pitch classes. Letters as in `base`; K keys, that is symbols
of pitch.
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
CLASSES = 12
SPANS = (2.0, 16.0)
"""Seconds after which what was struck counts a third: about a chord, about a key."""
_VIEWS = 8
_REACH = 24
"""Semitones: how far away a key's neighbours may be."""


class NoteTimeGRU(SequenceModel):
    """`layers` GRU layers over embedded rows; `seconds` of time symbols come from the encoding.

    Args:
        embedding: width of each column's embedding.
        hidden: units of each GRU layer, and of the heads.
        layers: number of GRU layers, with residual connections above the first.
        dropout: share of features dropped before each layer and before the heads.
    """

    values: Tensor
    turned: Tensor
    spans: Tensor

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
        self.board = nn.Linear(FACTS * self.keys + len(SPANS) * CLASSES, embedding)
        widths = (embedding, *[hidden] * (layers - 1))
        self.layers = nn.ModuleList(GRU(i, hidden) for i in widths)
        self.dropout = nn.Dropout(dropout)
        self.chosen = nn.ModuleList(nn.Embedding(v, hidden) for v in sizes[:2])
        self.own = nn.Linear(FACTS, hidden)
        self.mix = nn.ModuleList(nn.Linear(hidden, hidden) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(hidden, v) for v in sizes)
        self.weigh = nn.Linear(hidden, FACTS)
        self.view = nn.Linear(hidden, 2 * _VIEWS)
        self.near = nn.Conv1d(FACTS, _VIEWS, 2 * _REACH + 1, padding=_REACH)
        self.harmony = nn.Parameter(torch.randn(_VIEWS, len(SPANS) * CLASSES))
        turned = torch.arange(CLASSES)[:, None] + torch.arange(CLASSES)
        self.register_buffer("turned", turned % CLASSES, persistent=False)
        self.register_buffer("spans", torch.tensor(SPANS), persistent=False)
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

    def _classes_of(self, rows: Tensor) -> Tensor:
        """(B, T, 3) rows to (B, T, 24): how much each pitch class was struck, by span."""
        now = self.values[rows[..., 2]].cumsum(dim=1)
        passed = now[:, :, None] - now[:, None, :]
        struck = self._struck(rows)
        seen = torch.ones_like(passed[0], dtype=torch.bool).tril()
        found = [torch.exp(-passed.clamp(min=0) / span) * seen @ struck for span in SPANS]
        return self._shares(torch.stack(found, dim=-2))

    def _struck(self, rows: Tensor) -> Tensor:
        """(..., 3) rows to (..., 12): 1 at the pitch class of a note that is struck."""
        classes = nn.functional.one_hot(rows[..., 0] % CLASSES, CLASSES)
        return (classes * (rows[..., 1:2] > 0)).to(self.values.dtype)

    def _shares(self, weights: Tensor) -> Tensor:
        """(..., 2, 12) weights of pitch classes to (..., 24) shares of what was struck."""
        return (weights / (1 + weights.sum(-1, keepdim=True))).flatten(-2)

    # -- rows --------------------------------------------------------------------------------

    def _embed(self, rows: Tensor, told: Tensor) -> Tensor:
        x: Tensor = self.board(told)
        for k in range(len(self.sizes)):
            x = x + self.embeddings[k](rows[..., k])
        return x

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, 3) rows to (B, T, H + 3K + 24), from a zero state and keys that are up."""
        told = torch.cat([self._keys_of(rows).flatten(-2), self._classes_of(rows)], dim=-1)
        x = self._embed(rows, told)
        for i, layer in enumerate(self.layers):
            y, _ = layer(self.dropout(x))
            x = y + x if i else y
        return torch.cat([x, told], dim=-1)

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H + 3K + 24) and (..., 3) the row to predict to logits (..., V_k)."""
        context = self.dropout(features[..., : self.hidden])
        end = self.hidden + FACTS * self.keys
        facts = features[..., self.hidden : end].reshape(*features.shape[:-1], self.keys, FACTS)
        own = torch.cat(
            [
                facts[..., f].gather(-1, row[..., :1])  # of the key that is chosen
                for f in range(FACTS)
            ],
            dim=-1,
        )
        pitches = self._out(0, context) + (facts * self.weigh(context)[..., None, :]).sum(-1)
        fits = self._fits(context, facts, features[..., end:])
        logits = [pitches + (1 - facts[..., 0]) * fits]
        context = context + self.chosen[0](row[..., 0]) + self.own(own)
        logits.append(self._out(1, context))
        context = context + self.chosen[1](row[..., 1])
        logits.append(self._out(2, context))
        return tuple(logits)

    def _fits(self, context: Tensor, facts: Tensor, shares: Tensor) -> Tensor:
        """(..., K): how well each key fits what was struck, seen from where it stands in it."""
        by_class, by_key = self.view(context)[..., None, :].chunk(2, dim=-1)
        turned = shares.reshape(*shares.shape[:-1], len(SPANS), CLASSES)[..., self.turned]
        seen = turned.transpose(-3, -2).flatten(-2) @ self.harmony.T  # (..., 12, views)
        classes = (seen * by_class).sum(-1)
        octaves = -(-self.keys // CLASSES)
        fits = torch.cat([classes] * octaves, dim=-1)[..., : self.keys]
        near = self.near(facts.flatten(0, -3).transpose(-2, -1)).transpose(-2, -1)
        return fits + (near.reshape(*facts.shape[:-1], _VIEWS) * by_key).sum(-1)

    def _out(self, column: int, context: Tensor) -> Tensor:
        mixed = nn.functional.gelu(self.mix[column](context)) + context
        logits: Tensor = self.out[column](mixed)
        return logits

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Keys that are down, seconds since each was struck, classes by span; zero for layers."""
        keys = torch.zeros(batch, self.keys), torch.full((batch, self.keys), _LONG_AGO)
        classes = torch.zeros(batch, len(SPANS), CLASSES)
        return (*keys, classes, *(torch.zeros(batch, self.hidden) for _ in self.layers))

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, 3) one message."""
        held, age, classes, *layers = state
        touched = nn.functional.one_hot(row[:, 0], self.keys).to(held.dtype)
        down = (row[:, 1:2] > 0).to(held.dtype)
        passed = self.values[row[:, 2]][:, None]
        age = (age + passed) * (1 - touched * down)
        held = held * (1 - touched) + touched * down
        fading = torch.exp(-passed / self.spans)[..., None]
        classes = classes * fading + self._struck(row)[:, None]
        told = torch.cat([self._facts(held, age).flatten(-2), self._shares(classes)], dim=-1)
        x = self._embed(row, told)
        new = []
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, GRU)
            h = layer.step(x, layers[i])
            new.append(h)
            x = h + x if i else h
        return (torch.cat([x, told], dim=-1), held, age, classes, *new)
