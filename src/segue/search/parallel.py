"""Parallel coordinates: a line a trial, through its value on each dimension to its loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from segue.search.look import BEST, INK, MUTED, PALE, ceiling_of, new_figure
from segue.search.space import Choice, Dimension, Space
from segue.search.table import Row, best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = "viridis"
"""Dark is a low loss."""
LIGHTEST = 0.85
MOST_TICKS = 9
FAN = 0.045
"""How far lines of one value stand apart, so that each can be followed."""


def coordinates(rows: Sequence[Row], space: Space) -> Figure:
    """The figure, of at least one trial that is done; pruned trials are pale and have no loss."""
    import matplotlib as mpl

    done = [row for row in rows if row.done]
    pruned = [row for row in rows if row.state == "pruned"]
    leader = best(done)
    assert leader is not None
    losses = _Losses([row.loss for row in done])
    axes_of = [_Axis(dimension) for dimension in space.dimensions]
    count = len(axes_of)
    figure, axes = new_figure(max(6.5, 2.6 * (count + 1)), 4.8)
    fan = _fan([*done, *pruned])
    for row in pruned:
        heights = [axis.height(row, fan[row.number]) for axis in axes_of]
        axes.plot(range(count), heights, color=PALE, linewidth=1.2, zorder=1)
    for row in sorted(done, key=lambda row: row.loss, reverse=True):
        heights = [axis.height(row, fan[row.number]) for axis in axes_of]
        at = losses.height(row.loss)
        is_best = row.number == leader.number
        colour = BEST if is_best else mpl.colormaps[COLOURS](LIGHTEST * at)
        width, depth = (2.8, 4) if is_best else (1.6, 2)
        axes.plot(range(count + 1), [*heights, at], color=colour, linewidth=width, zorder=depth)
    for x, axis in enumerate(axes_of):
        _vertical(axes, x, axis.dimension.key, axis.ticks())
    _vertical(axes, count, "held-out nats a row", losses.ticks())
    _legend(axes, leader, bool(pruned))
    axes.set_xlim(-0.25, count + 0.35)
    axes.set_ylim(-0.05, 1.05)
    axes.axis("off")
    return figure


def _fan(rows: Sequence[Row]) -> dict[int, float]:
    """A small shift for each trial by its number."""
    middle = (len(rows) - 1) / 2
    return {row.number: FAN * (i - middle) / max(middle, 1) for i, row in enumerate(rows)}


class _Losses:
    """The last axis, from the lowest loss to the highest that is drawn in its place."""

    def __init__(self, losses: Sequence[float]) -> None:
        self.low, self.high = min(losses), ceiling_of(losses)
        self.over = max(losses) > self.high

    def height(self, nats: float) -> float:
        """Where a loss stands, 0 to 1."""
        if self.high == self.low:
            return 0.0 if nats <= self.high else 1.0
        return (min(nats, self.high) - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Five losses, the topmost "and over" if some are."""
        if self.high == self.low:
            return [(0.0, f"{self.low:.3f}")]
        share = [i / 4 for i in range(5)]
        told = [f"{self.low + (self.high - self.low) * s:.3f}" for s in share]
        told[-1] += " and over" if self.over else ""
        return list(zip(share, told, strict=True))


class _Axis:
    """One dimension's axis: where a trial's value stands on it, between 0 and 1."""

    def __init__(self, dimension: Dimension) -> None:
        self.dimension = dimension

    def height(self, row: Row, shift: float) -> float:
        """Where the trial crosses it, shifted where several trials share few values."""
        few = self.dimension.points is not None and self.dimension.points <= MOST_TICKS
        return self._at(row.labels[self.dimension.key]) + (shift if few else 0.0)

    def _at(self, label: Any) -> float:
        d = self.dimension
        if isinstance(d, Choice):
            return (d.index(label) + 0.5) / d.points
        if d.low == d.high:
            return 0.5
        if d.log:
            return math.log(label / d.low) / math.log(d.high / d.low)
        return float((label - d.low) / (d.high - d.low))

    def ticks(self) -> list[tuple[float, str]]:
        """Heights and what is written there."""
        return [
            (self._at(label), f"{label:.3g}" if isinstance(label, float) else str(label))
            for label in self._labels()
        ]

    def _labels(self) -> list[Any]:
        d = self.dimension
        if isinstance(d, Choice):
            return d.labels
        if d.points is not None and d.points <= MOST_TICKS:
            return [d.label(i) for i in range(d.points)]
        share = [i / 4 for i in range(5)]
        if d.log:
            values = [d.low * (d.high / d.low) ** s for s in share]
        else:
            values = [d.low + (d.high - d.low) * s for s in share]
        return [round(value) for value in values] if d.whole else values


def _vertical(axes: Axes, x: int, name: str, ticks: Sequence[tuple[float, str]]) -> None:
    axes.plot([x, x], [-0.03, 1.03], color=MUTED, linewidth=1.0, zorder=5)
    axes.text(x, 1.07, name, ha="center", va="bottom", color=INK)
    box = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    for y, text in ticks:
        axes.plot([x - 0.012, x + 0.012], [y, y], color=MUTED, linewidth=1.0, zorder=5)
        axes.text(x + 0.03, y, text, va="center", color=INK, fontsize=8.5, zorder=6, bbox=box)


def _legend(axes: Axes, leader: Row, any_pruned: bool) -> None:
    axes.plot([], [], color=BEST, linewidth=2.8, label=f"the best, trial {leader.number}")
    if any_pruned:
        axes.plot([], [], color=PALE, linewidth=1.2, label="pruned")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2, frameon=False)
