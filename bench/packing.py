"""What it costs to keep the pieces of a packed window apart, beside the same layer without pieces.

    python bench/packing.py

An LSTM layer reads 32 windows of 128 rows, every other one of two pieces, in three ways: the
pieces as one `PackedSequence`, as a batch padded to the longest, and with a step between them that
shuts two gates (`LSTM.forgetting`). Attention of 16 windows of 512 rows is causal, or masked to
pieces. Each is timed forward and backward, one thread, the shortest of several runs taken in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from segue.models.packing import Apart
from segue.models.recurrent import LSTM

BATCH, ROWS, WIDTH = 32, 128, 256
HEADS, ATTENDED = 4, 512


def shortest(ways: dict[str, Callable[[], Any]], times: int = 12) -> dict[str, float]:
    """Milliseconds of each way, run in turn, so that a busy moment hits them all."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            taken[name].append(1000 * (time.perf_counter() - began))
    return {name: min(each[1:]) for name, each in taken.items()}


def recurrent() -> dict[str, Callable[[], Any]]:
    """The ways of an LSTM layer."""
    layer = LSTM(WIDTH, WIDTH)
    cuts = torch.arange(BATCH) * 29 % ROWS
    cuts[::2] = 0
    lengths = [n for cut in cuts.tolist() for n in (cut, ROWS - cut) if n]
    runs = [torch.randn(n, WIDTH) for n in lengths]
    segments = (torch.arange(ROWS) >= cuts[:, None]).long()
    apart = Apart(segments)
    x = torch.randn(BATCH, ROWS, WIDTH)
    padded = torch.randn(len(runs), max(lengths), WIDTH)

    def as_packed_sequence() -> None:
        packed = nn.utils.rnn.pack_sequence(runs, enforce_sorted=False)
        out = nn.LSTM.forward(layer, packed)[0]
        out.data.float().sum().backward()

    def with_a_step_between() -> None:
        out = apart.gathered(layer.forgetting(apart.spread(x), apart.resets))
        out.float().sum().backward()

    return {
        "without pieces": lambda: layer(x)[0].float().sum().backward(),
        "a step between": with_a_step_between,
        "padded": lambda: layer(padded)[0].float().sum().backward(),
        "PackedSequence": as_packed_sequence,
    }


def attention(dropout: float) -> dict[str, Callable[[], Any]]:
    """Causal attention, and attention masked to pieces of 200 rows."""
    shape = (16, HEADS, ATTENDED, WIDTH // HEADS)
    q, k, v = (torch.randn(shape, requires_grad=True) for _ in range(3))
    piece, steps = torch.arange(ATTENDED) // 200, torch.arange(ATTENDED)
    seen = (piece[:, None] == piece) & (steps[:, None] >= steps)
    mask = torch.where(seen, 0.0, float("-inf"))

    def attend(**how: Any) -> None:
        out = nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout, **how)
        out.float().sum().backward()

    return {
        "without pieces": lambda: attend(is_causal=True),
        "masked": lambda: attend(attn_mask=mask.to(q.dtype)),
    }


def show(title: str, found: dict[str, float]) -> None:
    """The times as ratios to the first."""
    first = next(iter(found.values()))
    print(f"{title}: {first:.0f} ms without pieces")
    for name, taken in list(found.items())[1:]:
        print(f"  {name}: {taken / first:.2f} x")


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for half in (False, True):
        precision = "bf16" if half else "fp32"
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            show(f"LSTM {WIDTH}, {precision}", shortest(recurrent()))
            for dropout in (0.0, 0.1):
                found = shortest(attention(dropout), 6)
                show(f"attention, {precision}, dropout {dropout}", found)


if __name__ == "__main__":
    main()
