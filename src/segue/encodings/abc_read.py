"""Words of ABC as a Score, whatever a model wrote: what makes no sense is passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from segue.encodings.abc_words import (
    ALTERS,
    KEYS,
    METRES,
    NATURAL,
    STEPS_PER_BEAT,
    UNIT,
    alterations,
    key_word,
    metre_word,
)
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Track, events

TICKS_PER_BEAT = 480
VELOCITY = 80
LONGEST_READ = 100 * STEPS_PER_BEAT
"""No single length is longer, whatever its digits say."""

_METRE = {metre_word(*each).strip(): each for each in METRES}
_KEY = {key_word(*each).strip(): each for each in KEYS}
_WORD = re.compile(
    r"(?P<change>\[M:\d+/\d+\])|(?P<metre>M:\d+/\d+)\n?|(?P<key>K:[A-G][b#]?m?)\n?|(?P<bar>\|)|(?P<tie>-)"
    r"|(?P<rest>z)|\[(?P<chord>[^\[\]|\n]*)\]|(?P<note>(?:\^\^?|__?|=)?[A-Ga-g][,']*)"
    r"|(?P<length>\d*/*\d*)"
)
_NOTE = re.compile(r"(\^\^?|__?|=)?([A-Ga-g])([,']*)")


@dataclass
class _Reader:
    """Where the reading is: the step, the sounding notes, the key and the signs since the bar."""

    metre: tuple[int, int] = (4, 4)
    key: tuple[int, bool] = (0, False)
    at: int = 0
    # Where bars begin, but for the first, and changes of metre, in steps.
    bars: list[int] = field(default_factory=list)
    changes: dict[int, tuple[int, int]] = field(default_factory=dict)
    last: list[int] = field(default_factory=list)
    tied: bool = False
    signs: dict[str, int] = field(default_factory=dict)
    # Start, stop and pitch, in steps; a tied note grows.
    notes: list[list[int]] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)

    def sound(self, pitches: list[int]) -> None:
        """A note, chord or rest of one unit; a length that follows changes it."""
        held = self.held if self.tied else {}
        self.held, self.last, self.tied = {}, [], False
        for pitch in dict.fromkeys(pitches):
            if pitch in held and self.notes[held[pitch]][1] == self.at:
                index = held[pitch]
            else:
                index = len(self.notes)
                self.notes.append([self.at, self.at, pitch])
            self.notes[index][1] = self.at + UNIT
            self.held[pitch] = index
            self.last.append(index)
        self.at += UNIT

    def stretch(self, steps: int) -> None:
        """The last sound lasts `steps` instead of a unit."""
        self.at += steps - UNIT
        for index in self.last:
            self.notes[index][1] = self.at

    def pitch(self, sign: str | None, letter: str, marks: str) -> int | None:
        """The MIDI pitch of a note as written, None where it is out of range."""
        name = letter.upper()
        alter = ALTERS[sign or ""]
        if alter is None:
            alter = self.signs.get(name, alterations(self.key[0])[name])
        else:
            self.signs[name] = alter
        octave = 4 + letter.islower() + marks.count("'") - marks.count(",")
        pitch = 12 * (octave + 1) + NATURAL[name] + alter
        return pitch if 0 <= pitch <= 127 else None

    def pitches(self, text: str) -> list[int]:
        """The pitches of a chord's text."""
        found = [self.pitch(*match.groups()) for match in _NOTE.finditer(text)]
        return [pitch for pitch in found if pitch is not None]


def read(text: str, microseconds: int = 500_000, name: str = "", program: int = 0) -> Score:
    """The Score of a tune's text: one track, velocity 80, 480 ticks a beat.

    A first bar that is short is an upbeat. A sign holds for its letter until the bar line.
    """
    reader = _Reader()
    sized = True
    for match in _WORD.finditer(text):
        kind, word = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "length":
            if word and not sized:
                reader.stretch(_steps(word))
            sized = sized or bool(word)
            continue
        sized = kind not in ("note", "chord", "rest")
        _take(reader, str(kind), word)
    return _score(reader, microseconds, Track(name, program))


def _take(reader: _Reader, kind: str, word: str) -> None:
    if kind == "metre":
        reader.metre = _METRE.get(word, reader.metre)
    elif kind == "key":
        reader.key = _KEY.get(word, reader.key)
    elif kind == "change":
        reader.changes[reader.at] = _METRE.get(word[1:-1], reader.metre)
    elif kind == "bar":
        reader.bars.append(reader.at)
        reader.signs = {}
    elif kind == "tie":
        reader.tied = True
    else:
        reader.sound([] if kind == "rest" else reader.pitches(word))


def _steps(length: str) -> int:
    """A length as written (2, 3/2, /, //4) in steps, at least one."""
    over, slashes, under = re.fullmatch(r"(\d*)(/*)(\d*)", length).groups()  # type: ignore[union-attr]
    top = int(over[:6] or 1)
    bottom = int(under[:6] or 1) if under else 2 ** min(len(slashes), 8)
    return min(max(round(UNIT * top / max(bottom, 1)), 1), LONGEST_READ)


def _score(reader: _Reader, microseconds: int, track: Track) -> Score:
    full = _bar_steps(reader.metre)
    first = reader.bars[0] if reader.bars else 0
    upbeat = full - first if 0 < first < full else 0
    tick = TICKS_PER_BEAT // STEPS_PER_BEAT
    rows = [
        (tick * (start + upbeat), tick * (stop - start), 0, pitch, VELOCITY)
        for start, stop, pitch in reader.notes
    ]
    metres = [(tick * step, *metre) for step, metre in _metres(reader, upbeat)]
    return Score(
        TICKS_PER_BEAT,
        events(NOTE, rows),
        (track,),
        tempi=events(TEMPO, [(0, microseconds)]),
        metres=events(METRE, metres),
        keys=events(KEY, [(0, *reader.key)]),
    )


def _bar_steps(metre: tuple[int, int]) -> int:
    return metre[0] * 4 * STEPS_PER_BEAT // metre[1]


def _metres(reader: _Reader, upbeat: int) -> list[tuple[int, tuple[int, int]]]:
    """Metres by step: where they change, and again where a bar begins off the bars counted."""
    found = [(0, reader.metre)]
    for bar in reader.bars:
        since, metre = found[-1]
        new = reader.changes.get(bar, metre)
        if new != metre or (bar + upbeat - since) % _bar_steps(metre):
            found.append((bar + upbeat, new))
    return found
