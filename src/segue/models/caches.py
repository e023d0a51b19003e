"""Attention of one more row over the keys and values of the rows before it, kept in caches.

A cache has W slots, (B, heads, W, d); the row's own take the place of the oldest. Played by torch
they are written round and round. The ONNX form has one operation of ONNX Runtime for all of it,
`GroupQueryAttention`, which writes into a cache where it lies and reads only the slots that hold
something. It always writes after the newest row; the engine makes room there in a full cache
(`generation.onnx_buffers.make_room`), which is the same music, since attention does not ask in
which order keys lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_EIGHTH = 8
"""ONNX Runtime's operation wants heads of a multiple of so many features."""


def cache_width(each: int) -> int:
    """Features a cache keeps of a head of `each`: the rest are zeros, which attend to nothing."""
    return -(-each // _EIGHTH) * _EIGHTH


@dataclass(frozen=True)
class Place:
    """Where the next row of B takes goes, and what it sees there.

    `read`, (B, 1), is how many rows were read before it, `window` is W.
    """

    read: Tensor
    window: int
    _slot: Tensor
    _unseen: Tensor

    @classmethod
    def of(cls, read: Tensor, window: int, keys: Tensor) -> Place:
        """For caches like `keys`, (B, heads, S, d): S of W slots, more than rows were read."""
        if torch.onnx.is_in_onnx_export():
            before = read[:, 0].clamp(max=window - 1).to(torch.int32)
            return cls(read, window, before, (before.max() + 1).to(torch.int32))
        slots = torch.arange(keys.shape[2], device=keys.device)
        unseen = torch.where(slots <= read, 0.0, float("-inf"))[:, None, None]
        slot = (read % window)[:, :, None, None].expand(-1, keys.shape[1], 1, keys.shape[3])
        return cls(read, window, slot, unseen)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The row's own, (B, heads, d) each, and the caches to (B, heads x d) and new caches.

        Caches are `cache_width(d)` wide.
        """
        each, wide = q.shape[-1], cache_width(q.shape[-1])
        if wide > each:
            q, k, v = (nn.functional.pad(t, (0, wide - each)) for t in (q, k, v))
        attended, keys, values = self._attend(q, k, v, keys, values, each**-0.5)
        if wide > each:
            attended = attended.view(-1, q.shape[1], wide)[..., :each].flatten(1)
        return attended, keys, values

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, scale: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        if torch.onnx.is_in_onnx_export():
            return self._in_one(q, k, v, keys, values, scale)
        keys = keys.scatter(2, self._slot, k[:, :, None])
        values = values.scatter(2, self._slot, v[:, :, None])
        weights = (q[:, :, None] * scale) @ keys.transpose(2, 3)
        attended = (weights + self._unseen).softmax(dim=-1) @ values
        return attended.flatten(1), keys, values

    def _in_one(
        self, q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, scale: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """For ONNX Runtime. Source: Ainslie et al., "GQA", 2023, whose groups are of one here."""
        batch, heads, each = q.shape
        row = (batch, 1, heads * each)
        given = [t.reshape(batch, 1, heads * each) for t in (q, k, v)]
        attended, keys, values = torch.onnx.ops.symbolic_multi_out(
            "com.microsoft::GroupQueryAttention",
            (*given, keys, values, self._slot, self._unseen),
            {"num_heads": heads, "kv_num_heads": heads, "scale": scale},
            dtypes=(q.dtype, q.dtype, q.dtype),
            shapes=(row, keys.shape, values.shape),
            version=1,
        )
        return attended[:, 0], keys, values
