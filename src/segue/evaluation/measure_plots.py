"""Pictures of measures: how they are spread in two sets of music, and how far the sets overlap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.evaluation.compare_sets import Overlap, Profile
from segue.evaluation.measures import MEASURES
from segue.evaluation.plots import BLUE, FAINT, INK, MUTED, RED, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS = 4
BINS = 16


def spreads(path: str | Path, sets: Mapping[str, Profile], names: Sequence[str]) -> Path | None:
    """A small histogram a measure, one colour a set; None if no measure has two numbers.

    Only measures of one number are drawn, those that some piece has.
    """
    shown = [name for name in names if name in MEASURES and _spread(sets, name)]
    if not shown:
        return None
    rows = math.ceil(len(shown) / ACROSS)

    def draw(grid: NDArray[Any]) -> None:
        for axes, name in zip(grid.ravel(), shown, strict=False):
            _small_histogram(axes, name, sets)
        for axes in grid.ravel()[len(shown) :]:
            axes.set_visible(False)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        grid[0, 0].figure.legend(handles, labels, loc="outside upper left", ncols=len(sets))

    return figure(path, draw, size=(11, 0.4 + 1.75 * rows), panels=(rows, ACROSS))


def _values(profile: Profile, name: str) -> NDArray[np.float64]:
    values = profile[name][:, 0]
    return values[np.isfinite(values)]


def _spread(sets: Mapping[str, Profile], name: str) -> bool:
    return sum(len(_values(each, name)) for each in sets.values()) > 1


def _small_histogram(axes: Axes, name: str, sets: Mapping[str, Profile]) -> None:
    found = {told: _values(each, name) for told, each in sets.items()}
    edges: Any = np.histogram_bin_edges(np.concatenate(list(found.values())), BINS)
    for colour, (told, values) in zip((RED, BLUE), found.items(), strict=False):
        weights = np.full(len(values), 1 / max(len(values), 1))
        axes.hist(values, edges, weights=weights, color=colour, alpha=0.35, label=told)
        axes.hist(values, edges, weights=weights, color=colour, histtype="step")
    axes.set_title(name.replace("_", " "), fontsize=9, pad=4)
    axes.set_xlabel(MEASURES[name].unit, fontsize=8, color=MUTED)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelsize=8)


def overlaps(path: str | Path, found: Mapping[str, Overlap], *, title: str) -> Path | None:
    """A bar a measure: its overlap with real music, marked where real music overlaps with itself.

    Lowest first, so that what is least like real music is read first; None if nothing is defined.
    """
    rows = sorted(
        ((o.like_real, o.real_itself, name) for name, o in found.items() if o.like_real >= 0),
        reverse=True,
    )
    if not rows:
        return None

    def draw(axes: Axes) -> None:
        place = np.arange(len(rows))
        area, itself, names = zip(*rows, strict=True)
        axes.barh(place, area, height=0.62, color=RED, alpha=0.75, label="these pieces")
        axes.barh(place, 1, height=0.62, color=FAINT, zorder=0.5)
        axes.scatter(
            itself, place, marker="|", s=70, color=INK, zorder=3, label="real music itself"
        )
        axes.set_yticks(place, [name.replace("_", " ") for name in names])
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_xlim(0, 1.02)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        label(axes, title, "overlapped area", "")
        axes.grid(visible=False)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)

    return figure(path, draw, size=(8, 1.3 + 0.24 * len(rows)))
