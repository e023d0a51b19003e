"""The progress line of a training: loss, speed and the time left."""

from __future__ import annotations

import math
import time
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressLine(lightning.Callback):
    """A rich progress bar on `console`, and a line a validation.

    `notes_a_row` turns nats a row into nats a note, which other encodings can be compared by. A
    model whose scores are not nats has no `baselines`.
    """

    def __init__(self, console: Console, baselines: dict[str, float], notes_a_row: float) -> None:
        self.console = console
        self.baselines = baselines
        self.notes_a_row = notes_a_row
        self._bar: Progress | None = None
        self._rows = 0
        self._since = time.monotonic()
        self._loss = math.nan

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Show the bar."""
        self._rows, self._since = 0, time.monotonic()
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._bar.start()
        self._task = self._bar.add_task(
            "training", total=trainer.max_steps, completed=trainer.global_step, told=""
        )

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: Any,
        outputs: Any,
        batch: Any,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Move it on."""
        self._rows += int(batch.mask.sum()) * trainer.world_size
        loss = float(outputs["loss"])
        self._loss = loss if math.isnan(self._loss) else 0.95 * self._loss + 0.05 * loss
        speed = self._rows * self.notes_a_row / max(time.monotonic() - self._since, 1e-9)
        if self._bar is not None:
            told = f"{self._loss / self.notes_a_row:.3f} nats a note, " * bool(self.baselines)
            told += f"{speed:,.0f} notes a second"
            self._bar.update(self._task, completed=trainer.global_step, told=told)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Say how the held-out loss stands beside the baselines."""
        if not trainer.is_global_zero:
            return
        loss = float(trainer.callback_metrics["held_out/nats"])
        if not self.baselines:
            self.console.print(
                f"step {trainer.global_step:>6}  training {self._loss:.4g}  held-out {loss:.4g}",
                highlight=False,
            )
            return
        beaten = [name for name, value in self.baselines.items() if loss < value]
        verdict = f"under {', '.join(beaten)}" if beaten else "not yet under guessing"
        self.console.print(
            f"step {trainer.global_step:>6}  training {self._loss:.3f}  held-out {loss:.3f} nats "
            f"a row, {loss / self.notes_a_row:.3f} a note  ({verdict})",
            highlight=False,
            soft_wrap=True,
        )

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Take the bar away."""
        self._stop()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: Any, exception: BaseException
    ) -> None:
        """Take the bar away."""
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
