"""The published measure: nats of every row but the first of a piece, over all rows so scored.

A model reads rows 1 to T-1 of a piece from its zero state and is scored on rows 2 to T. Nats are
summed over the columns of a row, over rows and over pieces, then divided by how many rows were
scored (of chorales by four times as many: notes). Padding is never scored: neither the batch nor
the length of its longest piece changes the figure. Source: locuslab/TCN,
`TCN/poly_music/music_test.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from segue.models.base import SequenceModel
from segue.models.frames import FrameModel

ROWS = 8192
"""Rows that are read at once, at most; it changes memory and speed and nothing else."""
STRETCH = 512
"""Rows of a piece that are read at once by a model whose state can be carried on to the next."""


@dataclass(frozen=True)
class Measured:
    """Nats a row over all rows, the same as a mean of pieces' means, and the rows scored."""

    nats: float
    piece_mean: float
    rows: int


def carries(model: SequenceModel) -> bool:
    """Whether a model can `read` on from a state; others read a piece at once."""
    return hasattr(model, "read")


def read(
    model: SequenceModel, rows: Tensor, state: Sequence[Tensor]
) -> tuple[Tensor, Sequence[Tensor]]:
    """Features of rows after a state, and the state after them, of a model that carries one."""
    if not carries(model):
        return model.features(rows), state
    features, *after = model.read(rows, *state)  # type: ignore[operator]
    return features, after


def nats(model: SequenceModel, features: Tensor, targets: Tensor) -> Tensor:
    """Features and (..., C) the rows to foretell to (...) nats of each row."""
    if isinstance(model, FrameModel):
        logits = model.frame(features, targets)
        on = (logits[..., 1] - logits[..., 0]).float()
        wanted = targets.to(on.dtype)
        loss = nn.functional.binary_cross_entropy_with_logits(on, wanted, reduction="none")
        return loss.sum(-1)
    columns = [
        nn.functional.cross_entropy(
            logits.float().flatten(0, -2), targets[..., k].flatten(), reduction="none"
        )
        for k, logits in enumerate(model.heads(features, targets))
    ]
    return torch.stack(columns).sum(0).view(targets.shape[:-1])


def batches(pieces: Sequence[np.ndarray], most: int) -> Iterator[list[int]]:
    """Numbers of pieces of like length, so many that padded they hold at most `most` rows."""
    order = sorted(range(len(pieces)), key=lambda n: -len(pieces[n]))
    while order:
        take = max(1, most // max(len(pieces[order[0]]), 1))
        yield order[:take]
        order = order[take:]


def padded(pieces: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """(B, T, C) rows with zeros after the shorter pieces, and (B, T-1): which targets count."""
    lengths = [len(piece) for piece in pieces]
    rows = np.zeros((len(pieces), max(lengths), pieces[0].shape[1]), np.int64)
    for row, piece in zip(rows, pieces, strict=True):
        row[: len(piece)] = piece
    counts = np.arange(1, max(lengths))[None] < np.asarray(lengths)[:, None]
    return torch.from_numpy(rows), torch.from_numpy(counts)


@torch.no_grad()
def measure(
    model: SequenceModel, pieces: Sequence[np.ndarray], most: int = ROWS, stretch: int = STRETCH
) -> Measured:
    """What the pieces cost the model, which is left in evaluation mode."""
    model.eval()
    sums = np.zeros(len(pieces))
    for numbers in batches(pieces, most):
        rows, counts = padded([pieces[n] for n in numbers])
        length = rows.shape[1] - 1
        at_once = stretch if carries(model) else length
        state: Sequence[Tensor] = model.start(len(rows))
        for first in range(0, length, at_once):
            last = min(first + at_once, length)
            features, state = read(model, rows[:, first:last], state)
            cost = nats(model, features, rows[:, first + 1 : last + 1])
            kept = torch.where(counts[:, first:last], cost, 0.0)
            sums[numbers] += kept.double().sum(-1).numpy()
    scored = np.array([len(piece) - 1 for piece in pieces])
    return Measured(
        float(sums.sum() / scored.sum()), float((sums / scored).mean()), int(scored.sum())
    )
