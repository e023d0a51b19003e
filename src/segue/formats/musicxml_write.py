"""A Score as MusicXML 4.0 text, ready to be read by people and by notation programs.

Source of element order: the MusicXML 4.0 schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from xml.sax.saxutils import escape, quoteattr

import segue
from segue.formats.chord_symbols import taken_apart
from segue.formats.engrave import Bar, Page, Part, engraved
from segue.formats.engrave_grid import UNITS
from segue.formats.headings import Headings, Over, beat_of_tempo, headings
from segue.formats.musicxml_note import DynamicMarks, StaffWriter, printable
from segue.score import Score

_CLEFS = {"treble": ("G", 2), "bass": ("F", 4), "percussion": ("percussion", None)}
_BEAT_UNITS = {4.0: "whole", 2.0: "half", 1.0: "quarter", 0.5: "eighth", 0.25: "16th"}
_KINDS = {
    "": "major",
    "maj": "major",
    "m": "minor",
    "min": "minor",
    "-": "minor",
    "7": "dominant",
    "maj7": "major-seventh",
    "M7": "major-seventh",
    "m7": "minor-seventh",
    "min7": "minor-seventh",
    "dim": "diminished",
    "d": "diminished",
    "o": "diminished",
    "dim7": "diminished-seventh",
    "o7": "diminished-seventh",
    "m7b5": "half-diminished",
    "aug": "augmented",
    "a": "augmented",
    "+": "augmented",
    "sus": "suspended-fourth",
    "sus4": "suspended-fourth",
    "sus2": "suspended-second",
    "6": "major-sixth",
    "m6": "minor-sixth",
    "9": "dominant-ninth",
    "maj9": "major-ninth",
    "m9": "minor-ninth",
    "5": "power",
}


def to_text(score: Score) -> str:
    """The MusicXML of a Score; errors as `segue.formats.engrave.engraved`."""
    page = engraved(score)
    step = _step(page)
    over = headings(score, page.bars)
    return "".join(_document(page, over, step))


def _step(page: Page) -> int:
    """The longest step, in units, of which every length on the page is a multiple."""
    step = UNITS
    for bar in page.bars:
        step = gcd(step, bar.end - bar.start)
    for part in page.parts:
        for staff in part.staves:
            for bar_voices in staff.voices:
                for line in bar_voices:
                    for symbol in line:
                        step = gcd(step, symbol.length)
    return step


def _document(page: Page, over: Headings, step: int) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">\n'
    )
    yield '<score-partwise version="4.0">\n'
    if over.title:
        yield f"<work><work-title>{_text(over.title)}</work-title></work>\n"
    software = f"Segue {segue.__version__}"
    yield f"<identification><encoding><software>{software}</software></encoding></identification>\n"
    yield "<part-list>\n"
    pitched = 0
    for number, part in enumerate(page.parts, 1):
        if not part.track.is_drum:
            pitched += 1
        yield from _score_part(f"P{number}", part, pitched, over.title)
    yield "</part-list>\n"
    for number, part in enumerate(page.parts, 1):
        yield f'<part id="P{number}">\n'
        yield from _part(f"P{number}", part, page, over if number == 1 else Headings(), step)
        yield "</part>\n"
    yield "</score-partwise>\n"


def _text(text: str) -> str:
    return escape(printable(text))


def _score_part(name: str, part: Part, pitched: int, title: str) -> Iterator[str]:
    """A part's entry in the part list, with the sounds of its instruments."""
    # The title of a piece in one part is its track's name: no need to print it twice.
    shown = "" if part.track.name == title else part.track.name
    yield f"<score-part id={quoteattr(name)}><part-name>{_text(shown)}</part-name>\n"
    if part.track.is_drum:
        pitches = sorted(
            {
                head.pitch
                for staff in part.staves
                for bar_voices in staff.voices
                for line in bar_voices
                for symbol in line
                for head in symbol.heads
            }
        )
        rows: list[tuple[str, int, int | None]]
        rows = [(f"{name}-I{pitch + 1}", 10, pitch) for pitch in pitches]
    else:
        # Channel 10 is for drums; more parts than channels share them.
        channel = (pitched - 1) % 15 + 1
        rows = [(f"{name}-I1", channel + (channel >= 10), None)]
    for key, _, pitch in rows:
        shown = part.track.name if pitch is None else f"drum {pitch}"
        yield f'<score-instrument id="{key}"><instrument-name>{_text(shown)}</instrument-name>'
        yield "</score-instrument>\n"
    for key, channel, pitch in rows:
        yield f'<midi-instrument id="{key}"><midi-channel>{channel}</midi-channel>'
        yield f"<midi-program>{part.track.program + 1}</midi-program>"
        if pitch is not None:
            yield f"<midi-unpitched>{pitch + 1}</midi-unpitched>"
        yield "</midi-instrument>\n"
    yield "</score-part>\n"


