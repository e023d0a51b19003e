"""Pictures of judging, all in one look: PNG or SVG by suffix, the same input the same bytes.

`figure` opens a page, lets a function draw on its axes and saves it whole; the other functions are
what the verbs draw. Drawn with matplotlib's own figures (no pyplot, so no state outside the page).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue.errors import FormatError
from segue.evaluation.measures.structure import similarity
from segue.files import written_whole
from segue.score import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

INK, MUTED, PALE, FAINT = "#2b2f36", "#6b727d", "#b9bfc8", "#e3e6ea"
BLUE, RED = "#3566b0", "#d62728"
COLOURS = (BLUE, "#e0812c", "#3a9a5b", "#8a5fb5", "#c9a227", "#2b9aa8", "#b8517f", "#7a6a58")
"""What lines and sets are told apart by; red is kept for what is predicted, alarming or wrong."""
DPI = 110
SUFFIXES = (".png", ".svg")
SIZE = (8.0, 4.2)
FEW = 24

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "svg.hashsalt": "segue",
    "svg.fonttype": "none",
}
# matplotlib's settings are shared by the whole process, and a server draws in several threads.
_DRAWING = threading.Lock()


def figure(
    path: str | Path,
    draw: Callable[[Any], None],
    *,
    size: tuple[float, float] = SIZE,
    panels: tuple[int, int] | None = None,
) -> Path:
    """Save what `draw` draws as PNG or SVG, whole or not at all; gives the path.

    `draw` is called with the page's axes, or, where `panels` says (rows, columns), with an array
    of axes of that shape. `size` is in inches. FormatError for another suffix.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise FormatError(f"{target}: pictures are saved as {' or '.join(SUFFIXES)}.")
    from matplotlib.figure import Figure

    with _DRAWING, _own_style(), written_whole(target) as beside:
        page = Figure(figsize=size, facecolor="white", layout="constrained")
        draw(page.add_subplot() if panels is None else page.subplots(*panels, squeeze=False))
        if target.suffix.lower() == ".svg":
            page.savefig(beside, format="svg", metadata={"Date": None})
        else:
            page.savefig(beside, format="png", dpi=DPI, metadata={"Software": None})
    return target


@contextmanager
def _own_style() -> Iterator[None]:
    """Our settings over matplotlib's defaults, whatever the user's own settings file says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def label(axes: Axes, title: str, across: str, up: str) -> None:
    """Title and axis names, and faint lines to read values by."""
    axes.set_title(title, parse_math=False)
    axes.set_xlabel(across, parse_math=False)
    axes.set_ylabel(up, parse_math=False)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)


def _legend(axes: Axes) -> None:
    """Names beside the lines, above them where there are few."""
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        legend = axes.legend(loc="best", ncols=1 if len(handles) < 6 else 2)
        for text in legend.get_texts():
            text.set_parse_math(False)


# -- on given axes -------------------------------------------------------------------------------


def draw_curves(
    axes: Axes,
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    levels: Mapping[str, float] | None = None,
) -> None:
    """Named lines, each (x, y) of shape (points,); `levels` are dashed lines across, by name."""
    for number, (name, (x, y)) in enumerate(lines.items()):
        # Few points are looks at something: each is shown.
        marker = "o" if len(np.atleast_1d(np.asarray(x))) <= FEW else None
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(x, y, color=colour, linewidth=1.6, marker=marker, markersize=4, label=name)
    for name, level in (levels or {}).items():
        axes.axhline(level, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        # Beside the axes: over a line it would be unreadable, or hide it.
        axes.annotate(
            name,
            (1.0, level),
            (4, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="left",
            va="center",
            color=MUTED,
            parse_math=False,
        )
    _legend(axes)


def draw_two_densities(
    axes: Axes, x: ArrayLike, one: ArrayLike, other: ArrayLike, names: tuple[str, str]
) -> None:
    """Two curves over the same x, shape (points,) each, and the area between them in red."""
    axes.fill_between(x, one, other, color=RED, alpha=0.22, linewidth=0, label="between them")
    axes.plot(x, one, color=INK, linewidth=1.5, label=names[0])
    axes.plot(x, other, color=BLUE, linewidth=1.5, label=names[1])
    axes.set_ylim(bottom=0)
    _legend(axes)


# -- pages ---------------------------------------------------------------------------------------


def curves(
    path: str | Path,
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    title: str,
    across: str,
    up: str,
    levels: Mapping[str, float] | None = None,
    size: tuple[float, float] = SIZE,
) -> Path:
    """A page of `draw_curves`."""

    def draw(axes: Axes) -> None:
        draw_curves(axes, lines, levels=levels)
        label(axes, title, across, up)

    return figure(path, draw, size=size)


def two_densities_with_area(
    path: str | Path,
    x: ArrayLike,
    one: ArrayLike,
    other: ArrayLike,
    *,
    names: tuple[str, str],
    title: str,
    across: str,
    up: str = "density",
    size: tuple[float, float] = SIZE,
) -> Path:
    """A page of `draw_two_densities`: what was, what is, and how far it has gone (S2's drift)."""

    def draw(axes: Axes) -> None:
        draw_two_densities(axes, x, one, other, names)
        label(axes, title, across, up)

    return figure(path, draw, size=size)


def histogram(
    path: str | Path,
    values: Mapping[str, ArrayLike],
    *,
    title: str,
    across: str,
    bins: int = 30,
    size: tuple[float, float] = SIZE,
) -> Path:
    """Named sets of numbers, shape (n,) each, as shares over the same bins; NaNs do not count."""
    sets = {name: _finite(each) for name, each in values.items()}
    every = np.concatenate([*sets.values(), np.zeros(0)])
    edges: Any = np.histogram_bin_edges(every, bins) if len(every) else np.linspace(0, 1, bins + 1)

    def draw(axes: Axes) -> None:
        for number, (name, each) in enumerate(sets.items()):
            weights = np.full(len(each), 1 / max(len(each), 1))
            colour = COLOURS[number % len(COLOURS)]
            axes.hist(each, edges, weights=weights, color=colour, alpha=0.35)
            axes.hist(each, edges, weights=weights, color=colour, histtype="step", lw=1.4)
            axes.plot([], [], color=colour, linewidth=3, label=f"{name} ({len(each)})")
        label(axes, title, across, "share")
        _legend(axes)

    return figure(path, draw, size=size)


def self_similarity(score: Score, path: str | Path, *, title: str = "Self-similarity") -> Path:
    """How alike each two bars are (`measures.structure.similarity`), bars from 1 on both axes."""
    similar = similarity(score)

    def draw(axes: Axes) -> None:
        edge = len(similar) + 0.5
        shown = axes.imshow(
            similar,
            cmap="Greys",
            vmin=0,
            vmax=1,
            origin="lower",
            extent=(0.5, edge, 0.5, edge),
            interpolation="nearest",
        )
        label(axes, title, "bar", "bar")
        axes.grid(visible=False)
        bar = axes.figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.03)
        bar.set_label("alike (cosine)")
        bar.outline.set_visible(False)

    return figure(path, draw, size=(6.4, 5.6))


