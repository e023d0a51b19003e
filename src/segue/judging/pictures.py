"""Pictures of judging a bundle: reliability, and drift measure by measure."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.evaluation.plots import BLUE, COLOURS, INK, MUTED, RED, figure, label
from segue.judging.drift import Drift, Measured
from segue.judging.likelihood import Evaluation
from segue.judging.profile import SURPRISE

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


def drift_pictures(found: Drift, folder: Path, suffix: str = ".png") -> list[Path]:
    """A page for each measure, named after it, and all of them on `drift`: two curves and the area
    between (as seed S2 drew it), red where the limit is passed."""
    drawn = [
        figure(folder / f"{measure.name}{suffix}", partial(_curves, measure, found), size=(7, 4))
        for measure in found.measures
    ]
    rows = -(-len(found.measures) // 2)

    def page(panels: Any) -> None:
        for axes, measure in zip_longest(panels.ravel(), found.measures):
            if measure is None:
                axes.set_axis_off()
            else:
                _curves(measure, found, axes)

    whole = figure(folder / f"drift{suffix}", page, size=(12, 3.4 * rows), panels=(rows, 2))
    return [whole, *drawn]


def _curves(measure: Measured, found: Drift, axes: Axes) -> None:
    x, known, new = measure.centres, measure.reference, measure.new
    of = "held out" if measure.name == SURPRISE else "trained on"
    colour, strength = (RED, 0.28) if measure.alarm else (BLUE, 0.16)
    axes.fill_between(x, known, new, color=colour, alpha=strength, linewidth=0)
    axes.plot(x, known, color=INK, linewidth=1.4, label=of)
    axes.plot(x, new, color=colour, linewidth=1.4, label=f"new ({len(found.pieces)} pieces)")
    past = "past its limit" if measure.alarm else "within its limit"
    limit = "no limit known" if np.isnan(measure.limit) else f"{past} {measure.limit:.3f}"
    title = f"{measure.title}: {measure.distance:.3f}, {limit}"
    label(axes, title, measure.across, "share")
    axes.set_ylim(bottom=0)
    if measure.across == "seconds":
        axes.set_xscale("log", base=2)
        ticks = [2.0**k for k in range(-6, 5, 2)]
        axes.set_xticks(ticks, [f"1/{round(1 / t)}" if t < 1 else f"{t:g}" for t in ticks])
        axes.minorticks_off()
    else:
        _cropped(axes, x, known + new)
    axes.legend(loc="upper right")


def _cropped(axes: Axes, x: Any, either: Any) -> None:
    """The range in which there is anything to see, whole where that is nearly all."""
    held = np.flatnonzero(either > either.max() * 1e-3)
    if len(held):
        room = max((x[held[-1]] - x[held[0]]) * 0.03, abs(x[1] - x[0]))
        axes.set_xlim(x[held[0]] - room, x[held[-1]] + room)
