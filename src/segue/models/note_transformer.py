"""A decoder Transformer over rows of several columns, with the chained heads of the note LSTM.

Notable: rotary positions (Su et al. 2021), so only distances matter and a take can run on for
ever in a cache of fixed size that is written round and round; norms before each block without
biases (RMSNorm); the row's columns are embedded and added, so a note is one step.

In: (B, T, C) rows. Features: (B, T, width).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.caches import Place, cache_width
from segue.models.chained import chained_logits


class NoteTransformer(SequenceModel):
    """`layers` blocks of `width` with `heads_per_layer` heads; attends over `window` rows.

    Args:
        width: features of a row.
        layers: number of blocks, each attention and a feed-forward net of 4 x width.
        heads_per_layer: attention heads; each needs an even share of the width.
        dropout: share of features dropped after the embedding and in each block. What rows
            attend to is never dropped: that would forbid the fused attention, twice as fast.
    """

    compiles = True
    packs = True
    endless = False
    slots_axis = 2
    rows_read = 0

    def __init__(
        self,
        sizes: tuple[int, ...],
        window: int,
        width: int = 256,
        layers: int = 4,
        heads_per_layer: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(sizes, window)
        if width % (2 * heads_per_layer):
            raise ValueError(
                f"width {width} does not give {heads_per_layer} heads an even share: "
                f"choose a multiple of {2 * heads_per_layer}."
            )
        self.width = width
        self.embeddings = nn.ModuleList(nn.Embedding(v, width) for v in sizes)
        self.blocks = nn.ModuleList(Block(width, heads_per_layer, dropout) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.chosen = nn.ModuleList(nn.Embedding(v, width) for v in sizes[:-1])
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in sizes)
        self.out = nn.ModuleList(nn.Linear(width, v) for v in sizes)
        for each in (*self.embeddings, *self.chosen):
            nn.init.normal_(each.weight, std=0.02)

    def _embed(self, rows: Tensor) -> Tensor:
        embedded: Tensor = self.embeddings[0](rows[..., 0])
        for k in range(1, len(self.sizes)):
            embedded = embedded + self.embeddings[k](rows[..., k])
        return embedded

    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to (B, T, width), each row seeing itself and those before it."""
        return self._features(rows)

    def packed_features(self, rows: Tensor, segments: Tensor) -> Tensor:
        """The same, each row seeing only its own piece; where it begins does not matter."""
        steps = torch.arange(rows.shape[1], device=rows.device)
        seen = (segments[:, :, None] == segments[:, None, :]) & (steps[:, None] >= steps)
        # Numbers that are added: attention is faster with them than with yes and no.
        return self._features(rows, torch.where(seen, 0.0, float("-inf"))[:, None])

    def _features(self, rows: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.dropout(self._embed(rows))
        positions = torch.arange(rows.shape[1], device=rows.device)
        for block in self.blocks:
            x = block(x, positions, mask)
        features: Tensor = self.norm(x)
        return features

    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., width) and the row to predict to C logits (..., V_k)."""
        return chained_logits(self.dropout(features), row, self.mix, self.out, self.chosen)

    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The number of rows read, (B, 1), and for each block empty keys and values.

        These are (B, heads, W, `cache_width` of a head); while fewer than S rows were read, the
        first S of W slots are enough.
        """
        first = self.blocks[0]
        assert isinstance(first, Block)
        shape = (batch, first.heads, self.window, cache_width(self.width // first.heads))
        caches = [torch.zeros(shape) for _ in range(2 * len(self.blocks))]
        return (torch.zeros(batch, 1, dtype=torch.long), *caches)

    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row; it takes the place of the oldest in the caches."""
        position, caches = state[0], list(state[1:])
        x = self._embed(row)
        first = self.blocks[0]
        assert isinstance(first, Block)
        turn = turns(position, self.width // first.heads)
        place = Place.of(position, self.window, caches[0])
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x, caches[2 * i], caches[2 * i + 1] = block.step(
                x, turn, place, caches[2 * i], caches[2 * i + 1]
            )
        return (normed(self.norm, x), position + 1, *caches)


class Block(nn.Module):
    """Attention and a feed-forward net, each behind a norm and beside a residual path."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.RMSNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.before_feed_forward = nn.RMSNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, D) at (T,) positions to (B, T, D).

        `mask`, (B, 1, T, T), is added to what rows give each other, in place of "none later".
        """
        batch, length, width = x.shape
        q, k, v = self._split(x)
        q, k = rotated(q, positions), rotated(k, positions)
        attended = nn.functional.scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=None if mask is None else mask.to(q.dtype),
            is_causal=mask is None,
        )
        attended = attended.transpose(1, 2).reshape(batch, length, width)
        return self._fed(x + self.drop(self.attended(attended)))

    def step(
        self,
        x: Tensor,
        turn: tuple[Tensor, Tensor],
        place: Place,
        keys: Tensor,
        values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, D), with (B, heads, S, D / heads) keys and values of the rows before."""
        normal = normed(self.before_attention, x)
        split = self.queries_keys_values(normal).unflatten(-1, (3 * self.heads, -1))
        q, k = turned(split[:, : 2 * self.heads], *turn).chunk(2, dim=1)
        attended, keys, values = place.attend(q, k, split[:, 2 * self.heads :], keys, values)
        x = x + self.attended(attended)
        return x + self.feed_forward(normed(self.before_feed_forward, x)), keys, values

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., D) to queries, keys and values, (..., heads, D / heads)."""
        split = self.queries_keys_values(self.before_attention(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in split)
        return q, k, v

    def _fed(self, x: Tensor) -> Tensor:
        fed: Tensor = x + self.drop(self.feed_forward(self.before_feed_forward(x)))
        return fed


def normed(norm: nn.RMSNorm, x: Tensor) -> Tensor:
    """`norm(x)` in the operations that ONNX Runtime knows as one."""
    assert norm.weight is not None
    eps = torch.finfo(x.dtype).eps if norm.eps is None else norm.eps
    return x / torch.sqrt(x.pow(2).mean(dim=-1, keepdim=True) + eps) * norm.weight


def rotated(x: Tensor, positions: Tensor) -> Tensor:
    """(..., P, heads, d) at (P,) positions, each pair of features turned by its own angle.

    Source: Su et al., "RoFormer: Enhanced transformer with rotary position embedding", 2021.
    """
    cos, sin = turns(positions[:, None], x.shape[-1])
    return turned(x, cos, sin)


def turns(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, (..., 1, width / 2), of the angles at positions of shape (..., 1)."""
    half = width // 2
    rates = 10_000.0 ** (-torch.arange(half, device=positions.device, dtype=torch.float32) / half)
    angles = positions.to(torch.float32)[..., None] * rates
    return angles.cos(), angles.sin()


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(..., heads, d), each pair of features turned."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
