"""A decoder Transformer over rows of notes that knows what time it is: the piano model of Segue.

Ours. Like `note-transformer`, and: each row is told how far it is into its bar, and half of the
heads attend by musical time in place of row numbers (rotary angles of the step at which a note
sounds, after Su et al. 2021), so that "a bar ago" and "now", of a note told ahead, are one turn
each however many notes lie between. The time is counted from the rows themselves (`clock`, see
`Compound.clock`).

In: (B, T, C) rows, the first three columns onset, track and code. Features: (B, T, width).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.caches import Place, cache_width
from segue.models.chained import chained_logits
from segue.models.note_transformer import normed, turned

_BEATS_A_BAR = 8
"""How far into a bar positions are told apart."""
_FASTEST, _SLOWEST = 1.0, 1 / 512
"""The angles that heads of time turn by in a beat, in whole turns: a beat to 512 of them."""


class MetreTransformer(SequenceModel):
    """`layers` blocks of `width` with `heads_per_layer` heads; attends over `window` rows.

    Args:
        clock: how rows tell the time, as `Compound.clock`.
        width: features of a row.
        layers: number of blocks, each attention and a gated feed-forward net (Shazeer 2020).
        heads_per_layer: attention heads, an even number, of an even share of the width each; the
            first half looks by rows, the second by time.
        dropout: share of features dropped after the embedding and in each block.
    """

    compiles = True
    endless = False
    slots_axis = 2
    rows_read = 0

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        clock: Mapping[str, Any],
        width: int = 256,
        layers: int = 6,
        heads_per_layer: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        if heads_per_layer % 2 or width % (2 * heads_per_layer):
            raise ValueError(
                f"width {width} and {heads_per_layer} heads came: choose an even number of heads "
                "and a width that is a multiple of twice that."
            )
        self.width, self.heads_per_layer = width, heads_per_layer
        steps = int(clock["steps_per_beat"])
        self.register_buffer("moves", torch.tensor(clock["moves"]), persistent=False)
        self.first_step = int(clock["first_step"])
        self.first_bar, self.past_bars = (int(code) for code in clock["bars"])
        self.ahead_from, self.ahead = (int(number) for number in clock["ahead"])
        self.last_place = _BEATS_A_BAR * steps
        half = width // heads_per_layer // 2
        rows = 10_000.0 ** (-torch.arange(half) / half)
        octaves = torch.linspace(0, 1, half) * torch.log2(torch.tensor(_FASTEST / _SLOWEST))
        time = 2 * torch.pi * _FASTEST / steps * 2.0**-octaves
        self.register_buffer("rates", torch.stack([rows, time]), persistent=False)
        self.embeddings = nn.ModuleList(nn.Embedding(v, width) for v in sizes)
        self.places = nn.Embedding(self.last_place + 2, width)
        self.blocks = nn.ModuleList(
            MetreBlock(width, heads_per_layer, dropout) for _ in range(layers)
        )
        self.norm = nn.RMSNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.chosen = nn.ModuleList(nn.Embedding(v, width) for v in sizes[:-1])
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(width, v) for v in sizes)
        for each in (*self.embeddings, *self.chosen, self.places):
            nn.init.normal_(each.weight, std=0.02)

    # -- time --------------------------------------------------------------------------------

    def _bar_lines(self, rows: Tensor) -> Tensor:
        code = rows[..., 2]
        sounding = rows[..., 0] >= self.first_step
        return sounding & (code >= self.first_bar) & (code < self.past_bars)

    def _place(self, since: Tensor, known: Tensor) -> Tensor:
        """How far into the bar, in steps, as a symbol; the last is "no bar line yet"."""
        return torch.where(known, since.clamp(0, self.last_place), self.last_place + 1)

    def _sounds_at(self, rows: Tensor, time: Tensor) -> Tensor:
        return time + self.ahead * (rows[..., 1] >= self.ahead_from)

    def _turns(self, number: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines, (..., heads, d / 2), for row numbers and times of shape (...)."""
        rates = self.rates
        assert isinstance(rates, Tensor)
        at = torch.stack([number, sounds], dim=-1).to(torch.float32)
        angles = (at[..., None] * rates).repeat_interleave(self.heads_per_layer // 2, dim=-2)
        return angles.cos(), angles.sin()

    def _embed(self, rows: Tensor, place: Tensor) -> Tensor:
        embedded: Tensor = self.places(place)
        for k in range(len(self.sizes)):
            embedded = embedded + self.embeddings[k](rows[..., k])
        return embedded

    # -- all rows at once --------------------------------------------------------------------

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to (B, T, width), each row seeing itself and those before it."""
        assert isinstance(self.moves, Tensor)
        time = self.moves[rows[..., 0]].cumsum(dim=1)
        bar = self._bar_lines(rows)
        opened = torch.where(bar, time, -1).cummax(dim=1).values
        x = self.dropout(self._embed(rows, self._place(time - opened, opened >= 0)))
        number = torch.arange(rows.shape[1], device=rows.device).expand(rows.shape[:2])
        turn = self._turns(number, self._sounds_at(rows, time))
        if torch.is_autocast_enabled(x.device.type):
            dtype = torch.get_autocast_dtype(x.device.type)
            turn = turn[0].to(dtype), turn[1].to(dtype)
        for block in self.blocks:
            x = block(x, turn)
        features: Tensor = self.norm(x)
        return features

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., width) and the row to predict to C logits (..., V_k)."""
        return chained_logits(self.dropout(features), row, self.mix, self.out, self.chosen)

    # -- a row at a time ---------------------------------------------------------------------

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """Rows read, the time, and the time since a bar line, all (B, 1), then empty caches.

        Caches are keys and values of each block, (B, heads, W, `cache_width` of a head); while
        fewer than S rows were read, the first S of W slots are enough. Before the first bar line
        the third is past any bar.
        """
        each = self.width // self.heads_per_layer
        shape = (batch, self.heads_per_layer, self.window, cache_width(each))
        count = torch.zeros(batch, 1, dtype=torch.long)
        caches = [torch.zeros(shape) for _ in range(2 * len(self.blocks))]
        return (count, count.clone(), count + _NEVER, *caches)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row; it takes the place of the oldest in the caches."""
        assert isinstance(self.moves, Tensor)
        position, time, since, caches = state[0], state[1], state[2], list(state[3:])
        moved = self.moves[row[:, :1]]
        time = time + moved
        since = torch.where(self._bar_lines(row)[:, None], 0, since + moved)
        known = since < _NEVER
        x = self._embed(row, self._place(since, known)[:, 0])
        turn = self._turns(position[:, 0], self._sounds_at(row, time[:, 0]))
        place = Place.of(position, self.window, caches[0])
        for i, block in enumerate(self.blocks):
            assert isinstance(block, MetreBlock)
            x, caches[2 * i], caches[2 * i + 1] = block.step(
                x, turn, place, caches[2 * i], caches[2 * i + 1]
            )
        return (normed(self.norm, x), position + 1, time, since, *caches)


_NEVER = 2**40
"""Steps since a bar line before there was one."""


class MetreBlock(nn.Module):
    """Attention and a gated feed-forward net, each behind a norm and beside a residual path."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        hidden = width * 8 // 3 // 32 * 32
        self.before_attention = nn.RMSNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.before_feed_forward = nn.RMSNorm(width)
        self.gate_and_value = nn.Linear(width, 2 * hidden, bias=False)
        self.fed = nn.Linear(hidden, width, bias=False)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """(B, T, D) with turns (B, T, heads, d / 2) to (B, T, D)."""
        split = self.queries_keys_values(self.before_attention(x))
        split = split.unflatten(-1, (3, self.heads, -1))
        cos, sin = (each[:, :, None] for each in turn)
        (q, k), v = turned(split[:, :, :2], cos, sin).unbind(dim=2), split[:, :, 2]
        attended = nn.functional.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True
        )
        x = x + self.drop(self.attended(attended.transpose(1, 2).flatten(2)))
        return x + self.drop(self._feed(self.before_feed_forward(x)))

    def _feed(self, x: Tensor) -> Tensor:
        gate, value = self.gate_and_value(x).chunk(2, dim=-1)
        fed: Tensor = self.fed(nn.functional.silu(gate) * value)
        return fed

    def step(
        self,
        x: Tensor,
        turn: tuple[Tensor, Tensor],
        place: Place,
        keys: Tensor,
        values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, D), with (B, heads, S, D / heads) keys and values of the rows before."""
        each = x.shape[1] // self.heads
        split = self.queries_keys_values(normed(self.before_attention, x))
        q, k, v = split.view(-1, 3, self.heads, each).unbind(dim=1)
        q, k = turned(q, *turn), turned(k, *turn)
        attended, keys, values = place.attend(q, k, v, keys, values)
        x = x + self.attended(attended)
        return x + self._feed(normed(self.before_feed_forward, x)), keys, values
