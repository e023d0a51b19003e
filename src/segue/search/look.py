"""How a search's pictures look: colours, fonts, and which losses are too high to draw in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, PALE, FAINT = "#2b2f36", "#6b727d", "#b9bfc8", "#e3e6ea"
LINE = "#3566b0"
BEST = "#d62728"
DPI = 110
SPREAD = 6.0
"""How many times further over the middle loss than the lowest is under it is still in place."""

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "svg.hashsalt": "segue",
    "svg.fonttype": "none",
}


@contextmanager
def own_style() -> Iterator[None]:
    """Our settings over matplotlib's defaults, whatever the user's own settings file says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A white figure of that many inches, with its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    return figure, figure.add_subplot()


def ceiling_of(values: Sequence[float]) -> float:
    """The largest loss to draw in its place: one that ran away would press the others flat."""
    ordered = sorted(values)
    lowest, middle = ordered[0], ordered[(len(ordered) - 1) // 2]
    limit = middle + SPREAD * max(middle - lowest, middle / 10)
    return max(value for value in ordered if value <= limit)
