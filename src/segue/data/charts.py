"""The charts of a corpus's report: which, over which bins, and what is said below each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from segue.data.drawing import Axis, Series, bars, rows
from segue.data.summing import SIZE_BINS, TEMPO_BINS, TEMPO_FIRST, TEMPO_STEP, Sums, metre_names
from segue.data.traits import (
    FAMILIES,
    LENGTHS,
    MOST_A_SECOND,
    NO_KEY,
    PARTS_OF_BEAT,
    SHORTEST_SECONDS,
    key_name,
)

TRAIN, HELD_OUT = "training", "held out"

_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_FIFTHS = [7 * n % 12 for n in range(-5, 7)]
_MOST_METRES = 10


def _pitch_name(pitch: int) -> str:
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.3g} s" if value < 60 else f"{value / 60:.3g} min"


def _from_to(edges: Sequence[str]) -> list[str]:
    return [f"{a} to {b}" for a, b in itertools.pairwise(edges)]


def _length_edges() -> list[float]:
    return [SHORTEST_SECONDS * 2 ** (n / 4) for n in range(LENGTHS + 1)]


def _size_edges() -> list[float]:
    return [2 ** (n / 3) for n in range(SIZE_BINS + 1)]


AXES: dict[str, Any] = {
    "pitch": "MIDI pitch, 0 to 127",
    "velocity": "MIDI velocity, 0 to 127",
    "length": {"unit": "seconds", "edges": [round(edge, 6) for edge in _length_edges()]},
    "density": "notes that begin in a second, the last: as many or more",
    "tempo": {
        "unit": "beats a minute",
        "first bin": "none stated",
        "from": TEMPO_FIRST,
        "step": TEMPO_STEP,
    },
    "beat": f"nearest part of a beat, of {PARTS_OF_BEAT}",
    "polyphony": "notes that sound at once at 19 of 20 onsets, the last: as many or more",
    "seconds": {"unit": "seconds", "edges": [round(edge, 3) for edge in _size_edges()]},
    "notes": {"unit": "notes", "edges": [round(edge, 3) for edge in _size_edges()]},
}
"""What the bins of each histogram in `report.json` stand for."""


@dataclass(frozen=True)
class _Chart:
    """A histogram of the report: its sums, the names of its bins, labels below, a sentence."""

    sums: str
    title: str
    note: str
    bins: Sequence[str]
    ticks: Sequence[tuple[float, str]]

    def draw(self, parts: Mapping[str, Sums]) -> str:
        values = {name: by[self.sums] for name, by in parts.items()}
        used = np.flatnonzero(np.sum(list(values.values()), axis=0))
        first, last = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, len(self.bins))
        # A little room at the sides; nothing is told by empty ends.
        first, last = max(first - 2, 0), min(last + 2, len(self.bins))
        axis = Axis(
            self.bins[first:last],
            [(place - first, label) for place, label in self.ticks if first <= place < last],
        )
        series = [Series(name, counts[first:last]) for name, counts in values.items()]
        return _card(self.title, self.note, bars(self.title, axis, series))


def _charts() -> tuple[_Chart, ...]:
    second_edges = [_seconds(edge) for edge in _size_edges()]
    note_edges = [f"{edge:,.0f}" for edge in _size_edges()]
    length_edges = [_seconds(edge) for edge in _length_edges()]
    tempo_edges = [str(TEMPO_FIRST + TEMPO_STEP * n) for n in range(TEMPO_BINS)]
    return (
        _Chart(
            "pitch",
            "Pitch",
            "Share of the notes, drums left out.",
            [_pitch_name(pitch) for pitch in range(128)],
            [(pitch + 0.5, _pitch_name(pitch)) for pitch in range(0, 128, 12)],
        ),
        _Chart(
            "velocity",
            "Velocity",
            "Share of the notes. One tall bar is music without dynamics.",
            [str(velocity) for velocity in range(128)],
            [(velocity + 0.5, str(velocity)) for velocity in range(0, 128, 16)],
        ),
        _Chart(
            "length",
            "Length of notes",
            "Share of the notes, as they are written: the pedal does not count.",
            _from_to(length_edges),
            [(4.0 * n, length_edges[4 * n]) for n in range(0, LENGTHS // 4 + 1, 2)],
        ),
        _Chart(
            "density",
            "Density",
            "Share of all seconds by how many notes begin in them.",
            [str(n) for n in range(MOST_A_SECOND)] + [f"{MOST_A_SECOND} or more"],
            [(n + 0.5, str(n)) for n in range(0, MOST_A_SECOND + 1, 4)],
        ),
        _Chart(
            "beat",
            "Place in the beat",
            "Share of the notes by where in its beat each begins. What is written stands on few "
            "places, what is played freely on all.",
            [f"{n}/{PARTS_OF_BEAT}" for n in range(PARTS_OF_BEAT)],
            [(n + 0.5, label) for n, label in ((0, "on it"), (6, "¼"), (12, "½"), (18, "¾"))],
        ),
        _Chart(
            "tempo",
            "Tempo",
            "Share of the pieces: beats a minute over the whole piece, as its file states them. "
            "What is played freely into a sequencer often says 120.",
            ["none stated", *_from_to(tempo_edges)],
            [(0.5, "none")] + [(1.0 + n, tempo_edges[n]) for n in range(2, TEMPO_BINS, 4)],
        ),
        _Chart(
            "polyphony",
            "Polyphony",
            "Share of the pieces by how many notes sound at once at 19 of 20 onsets.",
            [str(n) for n in range(16)] + ["16 or more"],
            [(n + 0.5, str(n)) for n in range(0, 17, 2)],
        ),
        _Chart(
            "seconds",
            "Length of pieces",
            "Share of the pieces, in time.",
            _from_to(second_edges),
            [(_place(s), _seconds(s)) for s in (1, 4, 15, 60, 240, 900, 3600)],
        ),
        _Chart(
            "notes",
            "Notes in a piece",
            "Share of the pieces.",
            _from_to(note_edges),
            [(_place(n), f"{n:,}") for n in (1, 10, 100, 1000, 10000)],
        ),
    )


def _place(value: float) -> float:
    return 3 * float(np.log2(value))


def series_names(sums: Mapping[str, Sums]) -> list[str]:
    """The one or two parts of the music that charts compare."""
    return list(_parts(sums))


def _parts(sums: Mapping[str, Sums]) -> dict[str, Sums]:
    held_out = [by for split, by in sums.items() if split != "train"]
    parts = {TRAIN: sums["train"]}
    if held_out:
        parts[HELD_OUT] = {
            name: np.sum([by[name] for by in held_out], axis=0) for name in held_out[0]
        }
    return parts


def draw(sums: Mapping[str, Sums]) -> list[str]:
    """The charts as HTML, each a figure with a title and a sentence."""
    parts = _parts(sums)
    return [*(chart.draw(parts) for chart in _charts()), _keys(parts), *_named(parts)]


def _keys(parts: Mapping[str, Sums]) -> str:
    order = [k for tonic in _FIFTHS for k in (tonic, 12 + tonic)] + [NO_KEY]
    names = [key_name(k) for k in order]
    tonics = [name.split()[0] for name in names]
    ticks = [(n + 0.5, t.lower() if n % 2 else t) for n, t in enumerate(tonics[:-1])]
    series = [Series(name, by["key"][order]) for name, by in parts.items()]
    note = (
        "Share of the pieces by the key that fits best: major in capitals, minor in small letters. "
        "Right for about three in four performances of classical piano music."
    )
    return _card("Key", note, bars("Key", Axis(names, ticks), series))


def _named(parts: Mapping[str, Sums]) -> list[str]:
    """The charts over names: metres and families of instruments, those that occur."""
    counted = {name: metre_names(by["metre"]) for name, by in parts.items()}
    metres = list(dict.fromkeys(metre for by in counted.values() for metre in by))[:_MOST_METRES]
    metre_series = [
        Series(name, np.array([by.get(metre, 0) for metre in metres]))
        for name, by in counted.items()
    ]
    used = np.sum([by["family"] for by in parts.values()], axis=0)
    order = [int(n) for n in np.argsort(-used, kind="stable") if used[n]]
    family_series = [Series(name, by["family"][order]) for name, by in parts.items()]
    families = [FAMILIES[n] for n in order]
    return [
        _card(
            "Metre",
            "Share of the pieces by the metre that lasts longest.",
            rows("Metre", metres, metre_series),
        ),
        _card(
            "Instruments",
            "Share of the notes by General MIDI's families.",
            rows("Instruments", families, family_series),
        ),
    ]


def _card(title: str, note: str, svg: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{svg}<figcaption>{escape(note)}</figcaption></figure>"
