"""Heads that tell the columns of a row one after another, each knowing those before it."""

from __future__ import annotations

from torch import Tensor, nn


def chained_logits(
    context: Tensor,
    row: Tensor,
    mix: nn.ModuleList,
    out: nn.ModuleList,
    chosen: nn.ModuleList,
) -> tuple[Tensor, ...]:
    """(..., H) what is known and (..., C) the row to predict to C logits (..., V_k).

    Column k is told from the context mixed by `mix[k]` to `out[k]`; then `chosen[k]` embeds what
    it holds and joins the context of the columns after it.
    """
    logits = []
    for k in range(len(out)):
        mixed = nn.functional.gelu(mix[k](context)) + context
        logits.append(out[k](mixed))
        if k < len(chosen):
            context = context + chosen[k](row[..., k])
    return tuple(logits)
