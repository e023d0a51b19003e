"""What happens beside the loop: checkpoints, the log and samples."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import torch

from segue.training.folder import RunFolder

LOG_EVERY = 10
CHECKPOINT_SECONDS = 60.0
"""A killed run loses at most this much and the step it was in."""


class AtStepEnd(lightning.Callback):
    """Calls `at_step_end` once a step, after the last of the parts it was computed in."""

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Wait for the last part."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            self.at_step_end(trainer, pl_module)

    def at_step_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """What the callback does after a step."""


class Checkpoints(AtStepEnd):
    """Writes last.ckpt at each validation, every minute and when the run is to stop.

    best.ckpt is the one with the lowest held-out loss. Both are written beside their place and
    renamed, so that `kill -9` leaves the old or the new.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.best = math.inf
        self.validated_at = -1
        self._saved_at = time.monotonic()

    def at_step_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """Save when a minute has passed; ranks save together, so several wait for a validation."""
        alone = trainer.world_size == 1
        due = alone and time.monotonic() - self._saved_at > CHECKPOINT_SECONDS
        if due or trainer.should_stop:
            self.save(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Save, and keep a copy if no validation was better."""
        loss = float(trainer.callback_metrics["held_out/nats"])
        self.validated_at = trainer.global_step
        better = loss < self.best
        self.best = min(self.best, loss)
        self.save(trainer)
        if better and trainer.is_global_zero:
            beside = self.folder.best.with_suffix(".new")
            beside.unlink(missing_ok=True)
            os.link(self.folder.last, beside)
            beside.replace(self.folder.best)

    def save(self, trainer: lightning.Trainer) -> None:
        """last.ckpt, whole or not at all."""
        beside = self.folder.last.with_suffix(".part")
        trainer.save_checkpoint(beside)
        if trainer.is_global_zero:
            with beside.open("rb") as handle:
                os.fsync(handle.fileno())
            beside.replace(self.folder.last)
        self._saved_at = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """The best loss so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it."""
        self.best = state_dict["best"]


class MetricsLog(AtStepEnd):
    """metrics.jsonl and TensorBoard scalars, begun anew after the step a run resumes from."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Drop what a killed run logged after its last checkpoint: it is done again."""
        if not self.folder.metrics.exists() or not trainer.is_global_zero:
            return
        kept = [
            line
            for line in self.folder.metrics.read_text("utf-8").splitlines()
            if line.endswith("}") and json.loads(line)["step"] <= trainer.global_step
        ]
        self.folder.metrics.write_text("".join(f"{line}\n" for line in kept), "utf-8")

    def at_step_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """Log the loss every few steps, over all ranks."""
        if trainer.global_step % LOG_EVERY:
            return
        nats = torch.tensor(module.step_nats, dtype=torch.float64, device=module.device)
        nats = trainer.strategy.reduce(nats, reduce_op="mean")
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self._append(trainer, {"train/nats": float(nats), "lr": rate})

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Log the held-out loss, in all and by column."""
        metrics = trainer.callback_metrics.items()
        self._append(trainer, {k: float(v) for k, v in metrics if k.startswith("held_out/")})

    def _append(self, trainer: lightning.Trainer, values: dict[str, float]) -> None:
        if not trainer.is_global_zero:
            return
        with self.folder.metrics.open("a", encoding="utf-8") as handle:
            line = {"step": trainer.global_step, "time": round(time.time(), 3), **values}
            handle.write(json.dumps(line) + "\n")
        if trainer.logger is not None:
            trainer.logger.log_metrics(values, step=trainer.global_step)


class Samples(lightning.Callback):
    """A take at each validation, from the same seed, so that progress can be heard."""

    def __init__(
        self, folder: RunFolder, write_take: Callable[[Any, Path, Any, int], None]
    ) -> None:
        self.folder = folder
        self.write_take = write_take

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Write .mid and .png, and show picture and sound in TensorBoard."""
        if not trainer.is_global_zero or _sharded(trainer):
            return
        training = pl_module.training
        step = trainer.global_step
        board = getattr(trainer.logger, "experiment", None)
        self.write_take(pl_module.model, self.folder.sample(step), board, step)
        pl_module.train(training)


def _sharded(trainer: lightning.Trainer) -> bool:
    """Whether no single rank holds the whole model."""
    return "FSDP" in type(trainer.strategy).__name__
