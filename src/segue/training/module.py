"""The one Lightning module: any Model, its loss and its optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor

from segue.models.base import Model
from segue.recipes.schema import Recipe, TrainTable
from segue.training.muon import MuonAdamW
from segue.training.stream import TensorBatch

# A prime far from any step count, so that runs with neighbouring seeds share no step's dropout.
_SEED_STRIDE = 1_000_000_007


class Learner(lightning.LightningModule):
    """Trains a model on rows by its own objective, and scores it on held-out ones.

    A step's loss is a mean over the rows that count in the whole step, whatever parts and ranks
    it is computed in: gradients are those of one process. All randomness inside a part is seeded
    from the run's seed and the part's number, so a resumed run repeats an uninterrupted one bit
    for bit on the CPU.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        columns: Sequence[str],
        seed: int,
        *,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self._objective: Callable[..., Tensor] = model.objective
        self._packed_objective: Callable[..., Tensor] = model.packed_objective
        if compiled:
            self._objective = torch.compile(model.objective)
            self._packed_objective = torch.compile(model.packed_objective)
        self.recipe = recipe
        self.terms = model.terms(columns)
        self.seed = seed
        self.step_nats = 0.0
        """The mean objective a row of the step in progress, over this rank's parts so far."""
        self._sums = torch.zeros(len(self.terms), dtype=torch.float64)
        self._rows = 0

    def summed(self, batch: TensorBatch) -> Tensor:
        """The model's scores, shape (terms,), summed over the rows that count."""
        return self.model.scores(batch.rows, batch.targets, batch.mask)

    def on_train_batch_start(self, batch: TensorBatch, batch_idx: int) -> None:
        """Seed this part's chance: dropout, and what latents are drawn."""
        parts = self.recipe.train.accumulate
        part = batch_idx % parts + self.global_rank * parts
        if batch_idx % parts == 0:
            self.step_nats = 0.0
            self.model.begin_step(self.global_step)
        torch.manual_seed((self.seed * _SEED_STRIDE + self.global_step * 65_537 + part) % 2**63)

    def training_step(self, batch: TensorBatch, batch_idx: int) -> Tensor:
        """One part of a step: its share of the step's mean objective a row.

        Lightning takes the mean over parts and ranks, which `batch.parts` makes up for.
        """
        known = batch.rows, batch.targets, batch.mask
        if batch.segments is None:
            whole = self._objective(*known)
        else:
            whole = self._packed_objective(*known, batch.segments)
        loss = whole * (batch.parts / batch.total)
        self.step_nats += float(loss.detach()) / self.recipe.train.accumulate
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin the sums anew, with the same chance each time."""
        torch.manual_seed(self.seed)
        self._sums.zero_()
        self._rows = 0

    def validation_step(self, batch: TensorBatch, batch_idx: int) -> None:
        """Add up scores and rows: the mean is over rows, never over batches or padding."""
        self._sums += self.summed(batch).double().cpu()
        self._rows += int(batch.mask.sum())

    def on_validation_epoch_end(self) -> None:
        """Log the held-out scores a row, in all and by term."""
        sums = torch.cat([self._sums, torch.tensor([float(self._rows)], dtype=torch.float64)])
        if self.trainer.world_size > 1:
            sums = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum").cpu()
        means = sums[:-1] / sums[-1].clamp(min=1)
        self.log("held_out/nats", means.sum().float(), rank_zero_only=True)
        for name, value in zip(self.terms, means.tolist(), strict=True):
            self.log(f"held_out/{name}", value, rank_zero_only=True)

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


def make_optimiser(model: Model, table: TrainTable) -> torch.optim.Optimizer:
    """The optimiser with the constants of Keras where a seed relies on them."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    decay = table.weight_decay
    if table.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=table.lr, alpha=0.9, eps=1e-7, weight_decay=decay)
    if table.optimiser == "adadelta":
        return torch.optim.Adadelta(parameters, lr=table.lr, rho=0.95, weight_decay=decay)
    if table.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=table.lr, weight_decay=decay)
    if table.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=table.lr, eps=1e-7, weight_decay=decay)
    if table.optimiser == "muon":
        return MuonAdamW(model, table.lr, decay, model.sizes)
    return torch.optim.AdamW(parameters, lr=table.lr, weight_decay=decay)


FLOOR = 0.02
"""Schedules end at this share of the full learning rate."""


def rate_at(step: int, table: TrainTable) -> float:
    """The share of the full learning rate at a step: a linear rise, then the schedule."""
    if step < table.warmup:
        return (step + 1) / table.warmup
    done = min((step - table.warmup) / max(table.max_steps - table.warmup, 1), 1.0)
    falls = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}
    return FLOOR + (1 - FLOOR) * falls[table.schedule]
