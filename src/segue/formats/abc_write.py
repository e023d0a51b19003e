"""A Score as ABC text that people and other programs read.

Every sign is written out wherever two readings of the standard would differ (whether a sharp
holds in other octaves, or in an overlaid voice), so that no reader needs to share ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from segue.formats.dynamics import mark_of
from segue.formats.engrave import Bar, Page, Part, engraved
from segue.formats.engrave_beams import beams
from segue.formats.engrave_values import Symbol, Tuplet
from segue.formats.headings import Headings, Over, beat_of_tempo, headings
from segue.formats.spelling import signature, spelled
from segue.score import Score

_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
# Keys from seven flats to seven sharps.
_MAJORS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINORS = tuple(f"{key}m" for key in (*_MAJORS[3:], "G#", "D#", "A#"))
_BARS_A_LINE = 4
_DEFAULT_MARK = "mf"


def to_text(score: Score) -> str:
    """The ABC of a Score, a voice a track; errors as `segue.formats.engrave.engraved`."""
    page = engraved(score, hands=False)
    over = headings(score, page.bars)
    return "\n".join(_lines(page, over)) + "\n"


def _lines(page: Page, over: Headings) -> Iterator[str]:
    first = page.bars[0]
    unit = _unit(page)
    # Without its version an older reading is assumed, in which signs hold for one note.
    yield "%abc-2.1"
    yield "X:1"
    yield f"T:{_plain(over.title)}".rstrip()
    yield f"M:{first.metre.numerator}/{first.metre.denominator}"
    yield f"L:{unit}"
    opening = next((o for o in over.over.get(0, ()) if o.kind == "tempo"), None)
    if opening is not None:
        yield f"Q:{_tempo(opening, first)}"
    many = len(page.parts) > 1
    if many:
        for number, part in enumerate(page.parts, 1):
            clef = " clef=bass" if part.staves[0].clef == "bass" else ""
            yield f'V:{number} name="{_plain(part.track.name)}"{clef}'
    yield f"K:{_key(first)}"
    for number, part in enumerate(page.parts, 1):
        if many:
            yield f"V:{number}"
        if part.track.is_drum:
            yield "%%MIDI channel 10"
        if part.track.program:
            yield f"%%MIDI program {part.track.program}"
        yield from _music(part, page, over if number == 1 else Headings(), unit, opening)


def _plain(text: str) -> str:
    """One line of text without quotes; a percent sign would begin a comment."""
    return " ".join(text.replace('"', "'").split()).replace("%", "\\%")


def _unit(page: Page) -> Fraction:
    """The unit length with which most notes need no number."""
    count: Counter[Fraction] = Counter()
    for part in page.parts:
        for bar_voices in part.staves[0].voices:
            for line in bar_voices:
                count.update(_written(symbol) for symbol in line if symbol.heads)
    units = [Fraction(1, n) for n in (4, 8, 16, 32)]
    return max(units, key=lambda unit: (count[unit], unit))


def _key(bar: Bar) -> str:
    return (_MINORS if bar.minor else _MAJORS)[bar.fifths + 7]


def _tempo(tempo: Over, bar: Bar) -> str:
    quarters, dotted = beat_of_tempo(bar)
    beat = Fraction(quarters) / 4 if dotted else Fraction(1, 4)
    rate = f"{tempo.rate / float(4 * beat):.3f}".rstrip("0").rstrip(".")
    return f"{beat}={rate}"


def _written(symbol: Symbol) -> Fraction:
    """A symbol's length as written, in whole notes, before its tuplet."""
    value = Fraction(1, 2**symbol.power)
    return value * Fraction(3, 2) if symbol.dots else value


def _music(
    part: Part, page: Page, over: Headings, unit: Fraction, opening: Over | None
) -> Iterator[str]:
    """A voice's bars, a few to a line."""
    row: list[str] = []
    mark = _DEFAULT_MARK
    tied: list[dict[tuple[str, int], set[int]]] = []
    before = page.bars[0]
    for i, bar in enumerate(page.bars):
        lines = part.staves[0].voices[i]
        text = ""
        if bar.metre != before.metre:
            text += f"[M:{bar.metre.numerator}/{bar.metre.denominator}]"
        if (bar.fifths, bar.minor) != (before.fifths, before.minor):
            text += f"[K:{_key(bar)}]"
        marks = {mark_of(h.velocity) for line in lines for s in line for h in s.heads}
        if len(marks) == 1 and mark not in marks:
            mark = marks.pop()
            text += f"!{mark}!"
        things = [thing for thing in over.over.get(i, ()) if thing is not opening]
        text += _Bar(bar, unit, things, tied).text(lines)
        tied = [_tied_places(line, bar) for line in lines]
        row.append(text + (" |" if i < len(page.bars) - 1 else " |]"))
        if len(row) == _BARS_A_LINE:
            yield " ".join(row)
            row = []
        before = bar
    if row:
        yield " ".join(row)


