"""A way to look on: a function that is told every held-out loss, and may end the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning

from segue.models.base import parameter_count


class Watch(lightning.Callback):
    """Tells `look(step, nats a row)` each held-out loss; what it raises ends the run.

    `parameters` is the size of the model once training has begun.
    """

    def __init__(self, look: Callable[[int, float], None]) -> None:
        self.look = look
        self.parameters = 0

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Count."""
        self.parameters = parameter_count(pl_module.model)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Tell."""
        if trainer.is_global_zero:
            self.look(trainer.global_step, float(trainer.callback_metrics["held_out/nats"]))
