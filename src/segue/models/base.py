"""What every model offers to training, and what those that play row by row offer to generation.

Letters: B takes in a batch, T rows in a window, C columns of a row, V_k symbols of column k,
H features. Three kinds of model:

- `SequenceModel` turns rows into features (once a row), and its heads turn features into logits,
  one column after another: the head of column k also sees columns 0 to k-1 of the row it
  predicts, so that pitch can follow from onset, and length from pitch.
- `models.frames.FrameModel` is one whose row is a frame of a roll: many alike columns, whose
  logits come as one tensor.
- `models.segments.SegmentModel` makes a whole window at once, from noise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn


class Model(nn.Module, ABC):
    """Anything that learns from windows of rows.

    `sizes` are the vocabulary sizes V_0 .. V_{C-1}; `window` is the number of rows it trains on.
    """

    plays: Literal["rows", "segments"] = "rows"
    """How it makes music: a row at a time, or whole windows."""
    many_to_one = False
    """True if the model learns only the row after a window (the seeds' scheme)."""
    likelihood = True
    """Whether `scores` are nats, which the baselines can be set beside, and `objective` too."""
    compiles = False
    """Whether `torch.compile` makes its steps shorter: not where rows are gone through in turn,
    which it would write out one by one."""
    packs = False
    """Whether it learns from windows that hold several pieces, told apart by their segments."""
    exportable = True
    """Whether it has an ONNX form; one without plays where torch is installed."""

    def __init__(self, sizes: tuple[int, ...], window: int) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.window = window

    def terms(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The names of the K scores, of a model of the encoding's `columns`: one a column."""
        return tuple(columns)

    @abstractmethod
    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """What held-out music costs, shape (K,), summed over the targets where `mask`.

        `rows` is (B, T, C); `targets` (B, T, C) and `mask` (B, T), or without T if many-to-one.
        """

    def objective(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """What training makes small, a scalar, summed as `scores` are; their sum by default."""
        return self.scores(rows, targets, mask).sum()

    def packed_objective(
        self, rows: Tensor, targets: Tensor, mask: Tensor, segments: Tensor
    ) -> Tensor:
        """`objective` where windows hold several pieces, numbered by `segments`, (B, T)."""
        raise NotImplementedError

    def begin_step(self, step: int) -> None:
        """Called before each training step; warm-ups that follow from its number go here."""


class SequenceModel(Model):
    """A model of the next row given all rows before it."""

    endless = True
    """Whether `features` of however many rows are what `step` gives, one row after another; not so
    of a model that sees only the last `window` rows while playing."""
    slots_axis = 0
    """The axis on which a state's caches have `window` slots, one a row, of a model that has such.

    Tensors of the state with so many axes are caches: `step` puts a row's own values into slot
    `rows read % window` and reads the cache only then. While fewer than S rows were read, the first
    S slots are enough. 0: no caches."""
    rows_read: int | None = None
    """Which tensor of the state counts the rows read, of a model whose caches are written by
    `models.caches.Place`."""

    @abstractmethod
    def features(self, rows: Tensor) -> Tensor:
        """(B, T, C) rows to (B, T, H) features, or (B, H) of the row after them if many-to-one."""

    @abstractmethod
    def heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """(..., H) features and (..., C) the row to predict to C logits of shape (..., V_k).

        Logits of column k depend on columns 0 to k-1 of `row` and on no other.
        """

    def scored_heads(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        """The logits that `scores` are told by: `heads`, unless a model plays by others."""
        return self.heads(features, row)

    @abstractmethod
    def start(self, batch: int) -> tuple[Tensor, ...]:
        """The state before any row, each tensor with the batch first."""

    @abstractmethod
    def step(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """(B, C) one row and the state to ((B, H) features, *new state)."""

    def packed_features(self, rows: Tensor, segments: Tensor) -> Tensor:
        """`features` where windows hold several pieces, as if each were alone.

        A piece has one number in `segments`, (B, T), and lies in one run; -1 is no piece.
        """
        raise NotImplementedError

    def packed_objective(
        self, rows: Tensor, targets: Tensor, mask: Tensor, segments: Tensor
    ) -> Tensor:
        """Nats, a scalar, summed as `scores` are."""
        features = self.packed_features(rows, segments)
        return summed_loss(self.heads(features, targets), targets, mask).sum()

    def forward(self, rows: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Teacher forcing: logits for each column of `targets`."""
        return self.heads(self.features(rows), targets)

    def scores(self, rows: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Nats of each column, shape (C,)."""
        return summed_loss(self(rows, targets), targets, mask)


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
