"""Music as it goes over the wire: JSON that a person can read, and the Score it stands for.

Times are ticks, `ticks_per_quarter` of them to a quarter note. What a Score holds and this does
not: the texts of a file, of which a take's receipt is told apart.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from segue.errors import SegueError, nearest
from segue.score import BEND, CONTROL, KEY, METRE, NOTE, TEMPO, Score, Track, events
from segue.score.score import Events

LAST_TICK = 1 << 30
"""As in `segue.formats.limits`: no piece is longer."""

Tick = Annotated[int, Field(ge=0, le=LAST_TICK)]
TrackNumber = Annotated[int, Field(ge=0, le=1023)]
Seven = Annotated[int, Field(ge=0, le=127)]

_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
KEYS = {
    **{f"{tonic} major": (i - 7, False) for i, tonic in enumerate(_MAJOR)},
    **{f"{tonic} minor": (i - 7, True) for i, tonic in enumerate(_MINOR)},
}
"""Key signatures by name: sharps (flats are negative), and whether it is minor."""
_NAMES = {value: name for name, value in KEYS.items()}


MOST_NAMES = 64
"""Names in an object; each that is not known would be a fault of its own, to be told."""


class Wire(BaseModel):
    """What all that comes in has in common: nothing unknown, and no text for a number.

    What is wrong in millions of places is told of the first ones: it took minutes to tell of all.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _few_names(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > MOST_NAMES:
            told = {"count": len(data)}
            raise PydanticCustomError("names", "an object with {count} names, far too many", told)
        return data


def few(most: int) -> BeforeValidator:
    """Refuses more than that before it looks at any."""

    def check(data: Any) -> Any:
        if isinstance(data, dict | list | tuple) and len(data) > most:
            told = {"field_type": "Value", "max_length": most, "actual_length": len(data)}
            raise PydanticKnownError("too_long", told)
        return data

    return BeforeValidator(check)


class WireTempo(Wire):
    """Quarters a minute from a tick on."""

    tick: Tick = 0
    qpm: Annotated[float, Field(ge=4, le=1000)] = 120.0


class WireMetre(Wire):
    """A metre from a tick on."""

    tick: Tick = 0
    numerator: Annotated[int, Field(ge=1, le=64)] = 4
    denominator: Annotated[int, Field(ge=1, le=64, description="A power of two.")] = 4


class WireKey(Wire):
    """A key signature from a tick on, such as "D minor"."""

    tick: Tick = 0
    name: Annotated[str, Field(max_length=16)] = "C major"


class WireTrack(Wire):
    """A voice or instrument; `program` counts General MIDI sounds from 0."""

    name: Annotated[str, Field(max_length=200)] = ""
    program: Seven = 0
    drums: bool = False


class WireNote(Wire):
    """A note; times in ticks."""

    track: TrackNumber = 0
    onset: Tick
    duration: Annotated[int, Field(ge=0, le=LAST_TICK)]
    pitch: Seven
    velocity: Annotated[int, Field(ge=1, le=127)] = 80


class WireController(Wire):
    """A controller's value from a tick on; 64 is the sustain pedal."""

    track: TrackNumber = 0
    tick: Tick
    number: Seven
    value: Seven


class WireBend(Wire):
    """A pitch bend from a tick on."""

    track: TrackNumber = 0
    tick: Tick
    value: Annotated[int, Field(ge=-8192, le=8191)]


EXAMPLE: dict[str, Any] = {
    "ticks_per_quarter": 480,
    "tempi": [{"tick": 0, "qpm": 96.0}],
    "metres": [{"tick": 0, "numerator": 4, "denominator": 4}],
    "keys": [{"tick": 0, "name": "D minor"}],
    "tracks": [{"name": "Piano", "program": 0, "drums": False}],
    "notes": [
        {"track": 0, "onset": 480 * i, "duration": 480, "pitch": pitch, "velocity": 80}
        for i, pitch in enumerate((62, 65, 69, 74, 72, 69, 65, 62))
    ],
}


class Music(Wire):
    """A piece of music."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra={"examples": [EXAMPLE]},
    )

    ticks_per_quarter: Annotated[int, Field(ge=1, le=65_535)] = 480
    tempi: Annotated[list[WireTempo], Field(max_length=10_000), FailFast()] = []
    metres: Annotated[list[WireMetre], Field(max_length=10_000), FailFast()] = []
    keys: Annotated[list[WireKey], Field(max_length=10_000), FailFast()] = []
    tracks: Annotated[list[WireTrack], Field(max_length=1024), FailFast()] = []
    notes: Annotated[list[WireNote], Field(max_length=200_000), FailFast()] = []
    controllers: Annotated[list[WireController], Field(max_length=400_000), FailFast()] = []
    bends: Annotated[list[WireBend], Field(max_length=400_000), FailFast()] = []

    def score(self) -> Score:
        """The Score it stands for; SegueError for a track, metre or key that there is none of."""
        tracks = self.tracks or [WireTrack()]
        for what, many in (("note", self.notes), ("controller", self.controllers)):
            last = max((each.track for each in many), default=0)
            if last >= len(tracks):
                raise SegueError(
                    f"a {what} is on track {last}, but the music has {len(tracks)} tracks, counted "
                    "from 0: add the track, or change the number."
                )
        if max((b.track for b in self.bends), default=0) >= len(tracks):
            raise SegueError("a bend is on a track that the music has not: add the track.")
        return Score(
            self.ticks_per_quarter,
            events(NOTE, ((n.onset, n.duration, n.track, n.pitch, n.velocity) for n in self.notes)),
            tuple(Track(t.name, t.program, t.drums) for t in tracks),
            controls=events(
                CONTROL, ((c.tick, c.track, c.number, c.value) for c in self.controllers)
            ),
            bends=events(BEND, ((b.tick, b.track, b.value) for b in self.bends)),
            tempi=events(TEMPO, ((t.tick, round(60e6 / t.qpm)) for t in self.tempi)),
            metres=events(METRE, (_metre(m) for m in self.metres)),
            keys=events(KEY, ((k.tick, *_key(k.name)) for k in self.keys)),
        )


def _metre(metre: WireMetre) -> tuple[int, int, int]:
    if metre.denominator & (metre.denominator - 1):
        raise SegueError(
            f"the metre came as {metre.numerator}/{metre.denominator}; the lower number is a "
            "power of two: 1, 2, 4, 8, 16, 32 or 64."
        )
    return metre.tick, metre.numerator, metre.denominator


def _key(name: str) -> tuple[int, bool]:
    words = name.replace("♯", "#").replace("♭", "b").split()
    said = f"{words[0][:1].upper()}{words[0][1:]} {(words[1:] or ['major'])[0]}" if words else ""
    if said not in KEYS:
        raise SegueError(f"the key came as {name!r}; {nearest(said, KEYS)}.")
    return KEYS[said]


def of_score(score: Score) -> dict[str, Any]:
    """The JSON form of a Score, which `Music` reads again."""
    return {
        "ticks_per_quarter": int(score.ticks_per_beat),
        "tempi": [
            {"tick": t, "qpm": float(np.clip(round(60e6 / us, 6), 4, 1000))}
            for t, us in score.tempi.tolist()
        ],
        "metres": [
            {"tick": t, "numerator": min(n, 64), "denominator": min(d, 64)}
            for t, n, d in score.metres.tolist()
        ],
        "keys": [{"tick": t, "name": _NAMES[f, m]} for t, f, m in score.keys.tolist()],
        "tracks": [
            {"name": t.name[:200], "program": int(t.program), "drums": bool(t.is_drum)}
            for t in score.tracks
        ],
        "notes": of_notes(score.notes),
        "controllers": [
            {"track": t, "tick": at, "number": n, "value": v}
            for at, t, n, v in score.controls.tolist()
        ],
        "bends": [{"track": t, "tick": at, "value": v} for at, t, v in score.bends.tolist()],
    }


def of_notes(notes: Events) -> list[dict[str, int]]:
    """Notes of a Score as JSON."""
    return [
        {"track": t, "onset": on, "duration": long, "pitch": p, "velocity": v}
        for on, long, t, p, v in notes.tolist()
    ]
