"""Piano-roll pictures: pitch upwards, time to the right, bars below and seconds above.

Drawn with matplotlib's own figures (no pyplot, so no state outside the picture) and with one
collection of rectangles for all notes, so that twenty thousand notes cost what twenty do.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import FormatError, nearest
from segue.formats.roll_axes import (
    INK,
    MUTED,
    draw_bars,
    draw_drum_rows,
    draw_keyboard,
    draw_seconds,
)
from segue.formats.roll_legend import (
    COLOURS,
    MARK_ALPHA,
    MARK_GROUND,
    MARK_INK,
    MARK_LABEL_INCHES,
    OVERLAY,
    OVERLAY_EDGE,
    PROMPT_INK,
    PROMPT_INK_ALPHA,
    PROMPT_MIX,
    PROMPT_NOTE,
    SOFT_MIX,
    TRACK_COLOURS,
    VELOCITY_FROM,
    VELOCITY_MAP,
    Look,
    columns,
    draw_heading,
    legend_entries,
    printable,
)
from segue.score import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Colours = NDArray[np.float64]
"""Shape (notes, 3): red, green and blue, 0 to 1."""

INCHES_A_SECOND = 0.3
WIDTH = (8.0, 32.0)
INCHES_A_SEMITONE = 0.09
ROLL_HEIGHT = (2.2, 8.0)
INCHES_A_DRUM = 0.19
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 0.62, 0.2, 0.52, 0.55
DRUM_MARGIN_LEFT = 1.25
TITLE_INCHES, LEGEND_ROW_INCHES = 0.26, 0.23
PANEL_GAP = 0.12
VELOCITY_BAR_INCHES = 0.75
DPI = 110
ROW_SHARE, OVERLAY_SHARE, EDGE_SHADE = 0.86, 0.5, 0.7
MIN_NOTE_INCHES = 0.018

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "svg.hashsalt": "segue",
    "svg.fonttype": "none",
}
# matplotlib's settings are shared by the whole process, and a server draws in several threads.
_DRAWING = threading.Lock()


def write(
    score: Score,
    path: str | Path,
    *,
    colour: str = "track",
    prompt_end_ticks: int | None = None,
    overlay: Score | None = None,
    locked: Score | None = None,
    title: str | None = None,
    marks: Sequence[tuple[int, int, str]] = (),
    marked_as: str = "marked",
) -> None:
    """Draw a Score as a piano roll; the suffix chooses PNG or SVG.

    `colour` is "track" or "velocity". Notes before `prompt_end_ticks` are paler, on a shaded
    ground that ends in a line; so are, where they stand, notes that `locked` has too. `overlay` is
    a second Score (a prediction, say), drawn in red over the first, beat for beat. `marks` are
    ticks from and to, shaded, with a label each; the legend calls them `marked_as`. The same
    arguments give the same bytes.

    Raises FormatError for an unknown colour or a Score without notes.
    """
    if colour not in COLOURS:
        raise FormatError(f"colour came as {colour!r}; {nearest(colour, COLOURS)}.")
    if not len(score) and not (overlay is not None and len(overlay)):
        raise FormatError("the piece has no notes, so there is no roll to draw.")
    target = Path(path)
    shaded = tuple(sorted(marks))
    look = Look(colour, prompt_end_ticks, overlay, title, locked, shaded, marked_as)
    with _DRAWING, _own_style():
        figure = draw(score, look)
        if target.suffix.lower() == ".svg":
            figure.savefig(target, format="svg", metadata={"Date": None})
        else:
            figure.savefig(target, format="png", dpi=DPI, metadata={"Software": None})


@contextmanager
def _own_style() -> Iterator[None]:
    """Our settings over matplotlib's defaults, whatever the user's own settings file says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def draw(score: Score, look: Look) -> Figure:
    """The figure, one panel for pitched notes and one for drums, those that have notes."""
    overlay = look.overlay
    end_beats = max(score.end_beats, overlay.end_beats if overlay is not None else 0.0, 1.0)
    pitched, keys = _pitches(score, overlay)
    handles, labels = legend_entries(score, look)
    figure, panels, inches = _layout(score, look, end_beats, pitched, keys, len(labels))
    for axes, drums in panels:
        axes.set_xlim(0, end_beats)
        if drums or pitched is None:
            draw_drum_rows(axes, keys, end_beats)
        else:
            draw_keyboard(axes, *pitched, end_beats)
        draw_bars(axes, score, end_beats, inches, labels=axes is panels[-1][0])
        _draw_prompt(axes, score, look)
        beats_an_inch = end_beats / inches
        _draw_marks(axes, score, look, beats_an_inch, labels=axes is panels[0][0])
        _draw_notes(axes, score, look, keys if drums else None, beats_an_inch)
        if overlay is not None:
            _draw_overlay(axes, overlay, keys if drums else None, beats_an_inch)
        _tidy_frame(axes)
    draw_seconds(panels[0][0], score, end_beats, inches)
    draw_heading(figure, look, handles, labels)
    return figure


