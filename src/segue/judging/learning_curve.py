"""What the log of a training tells of it: whether it learned, still learns, or learns by heart."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"
STILL_FALLING = 0.005
"""The share by which the last look is under the one before it, if learning is not over."""
RISEN = 0.02
"""The share by which the last look is over the lowest one, if more steps do harm."""


@dataclass(frozen=True)
class Curve:
    """Held-out losses by step, and training losses by step, in the order of the steps."""

    looks: tuple[tuple[int, float], ...] = ()
    training: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, run: Path) -> Curve:
        """From a run's `metrics.jsonl`; empty without one. Lines that are no JSON do not count."""
        try:
            text = (run / METRICS).read_text(encoding="utf-8")
        except OSError:
            return cls()
        return cls.of_lines(_lines(text))

    @classmethod
    def of_lines(cls, lines: list[dict[str, Any]]) -> Curve:
        """From what the lines hold."""
        looks = {each["step"]: each["held_out/nats"] for each in lines if "held_out/nats" in each}
        training = {each["step"]: each["train/nats"] for each in lines if "train/nats" in each}
        return cls(tuple(sorted(looks.items())), tuple(sorted(training.items())))

    def lines(self) -> list[dict[str, float]]:
        """As the log holds them, for a picture."""
        held_out = [{"step": step, "held_out/nats": loss} for step, loss in self.looks]
        return [{"step": step, "train/nats": loss} for step, loss in self.training] + held_out

    @property
    def steps(self) -> int:
        """The last step that is told of."""
        return max([step for step, _ in (*self.looks, *self.training)], default=0)

    @property
    def broken(self) -> bool:
        """Whether some loss is no number."""
        every = (*self.looks, *self.training)
        return any(loss is None or not math.isfinite(loss) for _, loss in every)

    @property
    def lowest(self) -> tuple[int, float] | None:
        """Step and loss of the best look; None without looks."""
        return min(self._known(), key=lambda look: look[1], default=None)

    @property
    def falling(self) -> float | None:
        """The share by which the last look is lower than the one before; None if learning is over.

        A training that was looked at once, at its end, tells nothing: None too.
        """
        known = self._known()
        if len(known) < 2 or self.lowest != known[-1]:
            return None
        share = 1 - known[-1][1] / known[-2][1] if known[-2][1] > 0 else 0.0
        return share if share > STILL_FALLING else None

    @property
    def risen(self) -> float | None:
        """The share by which the last look is higher than the lowest; None if it is not."""
        known, lowest = self._known(), self.lowest
        if len(known) < 2 or lowest is None or lowest[1] <= 0:
            return None
        share = known[-1][1] / lowest[1] - 1
        return share if share > RISEN else None

    def _known(self) -> list[tuple[int, float]]:
        return [(s, loss) for s, loss in self.looks if loss is not None and math.isfinite(loss)]


def _lines(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.splitlines():
        try:
            each = json.loads(line)
        except ValueError:
            continue
        if isinstance(each, Mapping) and isinstance(each.get("step"), int):
            found.append(dict(each))
    return found
