"""A whole piece as one picture: rows of time, columns of pitch, brightness of velocity.

The representation of S4, in its four sizes: 1,024 rows of 128 pitches, and squares of 256, 512
and 1,024 that stretch pitch too. Tempo, metre and length stay in the header, so that there is a
way back. Of that system's reader these defects are not copied: note-off messages that never
cleared a cell, and notes between two rows that vanished.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Block, Closed, Column, Encoded, Layout, Rows, checked
from segue.encodings.begins import sounding
from segue.encodings.header import time_header, time_tables
from segue.encodings.options import choice, refuse, whole
from segue.encodings.variants import columns_moved
from segue.score import NOTE, Score, Track

Ints = NDArray[np.int64]

SIZES = {"1024x128": (1024, 128), "256": (256, 256), "512": (512, 512), "1024": (1024, 1024)}
_PITCHES = 128
_TICKS_PER_BEAT = 480


@dataclass(frozen=True)
class VelocityImage(Closed):
    """A piece of any length as one image of `size`, each cell the velocity that sounds, or 0.

    Rows divide the piece evenly, a note fills at least one, and where notes share a cell the
    loudest counts. Columns of a square share a pitch: column c of 256 is pitch c // 2. Without a
    header the piece lasts `beats` beats. With `row_beats` (see `paced`) a row lasts so many beats,
    and a piece has as many rows as it needs.
    """

    size: str = "1024x128"
    beats: int = 256
    row_beats: float = 0.0

    name = "velocity_image"
    timed = False
    variants = ("transpose", "louder")
    step_seconds = None

    def __post_init__(self) -> None:
        choice(self, "size", tuple(SIZES))
        whole(self, "beats", 1, 4096)
        if not (isinstance(self.row_beats, int | float) and 0 <= self.row_beats <= 4096):
            refuse(self, "row_beats", "a number from 0 to 4096")

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        return (
            "pitch",
            f"onset and length to {self._pace}",
            "velocity",
            "the length of the piece, tempo, metre, key (header)",
        )

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = ("where a note is struck again at the same velocity", "the softer of two in a cell")
        return (*lost, "tracks", "drums", "pedal", "controllers", "pitch bends", "texts")

    @property
    def _pace(self) -> str:
        return f"{self.row_beats:g} of a beat" if self.row_beats else f"1/{self._rows} of the piece"

    @property
    def _rows(self) -> int:
        return SIZES[self.size][0]

    @property
    def _width(self) -> int:
        return SIZES[self.size][1]

    @property
    def step_beats(self) -> float:
        """The length of a row in beats, of a piece of `beats` beats."""
        return self.row_beats or self.beats / self._rows

    def paced(self, header: Mapping[str, Any]) -> VelocityImage:
        """The encoding whose rows last as long as those of the whole piece of a header.

        It is what a model of pictures plays by, on from a prompt of any length, or for any time.
        """
        beats = float(header["length"]) / float(header["ticks_per_beat"])
        return replace(self, row_beats=beats / self._rows)

    @cached_property
    def layout(self) -> Layout:
        """As many columns as the image is wide, of 128 velocities each."""
        block = (Block("velocity", 128),)
        return Layout(tuple(Column(f"column {c}", block) for c in range(self._width)))

    # -- encode ------------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """The piece as one image, from its first tick to where its last note stops."""
        drum = np.array([t.is_drum for t in score.tracks] or [False])
        notes = score.notes[~drum[score.notes["track"]]] if len(score.notes) else score.notes
        end = notes["onset"] + notes["duration"]
        length, rows = max(int(end.max(initial=0)), score.ticks_per_beat), self._rows
        a_tick = rows / length
        if self.row_beats:
            a_tick = 1 / (self.row_beats * score.ticks_per_beat)
            starts, stops = np.rint(notes["onset"] * a_tick), np.rint(end * a_tick)
            rows = max(int(np.maximum(stops, starts + 1).max(initial=0)), 1)
        # Two ticks a row at least, so that each row begins on a tick of its own.
        finer = max(1, math.ceil(2 * a_tick))
        first = np.rint(notes["onset"] * a_tick).astype(np.int64)
        first = np.minimum(first, rows - 1)
        last = np.rint(end * a_tick).astype(np.int64)
        header = time_header(score, score.ticks_per_beat * finer)
        header["length"] = round(rows * finer / a_tick)
        image = self._filled(rows, first, np.maximum(last, first + 1), notes)
        return Encoded(np.repeat(image, self._width // _PITCHES, axis=1), header)

    def _filled(self, rows: int, first: Ints, last: Ints, notes: NDArray[np.void]) -> Rows:
        image = np.zeros((rows, _PITCHES), np.uint16)
        counts = last - first
        begins = np.cumsum(counts) - counts
        row = np.arange(int(counts.sum())) + np.repeat(first - begins, counts)
        pitch, velocity = (np.repeat(notes[k].astype(np.uint16), counts) for k in _CELL)
        np.maximum.at(image, (row, pitch), velocity)
        return image

    # -- decode ------------------------------------------------------------------------------

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """An image as one track: a run of one velocity in a pitch is a note.

        Columns that share a pitch are averaged. Any number of rows is one image of that many.
        """
        values = checked(rows, self.layout, self.name)
        shared = values.reshape(len(values), _PITCHES, self._width // _PITCHES)
        cells = np.rint(shared.mean(axis=2)).astype(np.int64).T
        before = np.pad(cells, ((0, 0), (1, 0)))[:, :-1]
        changes = np.pad(cells != before, ((0, 0), (0, 1)), constant_values=True)
        pitch, first = np.nonzero(changes[:, :-1] & (cells > 0))
        stops = np.flatnonzero(changes)
        width = cells.shape[1] + 1
        last = stops[np.searchsorted(stops, pitch * width + first, side="right")] - pitch * width
        header = header or {}
        ticks_per_beat = int(header.get("ticks_per_beat", _TICKS_PER_BEAT))
        length = int(header.get("length", self.beats * ticks_per_beat))
        if self.row_beats:
            length = round(len(values) * self.row_beats * ticks_per_beat)
        notes = np.zeros(len(first), NOTE)
        scale = length / max(len(values), 1)
        notes["onset"] = np.rint(first * scale)
        notes["duration"] = np.rint(last * scale) - notes["onset"]
        notes["pitch"], notes["velocity"] = pitch, cells[pitch, first]
        tables = time_tables(header)
        return Score(
            ticks_per_beat,
            notes[notes["duration"] > 0],
            (Track("Piano"),),
            tempi=tables["tempi"],
            metres=tables["metres"],
            keys=tables["keys"],
        )

    # -- generation --------------------------------------------------------------------------

    holds = True

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        return sounding(128, column * _PITCHES // self._width)

    def opening(self) -> Rows:
        """Nothing: an image has no marks."""
        return np.zeros((0, self._width), np.uint16)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Nowhere."""
        return np.zeros(len(rows), bool)

    def positions(self, rows: Rows) -> Ints:
        """A step a row."""
        return np.arange(len(checked(rows, self.layout, self.name)))

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, columns), moved by `semitones`, shape (batch,).

        What leaves the range falls off.
        """
        return columns_moved(rows, semitones * (self._width // _PITCHES))

    def louder(self, rows: NDArray[Any], by: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, columns), with `by`, (batch,), added where it sounds."""
        louder = np.clip(rows.astype(np.int16) + by.astype(np.int16)[:, None, None], 1, 127)
        return np.where(rows > 0, louder, 0).astype(rows.dtype)

    def state(self) -> dict[str, Any]:
        """The options."""
        return {
            "name": self.name,
            "options": {k: getattr(self, k) for k in self.__dataclass_fields__},
        }


_CELL = ("pitch", "velocity")
