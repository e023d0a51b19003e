"""Printed music as ABC and **kern are read: voices of bars of notes, not yet unfolded.

Onsets and lengths are exact fractions of a whole note.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from segue.formats.repeats import Signs


@dataclass(frozen=True)
class Key:
    """A key signature; `alters` maps a letter to its semitones, `fifths` is -7 to 7."""

    fifths: int = 0
    minor: bool = False
    alters: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Metre:
    """A metre; None for both numbers means free metre (`M:none`)."""

    numerator: int | None = 4
    denominator: int | None = 4

    @property
    def whole_notes(self) -> Fraction | None:
        """The length of a bar in whole notes; None in free metre."""
        if self.numerator is None or self.denominator is None:
            return None
        return Fraction(self.numerator, self.denominator)

    @property
    def unit(self) -> Fraction:
        """The unit note length that the standard derives from the metre."""
        length = self.whole_notes
        return Fraction(1, 16) if length is not None and length < Fraction(3, 4) else Fraction(1, 8)

    @property
    def compound(self) -> bool:
        """Whether beats divide in three: 6/8, 9/8, 12/8 and their like."""
        over = self.numerator
        return over is not None and over > 3 and over % 3 == 0


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
