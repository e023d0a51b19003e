"""What a MusicXML score is read into: parts of measures of notes, in ticks and not yet unfolded."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from segue.formats.repeats import Signs
from segue.score import Text


@dataclass(frozen=True)
class Instrument:
    """How a part, or one instrument of it, sounds; `drum` is the pitch of an unpitched one."""

    program: int = 0
    is_drum: bool = False
    drum: int | None = None


@dataclass(slots=True)
class Note:
    """A note in a measure, in ticks from its start; `tied` holds on into the next of its pitch."""

    onset: int
    duration: int
    pitch: int
    velocity: int
    instrument: Instrument
    tied: bool = False


@dataclass(slots=True)
class Measure:
    """A measure of one part: notes and changes in ticks from its start, and the signs on it."""

    length: int = 0
    signs: Signs = field(default_factory=Signs)
    notes: list[Note] = field(default_factory=list)
    metre: tuple[int, int] | None = None
    keys: list[tuple[int, int, bool]] = field(default_factory=list)
    tempi: list[tuple[int, float]] = field(default_factory=list)
    pedals: list[tuple[int, int]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


@dataclass
class Part:
    """A part: its name, its measures, and whether it is written as it sounds."""

    name: str = ""
    measures: list[Measure] = field(default_factory=list)
    transposes: bool = False


LARGEST_NUMBER = 1e9
"""No number of a score comes near; products of larger ones would overflow."""


def number(element: Element | None, name: str | None = None) -> float | None:
    """The number in an element, or in its child `name`; None if there is none of a sane size."""
    child = element if element is None or name is None else element.find(name)
    try:
        value = float(child.text or "") if child is not None else math.nan
    except ValueError:
        return None
    return value if abs(value) <= LARGEST_NUMBER else None


def attribute(element: Element, name: str) -> float | None:
    """A numeric attribute, None if it is missing or of no sane size."""
    try:
        value = float(element.get(name, ""))
    except ValueError:
        return None
    return value if abs(value) <= LARGEST_NUMBER else None
