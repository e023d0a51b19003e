"""What a piano roll is asked to show, its colours, and the legend and title that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.score import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("track", "velocity")
TRACK_COLOURS = (
    "#3566b0", "#e0812c", "#3a9a5b", "#8a5fb5", "#c9a227",
    "#2b9aa8", "#b8517f", "#7a6a58", "#6f8fd8", "#9bb13c",
    "#1f3a63", "#a3591c", "#22693f", "#d59ac0", "#4f5661",
)  # fmt: skip
"""Fifteen that differ in lightness as well, none of them the overlay's red; then from the start."""
VELOCITY_MAP, VELOCITY_FROM = "viridis_r", 0.08
OVERLAY, OVERLAY_EDGE = "#d62728", "#8f1516"
PROMPT_GROUND, PROMPT_INK, PROMPT_INK_ALPHA = "#eaecf0", "#25324a", 0.095
PROMPT_NOTE = "#aab1bd"
PROMPT_MIX = 0.6
"""How far a prompt's notes go towards grey, so that what follows stands out."""
MARK_GROUND, MARK_INK = "#f5b301", "#8a5a00"
MARK_ALPHA, MARK_LABEL_INCHES = 0.2, 0.07
SOFT_MIX = 0.5
"""How far the softest note goes towards white where colour tells the track."""

LEGEND_ENTRY_INCHES = 1.7
MAX_LEGEND = 24
MAX_LABEL = 24


@dataclass(frozen=True)
class Look:
    """What `write` was asked for."""

    colour: str
    prompt_end_ticks: int | None
    overlay: Score | None
    title: str | None
    locked: Score | None = None
    marks: tuple[tuple[int, int, str], ...] = ()
    marked_as: str = "marked"


def columns(inches: float) -> int:
    """Legend entries to a row of that width."""
    return max(1, int(inches / LEGEND_ENTRY_INCHES))


def legend_entries(score: Score, look: Look) -> tuple[list[Any], list[str]]:
    """Colour patches and what they mean; none where there is nothing to tell apart."""
    from matplotlib.patches import Patch

    entries: list[tuple[Any, str]] = []
    used = [int(t) for t in np.unique(score.notes["track"])]
    named = any(score.tracks[t].name for t in used)
    if look.colour == "track" and (len(used) > 1 or named):
        for track in used[:MAX_LEGEND]:
            shade = TRACK_COLOURS[track % len(TRACK_COLOURS)]
            name = printable(score.tracks[track].name) or f"track {track + 1}"
            entries.append((Patch(facecolor=shade), name))
        if len(used) > MAX_LEGEND:
            rest = len(used) - MAX_LEGEND
            entries.append((Patch(facecolor="none"), f"and {rest} more"))
    if look.prompt_end_ticks is not None:
        entries.append((Patch(facecolor=PROMPT_GROUND, edgecolor=PROMPT_NOTE), "prompt"))
        entries.append((Patch(facecolor="white", edgecolor=PROMPT_NOTE), "new"))
    if look.locked is not None:
        entries.append((Patch(facecolor=PROMPT_NOTE), "locked"))
    if look.marks:
        patch = Patch(facecolor=MARK_GROUND, alpha=2 * MARK_ALPHA, edgecolor=MARK_INK)
        entries.append((patch, look.marked_as))
    if look.overlay is not None:
        if not entries:
            entries.append((Patch(facecolor=TRACK_COLOURS[0]), "truth"))
        entries.append((Patch(facecolor=OVERLAY), "prediction"))
    return [handle for handle, _ in entries], [label for _, label in entries]


def draw_heading(figure: Figure, look: Look, handles: list[Any], labels: list[str]) -> None:
    """The title above the panels and the legend below them."""
    from matplotlib.transforms import ScaledTranslation

    box = figure.axes[0].get_position()
    if look.title:
        figure.text(
            box.x0,
            1 - 0.12 / figure.get_figheight(),
            printable(look.title, 120),
            va="top",
            fontsize=12,
            fontweight="bold",
            parse_math=False,
        )
    if not labels:
        return
    corner = figure.transFigure + ScaledTranslation(-0.06, 0.04, figure.dpi_scale_trans)
    legend = figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(box.x0, 0.0),
        bbox_transform=corner,
        ncols=columns(box.width * figure.get_figwidth()),
        frameon=False,
        handlelength=1.3,
        handleheight=0.9,
        borderpad=0.2,
        columnspacing=1.4,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def printable(text: str, longest: int = MAX_LABEL) -> str:
    """`text` with what the font cannot draw as "?", not starting with matplotlib's "hide me"."""
    from matplotlib.font_manager import findfont, get_font

    glyphs = get_font(findfont("DejaVu Sans")).get_charmap()
    cleaned = " ".join(text.split()).lstrip("_")
    shown = "".join(c if ord(c) in glyphs else "?" for c in cleaned)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
