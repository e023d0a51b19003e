"""Symbols of a staff as MusicXML `note` elements, with the signs that a reader needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from segue.formats.dynamics import mark_of
from segue.formats.engrave import Bar
from segue.formats.engrave_beams import beams
from segue.formats.engrave_values import Symbol, Tuplet
from segue.formats.engrave_voices import Head
from segue.formats.spelling import Spelling, signature, spelled

_FORTE = 90
"""The velocity that MusicXML counts its percentages of loudness from."""
_TYPES = ("whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th")
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
# Where drums are drawn: step, octave and shape of head, by General MIDI pitch.
_DRUMS = {
    35: ("F", 4, ""),
    36: ("F", 4, ""),
    37: ("C", 5, "x"),
    38: ("C", 5, ""),
    39: ("C", 5, "diamond"),
    40: ("C", 5, ""),
    41: ("G", 4, ""),
    42: ("G", 5, "x"),
    43: ("A", 4, ""),
    44: ("D", 4, "x"),
    45: ("B", 4, ""),
    46: ("G", 5, "circle-x"),
    47: ("D", 5, ""),
    48: ("E", 5, ""),
    49: ("A", 5, "x"),
    50: ("E", 5, ""),
    51: ("F", 5, "x"),
    53: ("F", 5, "diamond"),
    57: ("B", 5, "x"),
    59: ("F", 5, "x"),
}
_OTHER_DRUM = ("C", 5, "diamond")


def printable(text: str) -> str:
    """Text without the characters that XML forbids."""
    return (
        "".join(c for c in text if c >= " " or c in "\t\n")
        .replace("\ufffe", "")
        .replace("\uffff", "")
    )


@dataclass
class DynamicMarks:
    """Loudness marks of a part: at a bar that is of one loudness, and another than the last.

    The first mark waits for a change, so that music of one loudness throughout has none.
    """

    _last: str = ""
    _opening: str = ""

    def over(self, staves: Sequence[Sequence[Sequence[Symbol]]]) -> str:
        """The mark to write at the start of a bar, as a `direction`, or nothing."""
        found = {
            mark_of(head.velocity)
            for lines in staves
            for line in lines
            for symbol in line
            for head in symbol.heads
        }
        if len(found) != 1 or self._last in found:
            return ""
        before, self._last = self._last, found.pop()
        if not before:
            return ""
        return (
            '<direction placement="below"><direction-type><dynamics>'
            f"<{self._last}/></dynamics></direction-type></direction>\n"
        )


@dataclass
class StaffWriter:
    """Writes the bars of one staff in order; `number` is 0 for the only staff of a part."""

    part: str
    number: int
    drums: bool
    step: int
    lyrics: Mapping[int, str] = field(default_factory=dict)

    def bar(self, lines: Sequence[Sequence[Symbol]], bar: Bar) -> Iterator[str]:
        """The voices of one bar, each after the other."""
        accidentals = self._accidentals(lines, bar)
        length = (bar.end - bar.start) // self.step
        for i, line in enumerate(lines):
            if i:
                yield f"<backup><duration>{length}</duration></backup>\n"
            # Staff 1 has voices 1 and 2, staff 2 has 5 and 6, as notation programs expect.
            voice = 4 * max(self.number - 1, 0) + i + 1
            yield from self._line(line, bar, voice, accidentals, hidden_rests=i > 0)

    def _line(
        self,
        line: Sequence[Symbol],
        bar: Bar,
        voice: int,
        accidentals: Mapping[tuple[int, int], str],
        *,
        hidden_rests: bool,
    ) -> Iterator[str]:
        if bar.whole and not any(symbol.heads for symbol in line):
            yield self._whole_rest(bar, voice)
            return
        for symbol, states in zip(line, beams(line, bar.metre), strict=True):
            if not symbol.heads and hidden_rests and symbol.tuplet is None:
                yield self._forward(symbol, voice)
            elif not symbol.heads:
                yield self._note("<rest/>", "", symbol, voice, [])
            for i, head in enumerate(symbol.heads):
                yield self._head(head, symbol, voice, states, accidentals, bar, chord=i > 0)

    def _duration(self, length: int) -> str:
        return f"<duration>{length // self.step}</duration>"

    def _staff(self) -> str:
        return f"<staff>{self.number}</staff>" if self.number else ""

    def _whole_rest(self, bar: Bar, voice: int) -> str:
        duration = self._duration(bar.end - bar.start)
        inside = f'<rest measure="yes"/>{duration}<voice>{voice}</voice>{self._staff()}'
        return f"<note>{inside}</note>\n"

    def _forward(self, symbol: Symbol, voice: int) -> str:
        inside = self._duration(symbol.length) + f"<voice>{voice}</voice>" + self._staff()
        return f"<forward>{inside}</forward>\n"

    def _head(
        self,
        head: Head,
        symbol: Symbol,
        voice: int,
        states: Sequence[str],
        accidentals: Mapping[tuple[int, int], str],
        bar: Bar,
        *,
        chord: bool,
    ) -> str:
        """One note head; the first of a chord carries its beams, tuplet bracket and lyric."""
        name = spelled(head.pitch, bar.fifths)
        before = "<chord/>" if chord else ""
        shape = ""
        if self.drums:
            step, octave, shape = _DRUMS.get(head.pitch, _OTHER_DRUM)
            before += f"<unpitched><display-step>{step}</display-step>"
            before += f"<display-octave>{octave}</display-octave></unpitched>"
        else:
            alter = f"<alter>{name.alter}</alter>" if name.alter else ""
            before += f"<pitch><step>{name.step}</step>{alter}"
            before += f"<octave>{name.octave}</octave></pitch>"
        ties = [w for w, on in (("stop", head.tied_from), ("start", head.tied_to)) if on]
        after = "".join(f'<tie type="{word}"/>' for word in ties)
        if self.drums:
            after += f'<instrument id="{self.part}-I{head.pitch + 1}"/>'
        lyric = ""
        moment = bar.start + symbol.start - bar.first
        if not chord and not head.tied_from and moment in self.lyrics:
            lyric = f"<lyric><text>{escape(printable(self.lyrics[moment]))}</text></lyric>"
        return self._note(
            before,
            after,
            symbol,
            voice,
            [] if chord else states,
            ties=ties,
            accidental=accidentals.get((symbol.start, head.pitch), ""),
            shape=shape,
            loudness=head.velocity,
            lyric=lyric,
            chord=chord,
        )

    def _note(
        self,
        before: str,
        after: str,
        symbol: Symbol,
        voice: int,
        states: Sequence[str],
        *,
        ties: Sequence[str] = (),
        accidental: str = "",
        shape: str = "",
        loudness: int = 0,
        lyric: str = "",
        chord: bool = False,
    ) -> str:
        percent = f"{100 * loudness / _FORTE:.2f}".rstrip("0").rstrip(".")
        dynamics = f' dynamics="{percent}"' if loudness else ""
        inside = before + self._duration(symbol.length) + after + f"<voice>{voice}</voice>"
        inside += f"<type>{_TYPES[symbol.power]}</type>" + "<dot/>" * symbol.dots
        inside += f"<accidental>{accidental}</accidental>" if accidental else ""
        if symbol.tuplet is not None:
            inside += _time_modification(symbol.tuplet)
        inside += f"<notehead>{shape}</notehead>" if shape else ""
        inside += self._staff()
        inside += "".join(f'<beam number="{n}">{s}</beam>' for n, s in enumerate(states, 1))
        notations = "".join(f'<tied type="{word}"/>' for word in ties)
        if not chord and symbol.tuplet is not None:
            notations += _bracket(symbol, symbol.tuplet)
        inside += f"<notations>{notations}</notations>" if notations else ""
        return f"<note{dynamics}>{inside}{lyric}</note>\n"

    def _accidentals(
        self, lines: Sequence[Sequence[Symbol]], bar: Bar
    ) -> dict[tuple[int, int], str]:
        """The sign to print at (start, pitch): where key and bar so far say otherwise."""
        if self.drums:
            return {}
        key = signature(bar.fifths)
        in_force: dict[tuple[str, int], int] = {}
        found: dict[tuple[int, int], str] = {}
        ordered = sorted((s for line in lines for s in line), key=lambda s: s.start)
        for symbol in ordered:
            for head in symbol.heads:
                name: Spelling = spelled(head.pitch, bar.fifths)
                place = (name.step, name.octave)
                if head.tied_from and symbol.start == bar.first:
                    continue
                if in_force.get(place, key.get(name.step, 0)) != name.alter:
                    found[symbol.start, head.pitch] = _ACCIDENTALS[name.alter]
                    in_force[place] = name.alter
        return found


def _time_modification(tuplet: Tuplet) -> str:
    return (
        f"<time-modification><actual-notes>{tuplet.actual}</actual-notes>"
        f"<normal-notes>{tuplet.normal}</normal-notes></time-modification>"
    )


def _bracket(symbol: Symbol, tuplet: Tuplet) -> str:
    """Where a tuplet's bracket begins and ends."""
    found = '<tuplet type="start"/>' if symbol.start == tuplet.start else ""
    return found + ('<tuplet type="stop"/>' if symbol.start + symbol.length == tuplet.end else "")
