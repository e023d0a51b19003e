"""Between the ticks of a Score and the steps of an encoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.encodings.velocity_image import VelocityImage
from segue.errors import SegueError
from segue.generation.closing import Close, Closing, heard_in
from segue.generation.density import TOLERANCE, Corridor, Density, slack_of
from segue.generation.starts import Deciding, cells_begin, deciding
from segue.generation.wishes import Ints, PitchMasks, Wishes
from segue.score import Score


def ticks_of(encoding: Encoding, score: Score, begin: int) -> Callable[[Ints], NDArray[np.float64]]:
    """What turns steps of a take into ticks of `score`; those of rows only count from `begin`."""

    def ticks(steps: Ints) -> NDArray[np.float64]:
        if encoding.step_beats is not None:
            found = np.rint(steps * encoding.step_beats * score.ticks_per_beat)
        else:
            assert encoding.step_seconds is not None
            found = score.tempo_map.ticks(steps * encoding.step_seconds)
        return np.asarray(found + (0 if encoding.timed else begin), np.float64)

    return ticks


def pitch_masks(
    wishes: Wishes, encoding: Encoding, score: Score, begin: int, closing: Closing | None = None
) -> PitchMasks | None:
    """The wishes as masks; `score` tells the time, and tick `begin` where the first chord is."""
    chords = closing.chords() if closing is not None else []
    if not wishes.pitched and not chords:
        return None
    ticks_at_steps = ticks_of(encoding, score, begin)
    last = [chord.mask & wishes.within for chord in chords]
    # Where a range leaves no tone of a chord, the notes are put right once they are there.
    closes = [mask if mask.any() else wishes.within for mask in last]

    def chord_at(steps: Ints) -> Ints:
        bars = score.metre_map.bars(ticks_at_steps(steps)) - float(score.metre_map.bars(begin))
        number = wishes.chord_of(np.maximum(bars, 0))
        if closing is None or not chords:
            return number
        late = closing.number(steps)
        return np.where(late >= 0, len(wishes.allowed) + late, number)

    return PitchMasks(wishes, encoding, chord_at, np.stack(closes) if closes else None)


def corridor_of(
    wishes: Wishes, encoding: Encoding, score: Score, span: tuple[int, int], takes: int
) -> Corridor | None:
    """What keeps `takes` takes near the density that is asked for, from tick to tick of `score`.

    Raises SegueError for an encoding whose rows do not tell how many notes begin when, or that
    cannot have so few.
    """
    density = wishes.density
    if density is None:
        return None
    decides = deciding(encoding)
    blank = np.zeros((1, len(encoding.layout.sizes)), np.int64)
    if decides is None and cells_begin(encoding, blank) is None:
        raise SegueError(
            f"the encoding {encoding.name} does not say where notes begin until they are all "
            "there: leave the density out, or play a bundle of another encoding."
        )
    begin, end = span
    if wishes.ending != "stop":
        end = Close.of(score, begin, end).at
    if decides is not None and decides.fixed:
        _reachable(density, encoding, decides, score, (begin, end))
    at = ticks_of(encoding, score, begin)

    def due(steps: Ints) -> NDArray[np.float64]:
        return density.due(score, begin, np.clip(at(steps), begin, end))

    return Corridor(takes, due, slack_of(density, score, begin, end), decides)


def _reachable(
    density: Density, encoding: Encoding, decides: Deciding, score: Score, span: tuple[int, int]
) -> None:
    """SegueError where every row begins notes, and so many that there are always more."""
    row = np.zeros((1, len(encoding.layout.sizes)), np.int64)
    fewest = int(decides.begins(row).min())
    rows = (span[1] - span[0]) / score.ticks_per_beat / (encoding.step_beats or 1)
    asked = float(density.due(score, span[0], np.array(span[1])))
    if fewest * rows > asked + TOLERANCE * asked:
        raise SegueError(
            f"the density came as {density.name}; every row of the encoding {encoding.name} "
            f"begins a note, so that there are {fewest / (encoding.step_beats or 1):g} a beat at "
            "least: ask for more."
        )


def closing_of(
    wishes: Wishes, encoding: Encoding, score: Score, span: tuple[int, int], takes: int
) -> Closing | None:
    """What leads `takes` takes to the ending that is asked for; None where they only stop."""
    if wishes.ending == "stop":
        return None
    close = Close.of(score, *span)
    since = 0 if encoding.timed else span[0]
    return Closing(
        encoding,
        takes,
        cadence=steps_at(encoding, score, close.cadence - since),
        at=steps_at(encoding, score, close.at - since),
        known=wishes.key,
        chart=bool(wishes.chords),
        heard=heard_in(score) if len(score) else None,
    )


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
    """`tail`, whose tick 0 is tick `at` of the prompt, in the prompt's ticks from tick 0 on.

    Controllers and tempi come with it where steps are parts of a beat.
    """
    notes = tail.notes.copy()
    told = {}
    if encoding.step_beats is not None:
        factor = prompt.ticks_per_beat / tail.ticks_per_beat
        first = np.rint(notes["onset"] * factor)
        last = np.rint((notes["onset"] + notes["duration"]) * factor)
        notes["onset"], notes["duration"] = first + at, last - first
        for name in ("controls", "tempi"):
            told[name] = getattr(tail, name).copy()
            told[name]["onset"] = np.rint(told[name]["onset"] * factor) + at
    else:
        start = float(prompt.tempo_map.seconds(at))
        seconds = tail.tempo_map.seconds(
            np.stack([notes["onset"], notes["onset"] + notes["duration"]])
        )
        first, last = prompt.tempo_map.ticks(seconds + start)
        notes["onset"], notes["duration"] = first, last - first
    return Score(prompt.ticks_per_beat, notes, tail.tracks, **told)


def lasting(header: dict[str, Any], ticks: int) -> dict[str, Any]:
    """The header of a picture of a whole piece, made to last so many ticks; others as they are."""
    return {**header, "length": ticks} if "length" in header else header


def paced(encoding: Encoding, header: dict[str, Any]) -> Encoding:
    """A picture's encoding with rows as long as the header's piece has; others as they are."""
    return encoding.paced(header) if isinstance(encoding, VelocityImage) else encoding
