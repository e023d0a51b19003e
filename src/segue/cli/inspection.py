"""What there is to say about a piece: its facts as plain values, and its notes as a small roll."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.formats.table import Reading, format_of
from segue.score import SUSTAIN_PEDAL, Score

if TYPE_CHECKING:
    from rich.text import Text

FAMILIES = (
    "piano", "tuned percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth lead", "synth pad", "synth effects", "world", "percussion", "sounds",
)  # fmt: skip
"""General MIDI's families of eight programs each."""

_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def pitch_name(pitch: int) -> str:
    """A pitch in words, 60 being C4."""
    return f"{_NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"


def key_name(fifths: int, minor: bool) -> str:
    """A key in words, from the fifths of its signature (-7 to 7)."""
    return _minor(fifths) if minor else f"{_MAJOR[fifths + 7]} major"


def _minor(fifths: int) -> str:
    # The minor key of a signature lies three fifths up the same chain.
    chain = (*_MAJOR, "G#", "D#", "A#")
    return f"{chain[fifths + 10]} minor"


# -- facts ---------------------------------------------------------------------------------------


def facts(path: Path, reading: Reading) -> dict[str, Any]:
    """Everything `segue inspect` tells of a file, as plain values."""
    score = reading.score
    return {
        "file": str(path),
        "format": format_of(path).name,
        "bytes": path.stat().st_size,
        "notes": len(score),
        "seconds": round(score.end_seconds, 3),
        "beats": round(score.end_beats, 3),
        "bars": round(score.end_bars, 3),
        "ticks_per_beat": score.ticks_per_beat,
        "range": _range(score.notes),
        "tempo": _tempo(score),
        "metres": [
            {"bar": bar, "metre": f"{row['numerator']}/{row['denominator']}"}
            for bar, row in _by_bar(score, score.metres)
        ],
        "keys": [
            {"bar": bar, "key": key_name(int(row["fifths"]), bool(row["minor"]))}
            for bar, row in _by_bar(score, score.keys)
        ],
        "tracks": [_track(score, index) for index in range(len(score.tracks))],
        "texts": [
            {"beat": round(t.onset / score.ticks_per_beat, 3), "kind": t.kind, "text": t.text}
            for t in score.texts
        ],
        "music_hash": score.music_hash(),
        "repairs": list(reading.repairs),
    }


def _by_bar(score: Score, table: Any) -> list[tuple[float, Any]]:
    """Rows with the bar, counted from 1, at which they take effect."""
    bars = score.metre_map.bars(table["onset"])
    return [(round(float(bar) + 1, 2), row) for bar, row in zip(bars, table, strict=True)]


def _range(notes: Any) -> dict[str, Any] | None:
    if not len(notes):
        return None
    low, high = int(notes["pitch"].min()), int(notes["pitch"].max())
    return {"lowest": low, "highest": high, "names": f"{pitch_name(low)} to {pitch_name(high)}"}


def _tempo(score: Score) -> dict[str, Any]:
    """Beats a minute: at the start, slowest, fastest, and how often it changes."""
    rates = 6e7 / score.tempi["microseconds"] if len(score.tempi) else np.array([120.0])
    starts_at_once = len(score.tempi) > 0 and int(score.tempi["onset"][0]) == 0
    # Until the first tempo MIDI's own 120 holds.
    rates = rates if starts_at_once else np.append([120.0], rates)
    return {
        "start": round(float(rates[0]), 3),
        "slowest": round(float(rates.min()), 3),
        "fastest": round(float(rates.max()), 3),
        "changes": int(np.count_nonzero(np.diff(rates))),
    }


def _track(score: Score, index: int) -> dict[str, Any]:
    track, notes = score.tracks[index], score.track_notes(index)
    controls = score.controls[score.controls["track"] == index]
    numbers, counts = np.unique(controls["number"], return_counts=True)
    return {
        "name": track.name,
        "program": track.program,
        "instrument": "drums" if track.is_drum else FAMILIES[track.program // 8],
        "is_drum": track.is_drum,
        "notes": len(notes),
        "range": _range(notes),
        "velocity": round(float(notes["velocity"].mean()), 1) if len(notes) else None,
        "controllers": {str(n): int(c) for n, c in zip(numbers, counts, strict=True)},
        "pedal": int((controls["number"] == SUSTAIN_PEDAL).sum()),
        "bends": int((score.bends["track"] == index).sum()),
    }


# -- the roll ------------------------------------------------------------------------------------

_COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue", "bright_white", "bright_cyan")
_UPPER, _LOWER, _BOTH = "▀", "▄", "█"


def roll(score: Score, width: int, height: int) -> Text:
    """The notes as text of `width` columns and up to `height` lines, two rows of pitch a line.

    Time runs to the right in seconds, pitch upwards; the colour tells the track.
    """
    from rich.text import Text

    drawn = Text()
    if not len(score):
        return drawn
    pitches = score.notes["pitch"].astype(int)
    low, high = int(pitches.min()), int(pitches.max())
    pitches_a_row = -(-(high - low + 1) // (2 * height))
    grid = _grid(score, width, low, pitches_a_row)
    if len(grid) % 2:
        grid = np.vstack([grid, np.full((1, width), -1)])
    for upper in range(len(grid) - 1, 0, -2):
        label = pitch_name(min(low + upper * pitches_a_row, high))
        drawn.append(f"{label:>4} ", style="dim")
        for above, below in zip(grid[upper].tolist(), grid[upper - 1].tolist(), strict=True):
            drawn.append(*_cell(above, below))
        drawn.append("\n")
    drawn.append(_time_axis(score, width), style="dim")
    return drawn


def _cell(above: int, below: int) -> tuple[str, str]:
    """A character and its colour for two rows' tracks, -1 for silence."""
    if above < 0 and below < 0:
        return " ", ""
    colour = _COLOURS[max(above, below) % len(_COLOURS)]
    if above < 0 or below < 0:
        return (_UPPER if below < 0 else _LOWER), colour
    return _BOTH, colour


def _grid(score: Score, width: int, low: int, pitches_a_row: int) -> Any:
    """Shape (rows, width), row 0 the lowest: the track that sounds most in each cell, or -1."""
    notes, starts = score.notes, score.onset_seconds()
    scale = width / max(score.end_seconds, 1e-9)
    row = (notes["pitch"].astype(int) - low) // pitches_a_row
    first = np.clip((starts * scale).astype(int), 0, width - 1)
    ends = np.ceil((starts + score.duration_seconds()) * scale).astype(int)
    last = np.clip(ends, first + 1, width)
    rows = int(row.max()) + 1
    grid, most = np.full((rows, width), -1), np.zeros((rows, width), int)
    for track in np.unique(notes["track"]).tolist():
        mine = notes["track"] == track
        steps = np.zeros((rows, width + 1), int)
        np.add.at(steps, (row[mine], first[mine]), 1)
        np.add.at(steps, (row[mine], last[mine]), -1)
        sounding = np.cumsum(steps, axis=1)[:, :width]
        more = sounding > most
        grid[more], most[more] = track, sounding[more]
    return grid


def _time_axis(score: Score, width: int) -> str:
    """Seconds under the roll: at its start, its middle and its end."""
    middle, end = f"{score.end_seconds / 2:.1f}", f"{score.end_seconds:.1f} s"
    left = "0".ljust(width // 2 - len(middle) // 2) + middle
    return " " * 5 + left + end.rjust(max(width - len(left), len(end) + 1))
