"""The axes of a piano roll: bars below, seconds above, octaves or drum names to the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.score import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#2b2f36"
MUTED = "#6b727d"
BAR_LINE = "#d5d9df"
BLACK_KEY_ROW = "#f3f4f7"
OCTAVE_LINE = "#dfe2e7"

MIDDLE_C = 60
BLACK_KEYS = (1, 3, 6, 8, 10)
INCHES_A_LABEL = 0.62
INCHES_A_BAR_LINE = 0.07

_SECOND_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)

# General MIDI's percussion, key: short name.
DRUM_NAMES = {
    27: "high Q", 28: "slap", 29: "scratch push", 30: "scratch pull", 31: "sticks",
    32: "square click", 33: "metronome", 34: "metronome bell", 35: "kick 2", 36: "kick",
    37: "side stick", 38: "snare", 39: "clap", 40: "snare 2", 41: "low floor tom",
    42: "closed hi-hat", 43: "floor tom", 44: "pedal hi-hat", 45: "low tom", 46: "open hi-hat",
    47: "low mid tom", 48: "high mid tom", 49: "crash", 50: "high tom", 51: "ride", 52: "china",
    53: "ride bell", 54: "tambourine", 55: "splash", 56: "cowbell", 57: "crash 2", 58: "vibraslap",
    59: "ride 2", 60: "high bongo", 61: "low bongo", 62: "mute conga", 63: "open conga",
    64: "low conga", 65: "high timbale", 66: "low timbale", 67: "high agogo", 68: "low agogo",
    69: "cabasa", 70: "maracas", 71: "short whistle", 72: "long whistle", 73: "short guiro",
    74: "long guiro", 75: "claves", 76: "high wood block", 77: "low wood block",
    78: "mute cuica", 79: "open cuica", 80: "mute triangle", 81: "open triangle", 82: "shaker",
    83: "jingle bell", 84: "bell tree", 85: "castanets", 86: "mute surdo", 87: "open surdo",
}  # fmt: skip


def octave_name(pitch: int) -> str:
    """The name of a C: C4 is 60."""
    return f"C{pitch // 12 - 1}"


def step_of(span: float, room: float, steps: tuple[int, ...]) -> int:
    """The first of `steps` that cuts `span` into at most `room` parts; past the last, doubled."""
    for step in steps:
        if span / step <= room:
            return step
    step = steps[-1]
    while span / step > room:
        step *= 2
    return step


def draw_bars(axes: Axes, score: Score, end_beats: float, inches: float, *, labels: bool) -> None:
    """Bar lines, and under the lowest panel their numbers, counted from 1 as musicians do."""
    end_bars = float(score.metre_map.bars(end_beats * score.ticks_per_beat))
    doubling = tuple(2**n for n in range(12))

    def beats(step: int) -> NDArray[np.float64]:
        bars = np.arange(0, int(end_bars) + 1, step)
        return np.asarray(score.metre_map.ticks(bars) / score.ticks_per_beat)

    lines = beats(step_of(end_bars, inches / INCHES_A_BAR_LINE, doubling))
    axes.vlines(lines, *axes.get_ylim(), colors=BAR_LINE, linewidths=0.5, zorder=0.5)
    step = step_of(end_bars, inches / INCHES_A_LABEL, doubling)
    labelled = beats(step)
    if not labels:
        axes.set_xticks([])
        return
    axes.set_xticks(labelled, [str(1 + step * i) for i in range(len(labelled))])
    axes.set_xlabel("bar", color=MUTED)


def draw_seconds(axes: Axes, score: Score, end_beats: float, inches: float) -> None:
    """Seconds along the top, where the tempo puts them."""
    end = float(score.tempo_map.seconds(end_beats * score.ticks_per_beat))
    step = step_of(end, inches / INCHES_A_LABEL, _SECOND_STEPS)
    seconds = np.arange(0, int(end) + 1, step)
    top = axes.secondary_xaxis("top")
    beats = score.tempo_map.ticks(seconds) / score.ticks_per_beat
    clock = end >= 120
    top.set_xticks(beats, [f"{s // 60}:{s % 60:02d}" if clock else str(s) for s in seconds])
    top.set_xlabel("minutes:seconds" if clock else "seconds", color=MUTED)
    top.tick_params(length=3, color=BAR_LINE, labelcolor=MUTED)
    top.spines["top"].set_visible(False)


def draw_keyboard(axes: Axes, low: int, high: int, end_beats: float) -> None:
    """Rows of the black keys shaded, a line and a name at every C; pitches low to high."""
    axes.set_ylim(low - 0.5, high + 0.5)
    black = [p for p in range(low, high + 1) if p % 12 in BLACK_KEYS]
    axes.barh(black, end_beats, height=1.0, color=BLACK_KEY_ROW, linewidth=0, zorder=0.1)
    cs = [p for p in range(low, high + 1) if p % 12 == 0]
    axes.hlines([c - 0.5 for c in cs], 0, end_beats, colors=OCTAVE_LINE, linewidths=0.7, zorder=0.4)
    axes.set_yticks(cs, [octave_name(c) for c in cs])
    axes.set_yticks([c for c in range(low, high + 1) if c % 12 in (4, 7)], minor=True)


def draw_drum_rows(axes: Axes, keys: list[int], end_beats: float) -> None:
    """A row for each drum that is played, lowest key at the bottom, by name."""
    axes.set_ylim(-0.5, len(keys) - 0.5)
    shaded = range(1, len(keys), 2)
    axes.barh(list(shaded), end_beats, height=1.0, color=BLACK_KEY_ROW, linewidth=0, zorder=0.1)
    axes.set_yticks(range(len(keys)), [DRUM_NAMES.get(k, f"key {k}") for k in keys])