def _part(name: str, part: Part, page: Page, over: Headings, step: int) -> Iterator[str]:
    upbeat = page.bars[0].first > 0
    writers = [
        StaffWriter(
            part=name,
            number=number if len(part.staves) > 1 else 0,
            drums=part.track.is_drum,
            step=step,
            lyrics=over.lyrics if number == 1 else {},
        )
        for number in range(1, len(part.staves) + 1)
    ]
    marks = DynamicMarks()
    before: Bar | None = None
    for i, bar in enumerate(page.bars):
        implicit = "" if bar.whole else ' implicit="yes"'
        yield f'<measure number="{i if upbeat else i + 1}"{implicit}>\n'
        if before is None:
            yield _first_attributes(part, bar, step)
        else:
            yield _changed_attributes(part, bar, before)
        for thing in over.over.get(i, ()):
            yield _over(thing, bar, step)
        here = [staff.voices[i] for staff in part.staves]
        yield marks.over(here)
        length = (bar.end - bar.start) // step
        for number, (writer, lines) in enumerate(zip(writers, here, strict=True)):
            if number:
                yield f"<backup><duration>{length}</duration></backup>\n"
            yield from writer.bar(lines, bar)
        if i == len(page.bars) - 1:
            yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>\n'
        yield "</measure>\n"
        before = bar


def _key(bar: Bar) -> str:
    mode = "minor" if bar.minor else "major"
    return f"<key><fifths>{bar.fifths}</fifths><mode>{mode}</mode></key>"


def _time(bar: Bar) -> str:
    over, under = bar.metre.numerator, bar.metre.denominator
    return f"<time><beats>{over}</beats><beat-type>{under}</beat-type></time>"


def _first_attributes(part: Part, bar: Bar, step: int) -> str:
    inside = f"<divisions>{UNITS // step}</divisions>"
    inside += ("" if part.track.is_drum else _key(bar)) + _time(bar)
    if len(part.staves) > 1:
        inside += f"<staves>{len(part.staves)}</staves>"
    for number, staff in enumerate(part.staves, 1):
        sign, line = _CLEFS[staff.clef]
        on_line = f"<line>{line}</line>" if line else ""
        inside += f'<clef number="{number}"><sign>{sign}</sign>{on_line}</clef>'
    return f"<attributes>{inside}</attributes>\n"


def _changed_attributes(part: Part, bar: Bar, before: Bar) -> str:
    inside = ""
    if (bar.fifths, bar.minor) != (before.fifths, before.minor) and not part.track.is_drum:
        inside += _key(bar)
    if bar.metre != before.metre:
        inside += _time(bar)
    return f"<attributes>{inside}</attributes>\n" if inside else ""


def _over(thing: Over, bar: Bar, step: int) -> str:
    """A tempo, chord symbol or words at their offset from the bar's start."""
    at = thing.at // step
    offset = f"<offset>{at}</offset>" if at else ""
    if thing.kind == "chord":
        return _harmony(thing.text, offset)
    if thing.kind == "words":
        words = f"<direction-type><words>{_text(thing.text)}</words></direction-type>"
        return f'<direction placement="above">{words}{offset}</direction>\n'
    rate = f"{thing.rate:.4f}".rstrip("0").rstrip(".")
    if not thing.printed:
        return f'<sound tempo="{rate}">{offset}</sound>\n'
    quarters, dotted = beat_of_tempo(bar)
    unit = _BEAT_UNITS.get(quarters / 1.5 if dotted else quarters, "quarter")
    told = thing.rate / (quarters if unit != "quarter" or dotted else 1.0)
    inside = f"<beat-unit>{unit}</beat-unit>" + ("<beat-unit-dot/>" if dotted else "")
    inside += f"<per-minute>{round(told)}</per-minute>"
    return (
        f'<direction placement="above"><direction-type><metronome>{inside}</metronome>'
        f'</direction-type>{offset}<sound tempo="{rate}"/></direction>\n'
    )


def _harmony(text: str, offset: str) -> str:
    symbol = taken_apart(text)
    if symbol is None:
        return ""
    kind = _KINDS.get(symbol.quality, "other")
    inside = f"<root>{_step_and_alter('root', symbol.root, symbol.root_alter)}</root>"
    inside += f"<kind text={quoteattr(symbol.quality)}>{kind}</kind>"
    if symbol.bass:
        inside += f"<bass>{_step_and_alter('bass', symbol.bass, symbol.bass_alter)}</bass>"
    return f"<harmony>{inside}{offset}</harmony>\n"


def _step_and_alter(name: str, step: str, alter: int) -> str:
    told = f"<{name}-alter>{alter}</{name}-alter>" if alter else ""
    return f"<{name}-step>{step}</{name}-step>{told}"
