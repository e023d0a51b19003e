"""Music as it is made: each note as soon as nothing can change it any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Rows
from segue.errors import SegueError
from segue.generation.closing import Close
from segue.generation.engine import IntRows
from segue.generation.lengths import Length
from segue.generation.said import steady
from segue.generation.sampling import Sampling
from segue.generation.ways import Begun, begin
from segue.generation.wishes import Wishes
from segue.score import Score, slice_ticks, tidy


@dataclass(frozen=True)
class Heard:
    """A note of a stream: onset and duration in seconds, MIDI pitch, velocity, program, drums."""

    onset: float
    duration: float
    pitch: int
    velocity: int
    program: int
    is_drum: bool

    def as_dict(self) -> dict[str, float | int | bool]:
        """For JSON lines."""
        return asdict(self)


def stream(
    bundle: Bundle,
    *,
    bars: float = 16,
    seconds: float | None = None,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    start: str | None = None,
) -> Iterator[Heard]:
    """The notes of the take that `generate` makes with the same arguments, while it is made.

    A note comes when the music has moved on past its end, or to the end of the take. A density is
    kept as the notes are drawn; a stream that misses it cannot be drawn again. Raises SegueError
    for a bundle that makes whole segments.
    """
    if bundle.plays != "rows":
        raise SegueError(
            f"{bundle.name} makes whole segments, which cannot be heard note by note: leave "
            "--stream out."
        )
    length = Length(bars, seconds)
    wishes = steady(bundle, wishes or Wishes(), length)
    begun = begin(bundle, [seed], length, sampling, engine, wishes, start)
    rows: list[IntRows] = []
    told: set[bytes] = set()
    shown_at = -1
    for row, kept in begun.player.each(begun.state, begun.guide, [seed]):
        if not kept[0]:
            continue
        rows.append(row[0])
        position = int(begun.guide.position[0])
        if position > shown_at:
            shown_at = position
            yield from _new(begun, rows, wishes, told, final=False)
    yield from _new(begun, rows, wishes, told, final=True)


def _new(
    begun: Begun, rows: list[IntRows], wishes: Wishes, told: set[bytes], *, final: bool
) -> Iterator[Heard]:
    """The notes that are certain now and were not told yet, in the order of their onsets."""
    if not rows:
        return
    score = begun.score(np.array(rows))
    now = _now(begun, score, np.array(rows, np.uint16))
    if final:
        score, _ = begun.finished(np.array(rows), wishes, 0)
    else:
        # What an ending may still change is not certain: it is told at the end.
        score, _ = wishes.fitted(tidy(slice_ticks(score, 0, begun.end_ticks)))
        now = min(now, _certain(begun, score, wishes))
    for note in score.notes:
        ends = note["onset"] + note["duration"]
        key = note.tobytes()
        if key in told or (not final and ends >= now):
            continue
        told.add(key)
        yield _heard(score, note)


def _certain(begun: Begun, score: Score, wishes: Wishes) -> float:
    """The tick before which no ending changes a note."""
    last = begun.length.seconds is not None
    if wishes.ending == "stop":
        onset = score.notes["onset"]
        return float(onset.max()) if last and len(onset) else float("inf")
    close = Close.of(score, 0, begun.end_ticks)
    return float(min(close.at, int(score.notes["onset"].max(initial=close.at))))


def _now(begun: Begun, score: Score, rows: Rows) -> float:
    """The tick that the music has reached."""
    step = int(begun.encoding.positions(np.concatenate([begun.first.astype(np.uint16), rows]))[-1])
    if begun.encoding.step_beats is not None:
        return step * begun.encoding.step_beats * score.ticks_per_beat
    assert begun.encoding.step_seconds is not None
    return float(score.tempo_map.ticks(step * begun.encoding.step_seconds))


def _heard(score: Score, note: np.void) -> Heard:
    start, end = score.tempo_map.seconds(
        np.array([note["onset"], note["onset"] + note["duration"]])
    )
    track = score.tracks[note["track"]]
    return Heard(
        round(float(start), 4), round(float(end - start), 4), int(note["pitch"]),
        int(note["velocity"]), track.program, track.is_drum,
    )  # fmt: skip
