"""What an ABC body is read into: voices of bars of notes, timed in whole notes and not unfolded."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from segue.formats.abc_fields import Key, Metre
from segue.formats.repeats import Signs


@dataclass(slots=True)
class Note:
    """A note in a bar; `tie` says that it holds on into the next of its pitch."""

    onset: Fraction
    length: Fraction
    pitch: int
    velocity: int
    tie: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A chord symbol (`kind` "chord") or an annotation."""

    kind: str
    text: str


@dataclass(slots=True)
class Change:
    """Something other than a note at a place in a bar; a float is quarter notes a minute."""

    onset: Fraction
    value: Metre | Key | Words | float


@dataclass(slots=True)
class Bar:
    """Music between two bar lines of any kind, with the signs at its ends."""

    signs: Signs = field(default_factory=Signs)
    notes: list[Note] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    length: Fraction = Fraction(0)
    metre: Metre = field(default_factory=Metre)
    part: str = ""
    closed: bool = False  # by a bar line, not by the end of a line or part


@dataclass(slots=True)
class Voice:
    """A voice: how it sounds, its bars, and the metre, key and unit in force while reading."""

    label: str
    metre: Metre
    key: Key
    unit: Fraction | None
    name: str = ""
    semitones: int = 0
    program: int = 0
    is_drum: bool = False
    bars: list[Bar] = field(default_factory=list)

    @property
    def unit_length(self) -> Fraction:
        """The length of a note without a number, in whole notes."""
        return self.unit if self.unit is not None else self.metre.unit
