"""Reasons to stop a run before its last step."""

from __future__ import annotations

import math
import signal
import threading
import time
from types import FrameType
from typing import Any

import lightning

from segue.errors import TrainingError
from segue.training.callbacks import AtStepEnd

PATIENCE_WHEN_LOST = 200
"""Steps in a row with a loss far over guessing after which a run is called diverged."""


class EarlyStop(lightning.Callback):
    """Stops after `patience` validations without a better held-out loss; 0 never stops."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = math.inf
        self.waited = 0
        self.reason = ""

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Count."""
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


class Diverging(AtStepEnd):
    """Stops a run whose loss is no number, or stays twice as high as guessing would be."""

    def __init__(self, uniform: float) -> None:
        self.uniform = uniform
        self._lost = 0

    def at_step_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """Look at the loss."""
        nats = module.step_nats
        self._lost = self._lost + 1 if nats > 2 * self.uniform else 0
        if math.isfinite(nats) and self._lost < PATIENCE_WHEN_LOST:
            return
        guessing = f" nats a row (guessing is {self.uniform:.4g})" * math.isfinite(self.uniform)
        raise TrainingError(
            f"training diverged: the loss is {nats:.4g}{guessing} at step "
            f"{trainer.global_step}. Try a smaller learning rate "
            "(--set train.lr=...), a gradient limit (--set train.clip=1) or "
            "--set train.precision=fp32; the last checkpoint is from before."
        )


class Limits(AtStepEnd):
    """Stops at a time limit and on Ctrl-C, after the step in progress."""

    def __init__(self, max_minutes: float | None) -> None:
        self.max_minutes = max_minutes
        self.reason = ""
        self.interrupted = False
        self._began = 0.0
        self._before: Any = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Start the clock and listen for Ctrl-C; a second one stops at once."""
        self._began = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True

    def at_step_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """Look at the keyboard and the clock; ranks stop together."""
        minutes = (time.monotonic() - self._began) / 60
        over = self.max_minutes is not None and minutes >= self.max_minutes
        if trainer.world_size > 1:
            decide = trainer.strategy.reduce_boolean_decision
            self.interrupted = decide(self.interrupted, all=False)
            over = decide(over, all=False)
        if self.interrupted:
            self.reason = "stopped by hand"
        elif over:
            self.reason = f"{self.max_minutes:g} minutes are over"
        if self.reason:
            trainer.should_stop = True

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Give Ctrl-C back."""
        self._restore()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: Any, exception: BaseException
    ) -> None:
        """Give Ctrl-C back."""
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
