"""What every model that plays row by row offers, and how parameters are counted.

Letters: B takes in a batch, T rows in a window, C columns of a row, V_k symbols of column k,
H features. A model turns rows into features (once a row), and its heads turn features into
logits, one column after another: the head of column k also sees columns 0 to k-1 of the row it
predicts, so that pitch can follow from onset, and length from pitch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn


class SequenceModel(nn.Module, ABC):
    """A model of the next row given all rows before it.

    `sizes` are the vocabulary sizes V_0 .. V_{C-1}; `window` is the number of rows it trains on.
    """

    many_to_one = False
    """True if the model learns only the row after a window (the seeds' scheme)."""

    def __init__(self, sizes: tuple[int, ...], window: int) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.window = window

    @abstractmethod
    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to (B, T, H) features, or (B, H) of the row after them if many-to-one."""

    @abstractmethod
    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H) features and (..., C) the row to predict to C logits of shape (..., V_k).

        Logits of column k depend on columns 0 to k-1 of `row` and on no other.
        """

    @abstractmethod
    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The state before any row, each tensor with the batch first."""

    @abstractmethod
    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row and the state to ((B, H) features, *new state)."""

    def forward(self, rows: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Teacher forcing: logits for each column of `targets`."""
        return self.heads(self.features(rows), targets)


def parameter_count(model: nn.Module) -> int:
    """Trainable parameters plus batch-norm statistics: the number Keras prints.

    A recurrent layer with one bias keeps torch's second bias at zero, frozen, and it is not
    counted (`models.recurrent`).
    """
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return trainable + sum(_statistics(m) for m in model.modules())


def _statistics(module: nn.Module) -> int:
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
        return 2 * module.num_features
    return 0


def layer_table(model: nn.Module) -> list[dict[str, Any]]:
    """One row a layer: its name, kind, sizes and parameters, in the order of the file."""
    table = []
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False)) + list(module.buffers(recurse=False))
        if (own or isinstance(module, nn.Dropout)) and name:
            count = sum(p.numel() for p in module.parameters(recurse=False) if p.requires_grad)
            table.append(
                {
                    "layer": name,
                    "kind": type(module).__name__,
                    "shape": module.extra_repr(),
                    "parameters": count + _statistics(module),
                }
            )
    return table


def summed_loss(logits: tuple[Tensor, ...], targets: Tensor, mask: Tensor) -> Tensor:
    """Negative log-likelihood in nats of each column, shape (C,), summed over rows where `mask`.

    `targets` is (..., C) and `mask` (...). Padding never enters the sum; divide by the number of
    rows that count, never by the size of a batch, and the mean does not change with either.
    """
    kept = mask.reshape(-1)
    losses = [
        nn.functional.cross_entropy(
            column.reshape(-1, column.shape[-1])[kept].float(),
            targets[..., k].reshape(-1)[kept].long(),
            reduction="sum",
        )
        for k, column in enumerate(logits)
    ]
    return torch.stack(losses)


def masked_loss(logits: tuple[Tensor, ...], targets: Tensor, mask: Tensor) -> Tensor:
    """`summed_loss` a row that counts: the mean nats of each column, shape (C,)."""
    return summed_loss(logits, targets, mask) / mask.sum()
