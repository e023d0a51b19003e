"""The one Lightning module: any SequenceModel, its loss and its optimiser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor

from segue.models.base import SequenceModel, masked_loss
from segue.recipes.schema import Recipe, TrainTable
from segue.training.stream import TensorBatch

# A prime far from any step count, so that runs with neighbouring seeds share no step's dropout.
_SEED_STRIDE = 1_000_000_007


class SequenceModule(lightning.LightningModule):
    """Trains a model on rows; the loss of a row is the sum over its columns, in nats.

    All randomness inside a step is seeded from the run's seed and the step's number, so a resumed
    run repeats an uninterrupted one bit for bit on the CPU.
    """

    def __init__(self, model: SequenceModel, recipe: Recipe, columns: Sequence[str], seed: int):
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.columns = tuple(columns)
        self.seed = seed
        self._sums = torch.zeros(len(self.columns), dtype=torch.float64)
        self._rows = 0

    def losses(self, batch: TensorBatch) -> Tensor:
        """Mean nats of each column, shape (C,)."""
        return masked_loss(self.model(batch.rows, batch.targets), batch.targets, batch.mask)

    def on_train_batch_start(self, batch: TensorBatch, batch_idx: int) -> None:
        """Seed this step's dropout."""
        step = self.global_step * self.trainer.world_size + self.global_rank
        torch.manual_seed((self.seed * _SEED_STRIDE + step) % 2**63)

    def training_step(self, batch: TensorBatch, batch_idx: int) -> Tensor:
        """One step: the sum over columns of the mean nats."""
        loss = self.losses(batch).sum()
        self.log("train/nats", loss.detach(), on_step=True, on_epoch=False)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin the sums anew."""
        self._sums.zero_()
        self._rows = 0

    def validation_step(self, batch: TensorBatch, batch_idx: int) -> None:
        """Add up nats and rows: the mean is over rows, never over batches or padding."""
        rows = int(batch.mask.sum())
        if rows:
            self._sums += self.losses(batch).double().cpu() * rows
            self._rows += rows

    def on_validation_epoch_end(self) -> None:
        """Log the held-out nats a row, in all and by column."""
        means = self._sums / max(self._rows, 1)
        self.log("held_out/nats", means.sum().float())
        for name, value in zip(self.columns, means.tolist(), strict=True):
            self.log(f"held_out/{name}", value)

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser and schedule."""
        optimiser = make_optimiser(self.model, self.recipe.train)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: rate_at(step, self.recipe.train)
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def make_optimiser(model: torch.nn.Module, table: TrainTable) -> torch.optim.Optimizer:
    """The optimiser with the constants of Keras where a seed relies on them."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    decay = table.weight_decay
    if table.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=table.lr, alpha=0.9, eps=1e-7, weight_decay=decay)
    if table.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=table.lr, weight_decay=decay)
    if table.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=table.lr, eps=1e-7, weight_decay=decay)
    return torch.optim.AdamW(parameters, lr=table.lr, weight_decay=decay)


def rate_at(step: int, table: TrainTable) -> float:
    """The share of the full learning rate at a step: a linear rise, then the schedule."""
    if step < table.warmup:
        return (step + 1) / table.warmup
    if table.schedule == "constant":
        return 1.0
    done = (step - table.warmup) / max(table.max_steps - table.warmup, 1)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
