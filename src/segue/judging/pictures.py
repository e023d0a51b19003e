"""Pictures of judging a bundle: reliability, and drift measure by measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.evaluation.plots import COLOURS, MUTED, figure, label
from segue.judging.likelihood import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 20


def reliability(found: Evaluation, path: Path) -> Path:
    """How often the model is right against how sure it is, a line a head; dots by their counts.

    Fewer than `FEWEST` predictions alike make no dot.
    On the diagonal it is right as often as it says; under it, too sure of itself.
    """
    title = f"{found.bundle}: right as often as it is sure?"

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for number, (head, told) in enumerate(found.reliability.items()):
            sure, right, count = (each[told.curve()[2] >= FEWEST] for each in told.curve())
            colour = COLOURS[number % len(COLOURS)]
            size = 12 + 90 * np.sqrt(count / max(float(count.max(initial=1)), 1))
            named: dict[str, Any] = {"label": f"{head} (error {told.error:.3f})"}
            axes.plot(sure, right, color=colour, linewidth=1.6, **named)
            axes.scatter(sure, right, s=size, color=colour, alpha=0.75, linewidth=0, zorder=3)
        of = "that a cell sounds" if found.frames else "of its best guess"
        label(axes, title, f"how sure it is {of}", "share that came true")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        if found.reliability:
            axes.legend(loc="upper left")

    return figure(path, draw, size=(5.6, 5.4))
