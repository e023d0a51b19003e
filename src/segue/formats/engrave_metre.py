"""Where a bar's beats are strong and weak, and how a length is cut so that they can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from segue.formats.engrave_grid import UNITS

WHOLE = 4 * UNITS
SHORTEST = UNITS // 32
"""A 128th note: everything outside of tuplets is a multiple of it."""

VALUES = {
    (WHOLE >> power) + (dots and WHOLE >> power + 1): (power, dots)
    for power in range(8)
    for dots in (0, 1)
    if power + dots <= 7
}
"""Written lengths of one symbol in units, as (power, dots): power 2 is a quarter."""


@dataclass(frozen=True)
class Metre:
    """A metre, with the levels at which its bar divides."""

    numerator: int
    denominator: int

    @property
    def unit(self) -> int:
        """The length that the denominator names, in units."""
        return WHOLE // self.denominator

    @property
    def length(self) -> int:
        """The length of a full bar, in units."""
        return self.numerator * self.unit

    @property
    def compound(self) -> bool:
        """Whether beats divide in three, as in 6/8."""
        return self.numerator > 3 and self.numerator % 3 == 0 and self.denominator >= 4

    @property
    def beat(self) -> int:
        """The length of what a player counts, in units: a dotted quarter in 6/8."""
        return 3 * self.unit if self.compound else self.unit

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Lengths of the bar's divisions from the whole bar down, in units."""
        found = [self.length]
        beats = self.length // self.beat
        while beats % 2 == 0:
            beats //= 2
            found.append(beats * self.beat)
        step = self.unit if self.compound or beats > 1 else self.unit // 2
        found += [self.beat] if found[-1] > self.beat else []
        while step >= SHORTEST:
            found += [step] if step < found[-1] else []
            step //= 2
        return tuple(found)


class Plain(Metre):
    """The inside of a tuplet: it divides in two all the way down."""

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Two whole notes, halved down to a 128th."""
        return tuple(2 * WHOLE >> n for n in range(9))


def strength(at: int, levels: Sequence[int]) -> int:
    """The largest division of the bar that begins at `at`, in units."""
    return next((level for level in levels if at % level == 0), SHORTEST)


def cut(start: int, end: int, metre: Metre, *, rest: bool) -> list[int]:
    """The edges of the symbols that write [start, end), first and last with them.

    One symbol where it hides no beat that a reader counts by, else cut at the strongest place
    inside. A note may hide what is at most twice as strong as its ends (a syncopation), a rest
    only what is weaker.
    """
    levels = metre.levels
    if end - start in VALUES:
        inside = _strongest(start, end, levels)
        ends = max(strength(start, levels), strength(end, levels))
        if inside is None or inside[0] <= (ends if rest else 2 * ends):
            return [start, end]
    place = _place(start, end, levels)
    if place is None:
        return [start, end]
    return cut(start, place, metre, rest=rest) + cut(place, end, metre, rest=rest)[1:]


def _strongest(start: int, end: int, levels: Sequence[int]) -> tuple[int, int] | None:
    """(level, first place) of the strongest places inside of (start, end)."""
    for level in levels:
        place = (start // level + 1) * level
        if place < end:
            return level, place
    return None


def _place(start: int, end: int, levels: Sequence[int]) -> int | None:
    """Where best to cut (start, end): at a strongest place that leaves a plain value."""
    found = _strongest(start, end, levels)
    if found is None:
        return None
    level, first = found
    places = list(range(first, end, level))
    if strength(start, levels) >= strength(end, levels):
        good = [place for place in places if place - start in VALUES]
        return good[-1] if good else first
    good = [place for place in places if end - place in VALUES]
    return good[0] if good else places[-1]
