"""What happens beside the loop: checkpoints, the log, samples, and reasons to stop."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import torch

from segue.errors import TrainingError
from segue.training.folder import RunFolder

LOG_EVERY = 10
CHECKPOINT_SECONDS = 60.0
"""A killed run loses at most this much and the step it was in."""


class Checkpoints(lightning.Callback):
    """Writes last.ckpt at each validation and every minute, and best.ckpt when it is the best.

    Both are written beside their place and renamed, so that `kill -9` leaves the old or the new.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.best = math.inf
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """Save when a minute has passed."""
        if time.monotonic() - self._saved_at > CHECKPOINT_SECONDS:
            self.save(trainer, self.folder.last)

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Save, and keep a copy if no validation was better."""
        if trainer.sanity_checking:
            return
        loss = float(trainer.callback_metrics["held_out/nats"])
        better = loss < self.best
        self.best = min(self.best, loss)
        self.save(trainer, self.folder.last)
        if better:
            beside = self.folder.best.with_suffix(".new")
            beside.unlink(missing_ok=True)
            os.link(self.folder.last, beside)
            beside.replace(self.folder.best)

    def save(self, trainer: lightning.Trainer, path: Path) -> None:
        """A checkpoint, whole or not at all."""
        beside = path.with_suffix(".part")
        trainer.save_checkpoint(beside)
        with beside.open("rb") as handle:
            os.fsync(handle.fileno())
        beside.replace(path)
        self._saved_at = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """The best loss so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it."""
        self.best = state_dict["best"]


class MetricsLog(lightning.Callback):
    """metrics.jsonl: one object a logged step, begun anew after the step a run resumes from."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Drop what a killed run logged after its last checkpoint: it is done again."""
        if not self.folder.metrics.exists():
            return
        kept = [
            line
            for line in self.folder.metrics.read_text("utf-8").splitlines()
            if line.endswith("}") and json.loads(line)["step"] <= trainer.global_step
        ]
        self.folder.metrics.write_text("".join(f"{line}\n" for line in kept), "utf-8")

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        *args: Any,
        **kw: Any,
    ) -> None:
        """Log the loss every few steps."""
        if trainer.global_step % LOG_EVERY == 0:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            self._append(trainer, {"train/nats": float(outputs["loss"]), "lr": rate})

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Log the held-out loss, in all and by column."""
        if not trainer.sanity_checking:
            metrics = trainer.callback_metrics.items()
            self._append(trainer, {k: float(v) for k, v in metrics if k.startswith("held_out/")})

    def _append(self, trainer: lightning.Trainer, values: dict[str, float]) -> None:
        with self.folder.metrics.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"step": trainer.global_step, **values}) + "\n")


class Samples(lightning.Callback):
    """A take at each validation, from the same seed, so that progress can be heard."""

    def __init__(self, folder: RunFolder, write_take: Callable[[Any, Path], None]) -> None:
        self.folder = folder
        self.write_take = write_take

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write .mid and .png."""
        if trainer.sanity_checking or trainer.global_rank:
            return
        training = pl_module.training
        self.write_take(pl_module.model, self.folder.sample(trainer.global_step))
        pl_module.train(training)


class EarlyStop(lightning.Callback):
    """Stops after `patience` validations without a better held-out loss; 0 never stops."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = math.inf
        self.waited = 0
        self.reason = ""

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Count."""
        if trainer.sanity_checking:
            return
        loss = float(trainer.callback_metrics["held_out/nats"])
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.patience and self.waited >= self.patience:
            self.reason = f"no better held-out loss in {self.waited} validations"
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """What has been counted."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.best, self.waited = state_dict["best"], state_dict["waited"]


class Limits(lightning.Callback):
    """Stops at a time limit, on Ctrl-C, and when the loss is no longer a number."""

    def __init__(self, max_minutes: float | None) -> None:
        self.max_minutes = max_minutes
        self.reason = ""
        self.interrupted = False
        self._began = 0.0
        self._before: Any = None

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start the clock and listen for Ctrl-C; a second one stops at once."""
        self._began = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        *args: Any,
        **kw: Any,
    ) -> None:
        """Look at the clock, the keyboard and the loss."""
        if self.interrupted:
            self.reason = "stopped by hand"
            trainer.should_stop = True
        minutes = (time.monotonic() - self._began) / 60
        if self.max_minutes is not None and minutes >= self.max_minutes:
            self.reason = f"{self.max_minutes:g} minutes are over"
            trainer.should_stop = True
        if not torch.isfinite(outputs["loss"]):
            raise TrainingError(
                f"the loss is {float(outputs['loss'])} at step {trainer.global_step}: training "
                "diverged. Try a smaller learning rate (--set train.lr=...) or a gradient limit "
                "(--set train.clip=1); the last checkpoint is from before."
            )

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Give Ctrl-C back."""
        self._restore()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Give Ctrl-C back."""
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
