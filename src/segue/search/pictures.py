"""Pictures of a search: how it went, what mattered, and which points did well."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segue.files import written_whole
from segue.search import parallel
from segue.search.look import (
    BEST,
    DPI,
    FAINT,
    INK,
    LINE,
    MUTED,
    ceiling_of,
    new_figure,
    own_style,
)
from segue.search.space import Space
from segue.search.table import Row, best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(
    folder: Path,
    rows: Sequence[Row],
    space: Space,
    importance: dict[str, float],
    baselines: dict[str, float],
) -> list[Path]:
    """Write history, importance and parallel as PNG and SVG; gives the paths written.

    Importance is left out where nothing can be said about it, and all where no trial is done.
    """
    if best(rows) is None:
        return []
    figures: dict[str, Callable[[], Figure]] = {
        "history": lambda: history(rows, baselines),
        "parallel": lambda: parallel.coordinates(rows, space),
    }
    if importance:
        figures["importance"] = lambda: bars(importance, rows)
    written = []
    for name, make in figures.items():
        with own_style():
            figure = make()
            for suffix, facts in ((".png", {"Software": None}), (".svg", {"Date": None})):
                path = folder / f"{name}{suffix}"
                with written_whole(path) as beside:
                    figure.savefig(beside, format=suffix[1:], dpi=DPI, metadata=facts)
                written.append(path)
    return written


def history(rows: Sequence[Row], baselines: dict[str, float]) -> Figure:
    """Each trial's held-out loss in the order they were begun, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    done = [row for row in rows if row.done]
    pruned = [row for row in rows if row.state == "pruned"]
    ceiling = ceiling_of([row.loss for row in done])
    figure, axes = new_figure(8.0, 4.2)
    _scatter(axes, done, ceiling, "trained to its end", LINE)
    _scatter(axes, pruned, ceiling, "pruned, at its last look", "none", MUTED)
    lowest = list(itertools.accumulate((row.loss for row in done), min))
    if len(rows) > done[-1].number + 1:
        done, lowest = [*done, rows[-1]], [*lowest, lowest[-1]]
    axes.step(
        [row.number for row in done], lowest, where="post", color=BEST, lw=1.4, label="best so far"
    )
    _draw_baselines(axes, baselines)
    axes.set_xlabel("trial")
    axes.set_ylabel("held-out loss, nats a row")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, borderpad=0)
    return figure


def _scatter(
    axes: Axes, rows: Sequence[Row], ceiling: float, label: str, face: str, edge: str = LINE
) -> None:
    """Points, and triangles at the edge for losses over the ceiling."""
    inside = [row for row in rows if row.loss <= ceiling]
    over = [row for row in rows if row.loss > ceiling]
    for shown, marker, told in ((inside, "o", label), (over, "^", f"{label}, over {ceiling:.3g}")):
        if shown:
            axes.scatter(
                [row.number for row in shown],
                [min(row.loss, ceiling) for row in shown],
                s=38,
                marker=marker,
                facecolors=face,
                edgecolors=edge,
                label=told,
                zorder=3,
            )


def _draw_baselines(axes: Axes, baselines: dict[str, float]) -> None:
    """Lines at those that are near the trials."""
    low, high = axes.get_ylim()
    reach = (high - low) / 2
    for name, value in baselines.items():
        if low - reach < value < high + reach:
            axes.axhline(value, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(
                f"{name} baseline",
                (0.99, value),
                (0, 3),
                xycoords=axes.get_yaxis_transform(),
                textcoords="offset points",
                ha="right",
                va="bottom",
                color=MUTED,
                zorder=2,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
            )


def bars(importance: dict[str, float], rows: Sequence[Row]) -> Figure:
    """Each key's share in reaching the best losses."""
    done = sum(row.done for row in rows)
    names = sorted(importance, key=lambda key: importance[key])
    figure, axes = new_figure(8.0, 1.5 + 0.42 * len(names))
    drawn = axes.barh(names, [importance[name] for name in names], color=LINE, height=0.6)
    axes.bar_label(drawn, [f"{importance[name]:.0%}" for name in names], padding=4, color=INK)
    axes.set_xlim(0, 1.08)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xlabel(f"share in reaching the best losses (PED-ANOVA, {done} trials)")
    axes.spines["left"].set_visible(False)
    return figure
