"""The piano roll: one row a frame, one column a pitch, sounding or not.

Frames come at a fixed rate (20 a second, S1's default) or at a number a beat (4 are sixteenths).
Source: the pitch-by-time matrices of Boulanger-Lewandowski et al. (ICML 2012) and after; the
marking of onsets apart from what is held follows Johnson's biaxial network (EvoMUSART 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Block, Closed, Column, Encoded, Layout, Rows, checked
from segue.encodings.begins import sounding
from segue.encodings.grid import second_resolution, second_steps
from segue.encodings.header import first_pitched, resolution, time_header, time_tables
from segue.encodings.options import choice, whole
from segue.encodings.pitch_names import pitch_name
from segue.encodings.scales import Velocities
from segue.encodings.variants import columns_moved
from segue.errors import DataError
from segue.score import NOTE, Score, Track, sustain, tidy

Ints = NDArray[np.int64]

MOST_FRAMES = 2_000_000
SILENT = 0
_VELOCITY = 80


@dataclass(frozen=True)
class PianoRoll(Closed):
    """Frames of all pitched tracks; a column for each pitch from `lowest` to `highest`.

    `unit` "seconds" with `frames_per_second`, or "beats" with `frames_per_beat`. `cells`
    "sustained" is 1 while a note sounds (a note struck again at once is one long note), "onsets"
    is 1 where it starts, and "both" is 1 where it starts and 2 while it is held. With more than one
    of `velocity_bins` those two mark a start by its velocity, 1 the softest bin, and what is held
    comes after the loudest. `pedal` "sustain" lets the sustain pedal hold notes, "drop" does not.
    `longest` cuts a piece after so many frames (0: never).
    """

    unit: str = "seconds"
    frames_per_second: int = 20
    frames_per_beat: int = 4
    cells: str = "sustained"
    velocity_bins: int = 1
    lowest: int = 21
    highest: int = 108
    pedal: str = "sustain"
    longest: int = 0

    name = "piano_roll"
    timed = True

    def __post_init__(self) -> None:
        choice(self, "unit", ("seconds", "beats"))
        choice(self, "cells", ("sustained", "onsets", "both"))
        choice(self, "pedal", ("sustain", "drop"))
        whole(self, "frames_per_second", 1, 200)
        whole(self, "frames_per_beat", 1, 96)
        whole(self, "velocity_bins", 1, 1 if self.cells == "sustained" else 128)
        whole(self, "lowest", 0, 127)
        whole(self, "highest", self.lowest, 127)
        whole(self, "longest", 0, MOST_FRAMES)

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        rate = (
            f"1/{self.frames_per_second} of a second"
            if self.unit == "seconds"
            else f"1/{self.frames_per_beat} of a beat"
        )
        names = f"{pitch_name(self.lowest)} to {pitch_name(self.highest)}"
        kept = [f"pitch, {names}", f"onset to {rate}"]
        if self.cells != "onsets":
            kept.append(f"length to {rate}")
        if self._marks_velocity:
            kept.append(f"velocity in {self.velocity_bins} bins")
        return (*kept, "tempo, metre, key, name and program of the first track (header)")

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = [] if self._marks_velocity else ["velocity"]
        lost += [
            "which track a note is in",
            "drums",
            "controllers",
            "pitch bends",
            "texts",
            "notes out of range",
        ]
        if self.cells == "sustained":
            lost.append("where a note is struck again while it sounds")
        if self.cells == "onsets":
            lost.append("length")
        return tuple(lost)

    # -- layout ------------------------------------------------------------------------------

    @property
    def step_beats(self) -> float | None:
        """The length of a frame in beats, for unit "beats"."""
        return 1 / self.frames_per_beat if self.unit == "beats" else None

    @property
    def step_seconds(self) -> float | None:
        """The length of a frame in seconds, for unit "seconds"."""
        return 1 / self.frames_per_second if self.unit == "seconds" else None

    @cached_property
    def layout(self) -> Layout:
        """A column a pitch, of two symbols, or three where onsets and held notes differ."""
        states = {"sustained": ("silent", "sounding"), "onsets": ("silent", "onset")}
        names = states.get(self.cells, ("silent", "onset", "held"))
        blocks = tuple(Block(n, self.velocity_bins if n == "onset" else 1) for n in names)
        pitches = range(self.lowest, self.highest + 1)
        return Layout(tuple(Column(pitch_name(p), blocks) for p in pitches))

    @property
    def held(self) -> int:
        """The symbol of a held note, of cells "both"; those from 1 to it are starts."""
        return 1 + self.velocity_bins

    @property
    def _marks_velocity(self) -> bool:
        return self.velocity_bins > 1

    @property
    def _velocities(self) -> Velocities:
        return Velocities(self.velocity_bins)

    # -- encode ------------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """Frames until the last note stops (of onsets: starts); DataError for weeks of them."""
        header = self._header(score)
        if self.pedal == "sustain":
            score = sustain(score)
        first, last, pitch, bin_ = self._spans(score)
        if self.longest:
            kept = first < self.longest
            first, last, pitch, bin_ = (each[kept] for each in (first, last, pitch, bin_))
            last = np.minimum(last, self.longest)
        frames = int(last.max(initial=0))
        if frames > MOST_FRAMES:
            raise DataError(
                f"the piece has {frames:,} frames, more than {MOST_FRAMES:,}: set `longest` or cut "
                "it into pieces first."
            )
        rows = np.zeros((frames, len(self.layout.columns)), np.uint16)
        if self.cells != "onsets":
            edges = np.zeros((frames + 1, rows.shape[1]), np.int16)
            np.add.at(edges, (first, pitch), 1)
            np.add.at(edges, (last, pitch), -1)
            np.cumsum(edges, axis=0, out=edges)
            sounding = np.uint16(1 if self.cells == "sustained" else self.held)
            np.multiply(edges[:-1] > 0, sounding, out=rows)
        if self.cells != "sustained":
            # Of notes that share a cell, the loudest counts.
            rows[first, pitch] = 0
            np.maximum.at(rows, (first, pitch), (1 + bin_).astype(np.uint16))
        return Encoded(rows, header)

    def _spans(self, score: Score) -> tuple[Ints, Ints, Ints, Ints]:
        """First frame, the frame after the last, column, and bin of velocity, of notes in range."""
        drum = np.array([t.is_drum for t in score.tracks] or [False])
        notes = score.notes
        fits = (notes["pitch"] >= self.lowest) & (notes["pitch"] <= self.highest)
        notes = notes[fits & ~drum[notes["track"]]] if len(notes) else notes
        first = self._frames(score, notes["onset"])
        last = first + 1
        if self.cells != "onsets":
            end = self._frames(score, notes["onset"] + notes["duration"])
            last = np.maximum(end, last)
        bin_ = self._velocities.symbols(notes["velocity"])
        return first, last, notes["pitch"].astype(np.int64) - self.lowest, bin_

    def _frames(self, score: Score, ticks: Ints) -> Ints:
        if self.unit == "seconds":
            return second_steps(score, ticks, self.frames_per_second)
        return np.rint(ticks * (self.frames_per_beat / score.ticks_per_beat)).astype(np.int64)

    def _header(self, score: Score) -> dict[str, Any]:
        ticks_per_beat = (
            second_resolution(score, self.frames_per_second)
            if self.unit == "seconds"
            else resolution(score.ticks_per_beat, self.frames_per_beat)
        )
        track = first_pitched(score)
        return {**time_header(score, ticks_per_beat), "track": [track.name, track.program]}

    # -- decode ------------------------------------------------------------------------------

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Frames as one track; an onset alone lasts until the next, or a beat.

        Where starts have no velocity it is 80, and so for what is held from nowhere.
        """
        values = checked(rows, self.layout, self.name)
        first, last, column = self._notes(values)
        header = header or {}
        name, program = header.get("track", ("Piano", 0))
        per_beat = self.frames_per_beat if self.unit == "beats" else 1
        score = Score(
            int(header.get("ticks_per_beat", 0)) or resolution(480, per_beat),
            tracks=(Track(str(name), int(program)),),
            **time_tables(header),  # type: ignore[arg-type]
        )
        notes = np.zeros(len(first), NOTE)
        notes["onset"] = self._ticks(score, first)
        notes["duration"] = self._ticks(score, last) - notes["onset"]
        notes["pitch"], notes["velocity"] = column + self.lowest, _VELOCITY
        if self._marks_velocity:
            mark = values[first, column]
            played = self._velocities.values(np.minimum(mark, self.velocity_bins) - 1)
            notes["velocity"] = np.where(mark <= self.velocity_bins, played, _VELOCITY)
        return tidy(score.with_(notes=notes))

    def _notes(self, values: Ints) -> tuple[Ints, Ints, Ints]:
        """First frame, the frame after the last, and column of each note, pitch by pitch."""
        cells = values.T
        before = np.pad(cells, ((0, 0), (1, 0)))[:, :-1]
        starts = (cells > 0) & (before == 0)
        if self.cells != "sustained":
            starts |= (cells > SILENT) & (cells < self.held)
        column, first = np.nonzero(starts)
        if self.cells == "onsets":
            same = np.append(column[1:] == column[:-1], False)[: len(column)]
            following = np.append(first[1:], 0)[: len(first)]
            beat = self.frames_per_beat if self.unit == "beats" else self.frames_per_second // 2
            length = max(beat, 1)
            return (
                first,
                np.where(same, np.minimum(first + length, following), first + length),
                column,
            )
        silent = np.pad(cells == 0, ((0, 0), (0, 1)), constant_values=True)
        stops = np.flatnonzero(silent | np.pad(starts, ((0, 0), (0, 1))))
        width = cells.shape[1] + 1
        place = column * width + first
        last = stops[np.searchsorted(stops, place, side="right")] - column * width
        return first, last, column

    def _ticks(self, score: Score, frames: Ints) -> Ints:
        if self.unit == "seconds":
            return score.tempo_map.ticks(frames / self.frames_per_second)
        return frames * score.ticks_per_beat // self.frames_per_beat

    # -- generation --------------------------------------------------------------------------

    @property
    def holds(self) -> bool:
        """Whether a sounding cell after a sounding one begins no note."""
        return self.cells == "sustained"

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        table = sounding(self.layout.sizes[column], self.lowest + column)
        table[self.held :] = False
        return table

    def opening(self) -> Rows:
        """Nothing: a roll has no marks."""
        return np.zeros((0, len(self.layout.columns)), np.uint16)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Nowhere."""
        return np.zeros(len(rows), bool)

    def positions(self, rows: Rows) -> Ints:
        """A step a frame."""
        return np.arange(len(checked(rows, self.layout, self.name)))

    @property
    def variants(self) -> tuple[str, ...]:
        """What training windows can become."""
        return ("transpose", "louder") if self._marks_velocity else ("transpose",)

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, frames, pitches), moved by `semitones`, shape (batch,).

        What leaves the range falls off.
        """
        return columns_moved(rows, semitones)

    def louder(self, rows: NDArray[Any], by: Ints) -> NDArray[Any]:
        """Windows, shape (batch, frames, pitches), with `by`, (batch,), added where notes start."""
        starts = (rows > SILENT) & (rows < self.held)
        bins = np.where(starts, rows, 1).astype(np.int64) - 1
        moved = 1 + self._velocities.moved(bins, by[:, None, None])
        return np.where(starts, moved, rows).astype(rows.dtype)

    def state(self) -> dict[str, Any]:
        """The options."""
        options = {k: getattr(self, k) for k in self.__dataclass_fields__}
        return {"name": self.name, "options": options}