def overlay(
    truth: Score, prediction: Score, path: str | Path, *, title: str = "Truth and prediction"
) -> Path:
    """The notes predicted, in red, over those that came, in black (as S4 drew it), beat for beat.

    FormatError if neither has notes.
    """
    if not len(truth) and not len(prediction):
        raise FormatError("neither piece has notes, so there is no picture to draw.")
    beats = max(truth.end_beats, prediction.end_beats, 1.0)
    size = (float(np.clip(beats * 0.16, 8, 28)), 4.8)

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Patch

        for score, colour, height, alpha in (
            (truth, "black", 0.9, 1.0),
            (prediction, RED, 0.5, 0.85),
        ):
            axes.add_collection(_boxes(score, height, color=colour, alpha=alpha, linewidth=0))
        pitch = np.concatenate([truth.notes["pitch"], prediction.notes["pitch"]]).astype(int)
        axes.set_xlim(0, beats)
        axes.set_ylim(pitch.min() - 2.5, pitch.max() + 2.5)
        octaves = [p for p in range(pitch.min() - 2, pitch.max() + 3) if p % 12 == 0]
        axes.set_yticks(octaves, [f"C{p // 12 - 1}" for p in octaves])
        label(axes, title, "beat", "pitch")
        entries = [Patch(color="black", label="truth"), Patch(color=RED, label="prediction")]
        axes.legend(handles=entries, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)

    return figure(path, draw, size=size)


def _boxes(score: Score, height: float, **look: Any) -> Any:
    """A collection of one rectangle a note, in beats and pitches."""
    from matplotlib.collections import PolyCollection

    left = score.onset_beats()
    right = left + np.maximum(score.notes["duration"] / score.ticks_per_beat, 0.05)
    pitch = score.notes["pitch"].astype(np.float64)
    corners = np.empty((len(score), 4, 2))
    corners[:, :2, 0], corners[:, 2:, 0] = left[:, None], right[:, None]
    corners[:, ::3, 1] = (pitch - height / 2)[:, None]
    corners[:, 1:3, 1] = (pitch + height / 2)[:, None]
    return PolyCollection(list(corners), **look)


def training_curves(
    path: str | Path,
    metrics: Sequence[Mapping[str, Any]],
    *,
    levels: Mapping[str, float] | None = None,
    title: str = "Training",
) -> Path:
    """Loss by step from the lines of a run's `metrics.jsonl`: training and held-out.

    `levels` are baselines by name, in the same unit (nats a row).
    """
    lines: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    for key, name in (("train/nats", "training"), ("held_out/nats", "held out")):
        points = [(each["step"], each[key]) for each in metrics if each.get(key) is not None]
        if points:
            steps, losses = np.array(points, np.float64).T
            lines[name] = (steps, losses)

    def draw(axes: Axes) -> None:
        draw_curves(axes, lines, levels=levels)
        label(axes, title, "step", "nats a row")
        losses = np.concatenate([np.asarray(y, np.float64) for _, y in lines.values()])
        if len(losses):
            # One batch that ran away would press all the others flat.
            top = max(float(np.quantile(losses, 0.97)), *(levels or {"": 0.0}).values())
            axes.set_ylim(min(0.0, float(losses.min())), 1.1 * top)

    return figure(path, draw)


def _finite(values: ArrayLike) -> Floats:
    each = np.asarray(values, np.float64).ravel()
    return each[np.isfinite(each)]


# -- in a terminal -------------------------------------------------------------------------------

_BLOCKS = " ▁▂▃▄▅▆▇█"


def sparkline(values: ArrayLike, width: int = 40) -> str:
    """Numbers, shape (n,), as one line of blocks, lowest to highest; NaNs are left blank."""
    each = np.asarray(values, np.float64).ravel()
    if len(each) > width:
        each = np.array([_mean(part) for part in np.array_split(each, width)])
    known = each[np.isfinite(each)]
    if not len(known):
        return " " * len(each)
    low, spread = known.min(), np.ptp(known)
    place = np.where(np.isfinite(each), 1 + 7 * (each - low) / (spread or 1), 0)
    return "".join(_BLOCKS[round(p)] for p in np.nan_to_num(place))


def bar(share: float, width: int = 20) -> str:
    """A share, 0 to 1, as a bar of that many characters; blank for NaN."""
    if not np.isfinite(share):
        return " " * width
    eighths = round(float(np.clip(share, 0, 1)) * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