def _tied_places(line: Sequence[Symbol], bar: Bar) -> dict[tuple[str, int], set[int]]:
    """Letters and octaves that a bar's last symbol ties on, with their signs."""
    found: dict[tuple[str, int], set[int]] = {}
    for head in line[-1].heads:
        if head.tied_to:
            letter, alter, octave = spelled(head.pitch, bar.fifths)
            found.setdefault((letter, octave), set()).add(alter)
    return found


@dataclass
class _Bar:
    """Writes one bar of one voice; `things` stand over it.

    `tied` has for each line of the bar before what it ties on: a sign there goes on through the
    tie, so a note in that place with another sign needs its own.
    """

    bar: Bar
    unit: Fraction
    things: Sequence[Over]
    tied: Sequence[dict[tuple[str, int], set[int]]]
    # Signs in force, as a reader has it for whom they hold in all octaves, and in their own.
    by_letter: dict[str, int] = field(default_factory=dict)
    by_place: dict[tuple[str, int], int] = field(default_factory=dict)
    # Letters with a sign in the voice before: an overlaid voice repeats theirs.
    doubtful: set[str] = field(default_factory=set)
    tied_here: dict[tuple[str, int], set[int]] = field(default_factory=dict)

    def text(self, lines: Sequence[Sequence[Symbol]]) -> str:
        """The bar's voices, the second laid over the first."""
        found = []
        for i, line in enumerate(lines):
            self.tied_here = self.tied[i] if i < len(self.tied) else {}
            found.append(self._line(line, things=self.things if i == 0 else (), hidden=i > 0))
            self.doubtful = set(self.by_letter)
        return " & ".join(found)

    def _line(self, line: Sequence[Symbol], *, things: Sequence[Over], hidden: bool) -> str:
        text = ""
        waiting = list(things)
        opened: Tuplet | None = None
        for symbol, states in zip(line, beams(line, self.bar.metre), strict=True):
            if text and (not states or states[0] == "begin"):
                text += " "
            at = symbol.start - self.bar.first
            while waiting and waiting[0].at <= at:
                text += self._over(waiting.pop(0))
            if symbol.tuplet is not None and symbol.tuplet != opened:
                members = sum(each.tuplet == symbol.tuplet for each in line)
                text += _tuplet(symbol.tuplet, members)
            opened = symbol.tuplet
            text += self._symbol(symbol, hidden=hidden)
            self.tied_here = {}
        return text

    def _over(self, thing: Over) -> str:
        if thing.kind == "tempo":
            return f"[Q:{_tempo(thing, self.bar)}]" if thing.printed else ""
        above = "^" if thing.kind == "words" else ""
        return f'"{above}{_plain(thing.text)}"'

    def _symbol(self, symbol: Symbol, *, hidden: bool) -> str:
        length = _length(_written(symbol) / self.unit)
        if not symbol.heads:
            return ("x" if hidden else "z") + length
        names = [self._name(head.pitch) for head in symbol.heads]
        ties = ["-" if head.tied_to else "" for head in symbol.heads]
        if len(names) == 1:
            return names[0] + length + ties[0]
        if all(ties):
            return f"[{''.join(names)}]{length}-"
        return f"[{''.join(n + t for n, t in zip(names, ties, strict=True))}]{length}"

    def _name(self, pitch: int) -> str:
        """A pitch with the sign it needs: `^c'`."""
        letter, alter, octave = spelled(pitch, self.bar.fifths)
        place = (letter, octave)
        usual = signature(self.bar.fifths).get(letter, 0)
        sign = ""
        known = {self.by_letter.get(letter, usual), self.by_place.get(place, usual)}
        known |= self.tied_here.get(place, set())
        if known != {alter} or letter in self.doubtful:
            sign = _SIGNS[alter]
            self.by_letter[letter] = self.by_place[place] = alter
        name = letter if octave < 5 else letter.lower()
        return sign + name + ("," * (4 - octave) if octave < 5 else "'" * (octave - 5))


def _tuplet(tuplet: Tuplet, members: int) -> str:
    if (tuplet.actual, tuplet.normal, members) == (3, 2, 3):
        return "(3"
    return f"({tuplet.actual}:{tuplet.normal}:{members}"


def _length(units: Fraction) -> str:
    """A length as a multiple of the unit: ``, `2`, `3/2`, `/`, `/4`."""
    over = str(units.numerator) if units.numerator != 1 else ""
    if units.denominator == 1:
        return over
    return f"{over}/" + (str(units.denominator) if units.denominator != 2 or over else "")