# -- what there is to draw -----------------------------------------------------------------------


def _is_drum(score: Score) -> NDArray[np.bool_]:
    """Shape (notes,)."""
    drum = np.array([t.is_drum for t in score.tracks] or [False])
    return drum[score.notes["track"]] if len(score) else np.zeros(0, bool)


def _pitches(score: Score, overlay: Score | None) -> tuple[tuple[int, int] | None, list[int]]:
    """The pitch range to show (at least two octaves, with a margin) and the drum keys in use."""
    scores = [score] if overlay is None else [score, overlay]
    pitch = np.concatenate([s.notes["pitch"] for s in scores]).astype(int)
    drum = np.concatenate([_is_drum(s) for s in scores])
    keys = [int(k) for k in np.unique(pitch[drum])]
    tones = pitch[~drum]
    if not len(tones):
        return None, keys
    low, high = int(tones.min()) - 2, int(tones.max()) + 2
    missing = max(0, 24 - (high - low))
    low, high = low - missing // 2, high + (missing + 1) // 2
    return (max(0, low), min(127, high)), keys


def _note_colours(score: Score, look: Look) -> Colours:
    """Shape (notes, 3)."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgb

    loud = score.notes["velocity"].astype(np.float64) / 127
    if look.colour == "velocity":
        colours = mpl.colormaps[VELOCITY_MAP](VELOCITY_FROM + (1 - VELOCITY_FROM) * loud)[:, :3]
    else:
        table = np.array([to_rgb(c) for c in TRACK_COLOURS])
        colours = table[score.notes["track"] % len(table)]
        # Against the loudest note: some music (an NES has 15 levels) never comes near 127.
        soft = 1 - loud / loud.max(initial=1 / 127)
        colours = _mixed(colours, np.ones(3), SOFT_MIX * soft[:, None])
    if look.prompt_end_ticks is not None:
        prompt = (score.notes["onset"] < look.prompt_end_ticks)[:, None]
        colours = _mixed(colours, np.array(to_rgb(PROMPT_NOTE)), PROMPT_MIX * prompt)
    if look.locked is not None:
        there = {note.tobytes() for note in look.locked.notes}
        kept = np.array([note.tobytes() in there for note in score.notes], bool)[:, None]
        colours = _mixed(colours, np.array(to_rgb(PROMPT_NOTE)), PROMPT_MIX * kept)
    return np.asarray(colours)


def _mixed(colours: Colours, other: NDArray[np.float64], share: NDArray[Any]) -> Colours:
    return np.asarray(colours + (other - colours) * share)


def _rows(score: Score, keys: list[int] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which notes belong in a panel, and their row there: the pitch, or the drum's line."""
    drum = _is_drum(score)
    if keys is None:
        chosen = np.flatnonzero(~drum)
        return chosen, score.notes["pitch"][chosen].astype(np.int64)
    chosen = np.flatnonzero(drum)
    return chosen, np.searchsorted(keys, score.notes["pitch"][chosen]).astype(np.int64)


# -- notes ---------------------------------------------------------------------------------------


def _boxes(
    score: Score, chosen: NDArray[np.int64], rows: NDArray[np.int64], height: float, least: float
) -> Any:
    """Shape (notes, 4, 2): the corners of each note in beats and rows."""
    left = score.notes["onset"][chosen] / score.ticks_per_beat
    width = np.maximum(score.notes["duration"][chosen] / score.ticks_per_beat, least)
    corners = np.empty((len(chosen), 4, 2))
    corners[:, :2, 0], corners[:, 2:, 0] = left[:, None], (left + width)[:, None]
    corners[:, ::3, 1] = (rows - height / 2)[:, None]
    corners[:, 1:3, 1] = (rows + height / 2)[:, None]
    return corners


def _draw_notes(
    axes: Axes, score: Score, look: Look, keys: list[int] | None, beats_an_inch: float
) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    chosen, rows = _rows(score, keys)
    colours = _note_colours(score, look)[chosen]
    if keys is not None:
        size = 10 + 26 * (score.notes["velocity"][chosen] / 127.0)
        beats = score.notes["onset"][chosen] / score.ticks_per_beat
        axes.scatter(beats, rows, s=size, c=colours, marker="D", linewidths=0, zorder=3)
        return
    boxes = _boxes(score, chosen, rows, ROW_SHARE, MIN_NOTE_INCHES * beats_an_inch)
    axes.add_collection(PolyCollection(boxes, facecolors=colours, linewidths=0, zorder=3))
    # A dark edge where each note starts keeps repeated notes apart.
    edges = LineCollection(
        boxes[:, :2], colors=colours * EDGE_SHADE, linewidths=0.7, capstyle="butt", zorder=3.1
    )
    axes.add_collection(edges)


