"""All pitched notes of a Score as one keyboard plays them, on a grid of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.grid import second_resolution, second_steps, struck_once
from segue.encodings.header import first_pitched, time_header, time_tables
from segue.encodings.pedal import changes, on_steps
from segue.score import CONTROL, NOTE, SUSTAIN_PEDAL, Score, Track, sustain, tidy

Ints = NDArray[np.int64]

_DEFAULT_TICKS_PER_BEAT = 480


@dataclass(frozen=True)
class Keyboard:
    """Reads and writes the keyboard at `steps_per_second`.

    `pedal` "sustain" turns the pedal into note lengths, "rows" keeps its moves, "drop" neither.
    """

    steps_per_second: int
    pedal: str

    def notes(self, score: Score) -> Ints:
        """Shape (notes, 4): step, end, pitch, velocity; no overlap of a pitch, drums left out."""
        if self.pedal == "sustain":
            score = sustain(score)
        drum = np.array([t.is_drum for t in score.tracks] or [False])
        notes = score.notes[~drum[score.notes["track"]]] if len(score.notes) else score.notes
        step = second_steps(score, notes["onset"], self.steps_per_second)
        end = second_steps(score, notes["onset"] + notes["duration"], self.steps_per_second)
        kept, length, gap = struck_once(notes["pitch"].astype(np.uint16), step, end)
        step, notes = step[kept], notes[kept]
        columns = [step, step + np.minimum(length, gap), notes["pitch"], notes["velocity"]]
        return np.stack(columns, axis=1).astype(np.int64)

    def moves(self, score: Score) -> tuple[Ints, Ints]:
        """Steps and states of the pedal, where it is kept; releases before presses."""
        nowhere = np.zeros(0, np.int64)
        if self.pedal != "rows":
            return nowhere, nowhere
        slots = np.array([-1 if t.is_drum else 0 for t in score.tracks], np.int64)
        tick, slot, state = changes(score, slots)
        step, _, state = on_steps(second_steps(score, tick, self.steps_per_second), slot, state)
        return step, state

    def header(self, score: Score) -> dict[str, Any]:
        """Tempo, metre, key, and the first pitched track that plays."""
        header = time_header(score, second_resolution(score, self.steps_per_second))
        track = first_pitched(score)
        return {**header, "track": [track.name, track.program]}

    def score(
        self, notes: Ints, moves: tuple[Ints, Ints], header: Mapping[str, Any] | None
    ) -> Score:
        """A Score of one track from notes as `notes` gives them and moves of the pedal."""
        header = header or {}
        name, program = header.get("track", ("Piano", 0))
        score = Score(
            int(header.get("ticks_per_beat", _DEFAULT_TICKS_PER_BEAT)),
            tracks=(Track(str(name), int(program)),),
            **time_tables(header),  # type: ignore[arg-type]
        )

        def ticks(steps: Ints) -> Ints:
            return score.tempo_map.ticks(steps / self.steps_per_second)

        table = np.zeros(len(notes), NOTE)
        table["onset"] = ticks(notes[:, 0])
        table["duration"] = ticks(notes[:, 1]) - table["onset"]
        table["pitch"], table["velocity"] = notes[:, 2], notes[:, 3]
        controls = np.zeros(len(moves[0]), CONTROL)
        controls["onset"], controls["number"] = ticks(moves[0]), SUSTAIN_PEDAL
        controls["value"] = 127 * moves[1]
        return tidy(score.with_(notes=table, controls=controls))
