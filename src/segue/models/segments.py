"""What models share that make a whole window at once from noise: VAEs, VQ-VAEs, GANs.

Letters: B batch, T rows of a window (here: a segment), C columns, Z normal numbers and U uniform
numbers that a segment is made from.

All chance comes in as numbers, so that a take depends on its seed and nothing else, in torch and
in ONNX alike.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor

from segue.models.base import Model

COLDEST = 1e-3
"""Lower temperatures divide by this one, so that nothing overflows."""


class SegmentModel(Model):
    """A model whose music is laid segment after segment, each of `window` rows.

    Held-out scores are a row's, as everywhere: what belongs to a whole segment, such as a
    divergence, is summed once and divided by its rows.
    """

    plays: Literal["rows", "segments"] = "segments"
    normals = 0
    """Z: how many normal numbers a segment takes."""
    uniforms = 0
    """U: how many uniform numbers in [0, 1) a segment takes; they draw symbols from logits."""
    looks_back = False
    """Whether a segment depends on the one before it."""
    encodes = False
    """Whether there is a way from rows to the normal numbers that would make them."""
    uniform_prior = False
    """Whether takes draw the latent from [0, 1) instead of N(0, 1), as a seed did."""

    @abstractmethod
    def compose(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        """One segment a take, (B, T, C) rows of int64.

        `normal` is (B, Z), `uniform` (B, U), `before` the (B, T, C) rows of the segment before,
        all 0 at the start; `heat` a (1,) temperature, at which 0 takes the likeliest.
        """

    def encode(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to the (B, Z) normal numbers they are most likely made from."""
        raise NotImplementedError


def drawn(logits: Tensor, uniform: Tensor, heat: Tensor) -> Tensor:
    """(..., V) logits to (...) symbols: those at which (...) numbers in [0, 1) fall.

    `heat` is (1,); at 0 the likeliest. The same in ONNX: there is no branch and no chance.
    """
    logits = logits.float()
    below = torch.softmax(logits / heat.clamp(min=COLDEST), dim=-1).cumsum(dim=-1)
    found = (below <= uniform[..., None]).sum(dim=-1).clamp(max=logits.shape[-1] - 1)
    return torch.where(heat > 0, found, logits.argmax(dim=-1))