def _draw_overlay(axes: Axes, overlay: Score, keys: list[int] | None, beats_an_inch: float) -> None:
    from matplotlib.collections import PolyCollection

    chosen, rows = _rows(overlay, keys)
    least = MIN_NOTE_INCHES * beats_an_inch * (4 if keys is not None else 1)
    boxes = _boxes(overlay, chosen, rows, OVERLAY_SHARE, least)
    red = PolyCollection(boxes, facecolors=OVERLAY, edgecolors=OVERLAY_EDGE, linewidths=0.3)
    red.set(alpha=0.85, zorder=4)
    axes.add_collection(red)


def _draw_prompt(axes: Axes, score: Score, look: Look) -> None:
    if look.prompt_end_ticks is None:
        return
    end = look.prompt_end_ticks / score.ticks_per_beat
    # Translucent, so that the keyboard shows through.
    axes.axvspan(0, end, color=PROMPT_INK, alpha=PROMPT_INK_ALPHA, linewidth=0, zorder=0.2)
    axes.axvline(end, color=INK, linewidth=1.2, zorder=5)


def _draw_marks(
    axes: Axes, score: Score, look: Look, beats_an_inch: float, *, labels: bool
) -> None:
    """Shade the marked passages; their labels, where there is room, along the top."""
    from matplotlib.transforms import blended_transform_factory

    above = blended_transform_factory(axes.transData, axes.transAxes)
    free = shaded = 0.0
    for begin, end, label in look.marks:
        first, last = begin / score.ticks_per_beat, end / score.ticks_per_beat
        if last > shaded:
            ground = axes.axvspan(max(first, shaded), last, color=MARK_GROUND, linewidth=0)
            ground.set(alpha=MARK_ALPHA, zorder=0.3)
            shaded = last
        axes.vlines((first, last), 0, 1, colors=MARK_INK, linewidths=0.6, transform=above, zorder=2)
        room = int((last - first) / beats_an_inch / MARK_LABEL_INCHES)
        if not labels or room < 3 or first < free:
            continue
        text = printable(label, room)
        free = first + len(text) * MARK_LABEL_INCHES * beats_an_inch
        axes.text(first, 0.985, f" {text}", va="top", fontsize=7.5, color=MARK_INK, zorder=6,
                  transform=above, parse_math=False, clip_on=True)  # fmt: skip


# -- the page ------------------------------------------------------------------------------------


def _layout(
    score: Score,
    look: Look,
    end_beats: float,
    pitched: tuple[int, int] | None,
    keys: list[int],
    entries: int,
) -> tuple[Figure, list[tuple[Axes, bool]], float]:
    """The figure, its panels (axes, for drums or not) from the top, and their width in inches."""
    from matplotlib.figure import Figure

    seconds = float(score.tempo_map.seconds(end_beats * score.ticks_per_beat))
    inches = float(np.clip(seconds * INCHES_A_SECOND, *WIDTH))
    heights = []
    if pitched is not None:
        span = (pitched[1] - pitched[0] + 1) * INCHES_A_SEMITONE
        heights.append((float(np.clip(span, *ROLL_HEIGHT)), False))
    if keys:
        heights.append((max(0.5, len(keys) * INCHES_A_DRUM), True))
    left = DRUM_MARGIN_LEFT if keys else MARGIN_LEFT
    right = MARGIN_RIGHT + (VELOCITY_BAR_INCHES if look.colour == "velocity" else 0)
    top = MARGIN_TOP + (TITLE_INCHES if look.title else 0)
    bottom = MARGIN_BOTTOM + LEGEND_ROW_INCHES * math.ceil(entries / columns(inches))
    width = left + inches + right
    height = top + sum(h for h, _ in heights) + PANEL_GAP * (len(heights) - 1) + bottom
    figure = Figure(figsize=(width, height), facecolor="white")
    panels = []
    at = height - top
    for panel, drums in heights:
        at -= panel
        box = (left / width, at / height, inches / width, panel / height)
        panels.append((figure.add_axes(box), drums))
        at -= PANEL_GAP
    if look.colour == "velocity":
        _draw_velocity_bar(figure, (left + inches + 0.14) / width, panels[0][0])
    return figure, panels, inches


def _draw_velocity_bar(figure: Figure, left: float, beside: Axes) -> None:
    import matplotlib as mpl
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    box = beside.get_position()
    axes = figure.add_axes((left, box.y0, 0.11 / figure.get_figwidth(), box.height))
    shades = ListedColormap(mpl.colormaps[VELOCITY_MAP](np.linspace(VELOCITY_FROM, 1, 128)))
    bar = figure.colorbar(ScalarMappable(Normalize(0, 127), shades), cax=axes)
    bar.set_ticks([1, 32, 64, 96, 127])
    bar.set_label("velocity", color=MUTED)
    bar.outline.set_visible(False)
    axes.tick_params(length=2, colors=MUTED)


def _tidy_frame(axes: Axes) -> None:
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(which="both", length=0, labelcolor=INK)
