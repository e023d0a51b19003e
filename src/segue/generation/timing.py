"""Between the ticks of a Score and the steps of an encoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.encodings.base import Encoding
from segue.encodings.velocity_image import VelocityImage
from segue.generation.wishes import Ints, PitchMasks, Wishes
from segue.score import Score


def pitch_masks(wishes: Wishes, encoding: Encoding, score: Score, begin: int) -> PitchMasks | None:
    """The wishes as masks; `score` tells the time, and tick `begin` where the first chord is."""
    if not wishes.pitched:
        return None

    def chord_at(steps: Ints) -> Ints:
        if encoding.step_beats is not None:
            ticks = np.rint(steps * encoding.step_beats * score.ticks_per_beat)
        else:
            assert encoding.step_seconds is not None
            ticks = score.tempo_map.ticks(steps * encoding.step_seconds)
        ticks = ticks + (0 if encoding.timed else begin)
        bars = score.metre_map.bars(ticks) - float(score.metre_map.bars(begin))
        return wishes.chord_of(np.maximum(bars, 0))

    return PitchMasks(wishes, encoding, chord_at)


def steps_at(encoding: Encoding, score: Score, ticks: int) -> int:
    """The encoding's first step at or after a tick of `score`."""
    if encoding.step_beats is not None:
        exact = ticks / score.ticks_per_beat / encoding.step_beats
    else:
        assert encoding.step_seconds is not None
        exact = float(score.tempo_map.seconds(ticks)) / encoding.step_seconds
    return int(np.ceil(exact - 1e-6))


def ticks_at(encoding: Encoding, score: Score, step: int) -> int:
    """The tick of `score` at a step of the encoding."""
    if encoding.step_beats is not None:
        return round(step * encoding.step_beats * score.ticks_per_beat)
    assert encoding.step_seconds is not None
    return int(score.tempo_map.ticks(step * encoding.step_seconds))


def in_time_of(encoding: Encoding, tail: Score, prompt: Score, at: int) -> Score:
    """`tail`, whose tick 0 is tick `at` of the prompt, in the prompt's ticks from tick 0 on."""
    notes = tail.notes.copy()
    if encoding.step_beats is not None:
        factor = prompt.ticks_per_beat / tail.ticks_per_beat
        first = np.rint(notes["onset"] * factor)
        last = np.rint((notes["onset"] + notes["duration"]) * factor)
        notes["onset"], notes["duration"] = first + at, last - first
    else:
        start = float(prompt.tempo_map.seconds(at))
        seconds = tail.tempo_map.seconds(
            np.stack([notes["onset"], notes["onset"] + notes["duration"]])
        )
        first, last = prompt.tempo_map.ticks(seconds + start)
        notes["onset"], notes["duration"] = first, last - first
    return Score(prompt.ticks_per_beat, notes, tail.tracks)


def lasting(header: dict[str, Any], ticks: int) -> dict[str, Any]:
    """The header of a picture of a whole piece, made to last so many ticks; others as they are."""
    return {**header, "length": ticks} if "length" in header else header


def paced(encoding: Encoding, header: dict[str, Any]) -> Encoding:
    """A picture's encoding with rows as long as the header's piece has; others as they are."""
    return encoding.paced(header) if isinstance(encoding, VelocityImage) else encoding
