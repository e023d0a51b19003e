"""One melody on a grid: a step strikes a pitch, holds the one before, or rests.

Source: the melodies of MusicVAE (Roberts et al., ICML 2018), 88 pitches and two more symbols, at
sixteenths. There a note's end is one event; here every step says whether it rests, so that a
window can be read from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Block, Closed, Column, Encoded, Layout, Rows, checked
from segue.encodings.begins import in_a_row
from segue.encodings.header import first_pitched, resolution, time_header, time_tables
from segue.encodings.options import choice, whole
from segue.encodings.pitch_names import pitch_name
from segue.errors import DataError
from segue.score import NOTE, Score, Track, tidy

Ints = NDArray[np.int64]

MOST_STEPS = 2_000_000
REST, HOLD, PITCHES = 0, 1, 2
"""Silence, the note before sounding on, and the first of the pitches."""
_VELOCITY = 80


@dataclass(frozen=True)
class Melody(Closed):
    """The highest line of a piece, a row a step, at `steps_per_beat`.

    `line` "first" reads the first pitched track with notes, "all" reads all pitched ones. Where
    notes sound together the highest is kept: one that starts under a note that sounds is left out,
    and one that starts above it ends it. Pitches go from `lowest` to `highest`.
    """

    steps_per_beat: int = 4
    line: str = "first"
    lowest: int = 21
    highest: int = 108

    name = "melody"
    timed = True
    variants = ("transpose",)
    step_seconds = None

    def __post_init__(self) -> None:
        whole(self, "steps_per_beat", 1, 96)
        choice(self, "line", ("first", "all"))
        whole(self, "lowest", 0, 127)
        whole(self, "highest", self.lowest, 127)

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        read = "the first pitched track" if self.line == "first" else "all pitched tracks"
        return (
            f"the highest line of {read}",
            f"pitch, {pitch_name(self.lowest)} to {pitch_name(self.highest)}",
            f"onset and length to 1/{self.steps_per_beat} of a beat",
            "tempo, metre, key, name and program of the first track (header)",
        )

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = ("notes under a higher one", "velocity", "drums", "pedal", "controllers")
        others = ("other tracks",) if self.line == "first" else ("which track a note is in",)
        return (*others, *lost, "pitch bends", "texts", "notes out of range")

    # -- layout ------------------------------------------------------------------------------

    @property
    def step_beats(self) -> float:
        """The length of a step in beats."""
        return 1 / self.steps_per_beat

    @cached_property
    def layout(self) -> Layout:
        """One column: rest, hold, and the pitches."""
        pitches = Block("pitch", self.highest - self.lowest + 1)
        return Layout((Column("melody", (Block("rest", 1), Block("hold", 1), pitches)),))

    # -- encode ------------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """Steps until the last note stops; DataError for weeks of them."""
        ticks_per_beat = resolution(score.ticks_per_beat, self.steps_per_beat)
        track = first_pitched(score)
        header = {**time_header(score, ticks_per_beat), "track": [track.name, track.program]}
        first, last, pitch = self._highest(*self._spans(score))
        stop = np.minimum(last, np.append(first[1:], last[-1:]))
        steps = int(stop.max(initial=0))
        edges = np.zeros(steps + 1, np.int8)
        edges[first] = 1
        np.subtract.at(edges, stop, 1)
        rows = (np.cumsum(edges[:-1]) > 0).astype(np.uint16) * HOLD
        rows[first] = PITCHES + pitch
        return Encoded(rows[:, None], header)

    def _spans(self, score: Score) -> tuple[Ints, Ints, Ints]:
        """First step, the step after the last, and pitch above `lowest`, of each note read."""
        drum = np.array([track.is_drum for track in score.tracks] or [False])
        notes = score.notes
        notes = notes[~drum[notes["track"]]] if len(notes) else notes
        if self.line == "first" and len(notes):
            notes = notes[notes["track"] == notes["track"].min()]
        notes = notes[(notes["pitch"] >= self.lowest) & (notes["pitch"] <= self.highest)]
        per_tick = self.steps_per_beat / score.ticks_per_beat
        first = np.rint(notes["onset"] * per_tick).astype(np.int64)
        end = np.rint((notes["onset"] + notes["duration"]) * per_tick).astype(np.int64)
        return first, np.maximum(end, first + 1), notes["pitch"].astype(np.int64) - self.lowest

    def _highest(self, first: Ints, last: Ints, pitch: Ints) -> tuple[Ints, Ints, Ints]:
        """The notes with none above them where they start, one a step, in order."""
        steps, width = int(last.max(initial=0)), self.highest - self.lowest + 1
        if steps > MOST_STEPS:
            raise DataError(
                f"the piece has {steps:,} steps, more than {MOST_STEPS:,}: cut it into pieces "
                "first."
            )
        edges = np.zeros((steps + 1, width), np.int16)
        np.add.at(edges, (first, pitch), 1)
        np.add.at(edges, (last, pitch), -1)
        sounding = np.cumsum(edges, axis=0, out=edges)[first] > 0
        top = width - 1 - sounding[:, ::-1].argmax(axis=1)
        # Of unisons the longest comes first, and the first of each step is taken.
        order = np.lexsort((-last, first))
        order = order[(pitch == top)[order]]
        _, at = np.unique(first[order], return_index=True)
        kept = order[at]
        return first[kept], last[kept], pitch[kept]

    # -- decode ------------------------------------------------------------------------------

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Steps as one track at velocity 80; a hold with no note before it is silent."""
        symbols = checked(rows, self.layout, self.name)[:, 0]
        first = np.flatnonzero(symbols >= PITCHES)
        ends = np.append(np.flatnonzero(symbols != HOLD), len(symbols))
        last = ends[np.searchsorted(ends, first, side="right")]
        header = header or {}
        name, program = header.get("track", ("Piano", 0))
        score = Score(
            int(header.get("ticks_per_beat", 0)) or resolution(480, self.steps_per_beat),
            tracks=(Track(str(name), int(program)),),
            **time_tables(header),  # type: ignore[arg-type]
        )
        step = score.ticks_per_beat // self.steps_per_beat
        notes = np.zeros(len(first), NOTE)
        notes["onset"], notes["duration"] = first * step, (last - first) * step
        notes["pitch"] = symbols[first] - PITCHES + self.lowest
        notes["velocity"] = _VELOCITY
        return tidy(score.with_(notes=notes))

    # -- generation --------------------------------------------------------------------------

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        return in_a_row(self.layout.sizes[column], PITCHES, range(self.lowest, self.highest + 1))

    def opening(self) -> Rows:
        """Nothing: a melody has no marks."""
        return np.zeros((0, 1), np.uint16)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Nowhere."""
        return np.zeros(len(rows), bool)

    def positions(self, rows: Rows) -> Ints:
        """A step a row."""
        return np.arange(len(checked(rows, self.layout, self.name)))

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, steps, 1), moved by `semitones`, shape (batch,).

        A window that would leave the range moves as far as it can.
        """
        low, high = self._reach(rows)
        width = self.highest - self.lowest
        by = np.clip(semitones, -low, width - high).astype(rows.dtype)
        return np.where(rows >= PITCHES, rows + by[:, None, None], rows)

    def _reach(self, rows: NDArray[Any]) -> tuple[Ints, Ints]:
        """The lowest and highest pitch of each window, counted from `lowest`."""
        pitch = rows[..., 0].astype(np.int64) - PITCHES
        width = self.highest - self.lowest
        low = np.where(pitch >= 0, pitch, width).min(axis=1)
        return low, np.maximum(np.where(pitch >= 0, pitch, -1).max(axis=1), 0)

    def state(self) -> dict[str, Any]:
        """The options."""
        options = {k: getattr(self, k) for k in self.__dataclass_fields__}
        return {"name": self.name, "options": options}
