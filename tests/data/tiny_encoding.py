"""A small encoding for tests of the data package: pitch and loudness class, two columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segue.encodings.base import Block, Column, Encoded, Layout
from segue.score import NOTE, Score, Track


@dataclass(frozen=True)
class PitchOnly:
    name = "pitch_only"
    keeps = ("pitch order",)
    loses = ("the rest",)
    alphabet: tuple[int, ...] | None = None
    wide: int = 300

    @property
    def layout(self) -> Layout:
        size = self.wide if self.alphabet is None else len(self.alphabet)
        return Layout(
            (Column("pitch", (Block("pitch", size),)), Column("loud", (Block("loud", 2),)))
        )

    def encode(self, score: Score) -> Encoded:
        loud = score.notes["velocity"] > 64
        rows = np.stack([score.notes["pitch"], loud], axis=1).astype(np.uint16)
        return Encoded(rows, {"tracks": [t.name for t in score.tracks]})

    def decode(self, rows, header=None) -> Score:
        notes = np.zeros(len(rows), NOTE)
        notes["onset"] = 480 * np.arange(len(rows))
        notes["duration"] = 480
        notes["pitch"] = rows[:, 0] if self.alphabet is None else np.take(self.alphabet, rows[:, 0])
        notes["velocity"] = 40 + 60 * rows[:, 1]
        return Score(480, notes, (Track(),))

    def fit(self, counts):
        return replace(self, alphabet=tuple(int(s) for s in np.flatnonzero(counts[0])))

    def adapt(self, rows):
        if self.alphabet is None:
            return rows
        table = np.full(self.wide, 0xFFFF, np.uint16)
        table[list(self.alphabet)] = np.arange(len(self.alphabet))
        return np.stack([table[rows[:, 0]], rows[:, 1]], axis=1)

    def state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "alphabet": self.alphabet and list(self.alphabet),
            "wide": self.wide,
        }
