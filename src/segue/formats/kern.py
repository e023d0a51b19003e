"""Humdrum **kern scores, in.

Keeps pitch, onset, length, metre, key, tempo and instrument names; repeats are unfolded by the
file's own expansion list or by its bar lines. Loses loudness, articulation and layout.
Source: the Humdrum reference guide on **kern.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from segue.errors import FormatError, LimitError
from segue.formats.dynamics import DEFAULT_VELOCITY
from segue.formats.limits import check
from segue.formats.printed import Bar, Change, Key, Metre, Note, Voice
from segue.formats.repeats import MOST_BARS, Signs, play_order
from segue.formats.table import Reading
from segue.formats.unfolded import unfolded

LARGEST_FILE = 4 << 20
"""Bytes; the first movement of Beethoven's opus 18, number 1, has a thirtieth of this."""
MOST_LINES = 200_000
MOST_TOKENS = 100_000
"""Notes and rests; the largest movements have a seventh of this."""
MOST_SPINES = 256
_MOST_SECTIONS = 2_000
_GRACE = Fraction(1, 32)
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NOTE = re.compile(r"([a-gA-G])\1*")
_LENGTH = re.compile(r"(\d{1,4})(?:%(\d{1,4}))?(\.{0,4})")
_KEY = re.compile(r"\*([A-Ga-g])([#-]?):")


@dataclass
class _Spine:
    """A column of the file: its part if it is **kern, and from when on it is free to sound."""

    part: _Part | None = None
    free: Fraction | None = None
    graces: list[int] = field(default_factory=list)


@dataclass
class _Part:
    """A **kern spine with all its branches: a voice in the making."""

    voice: Voice
    bar: Bar = field(default_factory=Bar)


class _Reader:
    """Reads lines in order into parts; all parts share bars, and time is in whole notes."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.signs: list[Signs] = []
        self.sections: dict[str, list[int]] = {}
        self.expansion: list[str] = []
        self.key: Key | None = None
        self.tempo: float | None = None
        self.left_out: dict[str, int] = {}
        self._spines: list[_Spine] = []
        self._metre = Metre()
        self._now = Fraction(0)
        self._bar_start = Fraction(0)
        self._section = ""
        self._next = Signs()
        self._count = 0

    def line(self, text: str) -> None:
        """Read one line that is neither empty nor a global comment."""
        fields = text.split("\t")
        if fields[0].startswith("**"):
            self._begin(fields)
        elif len(fields) != len(self._spines):
            self._leave_out("a line with another number of columns than its spines was left out")
        elif fields[0].startswith("!"):
            return
        elif fields[0].startswith("*"):
            self._interpret(fields)
        elif fields[0].startswith("="):
            self._bar_line(fields[0])
        else:
            self._data(fields)

    def finish(self) -> list[Voice]:
        """Close the last bar; the voices, highest staff first as on a page."""
        self._close_bar()
        return [part.voice for part in reversed(self.parts)]

    def _leave_out(self, what: str) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + 1

    # -- spines ---------------------------------------------------------------------------------

    def _begin(self, fields: Sequence[str]) -> None:
        self._spines = []
        for name in fields[:MOST_SPINES]:
            spine = _Spine()
            if name == "**kern":
                check("spines", len(self.parts) + 1, MOST_SPINES, "the score")
                voice = Voice(str(len(self.parts)), self._metre, Key(), None)
                # A spine that begins later was silent so far.
                earlier = self.parts[0].voice.bars if self.parts else ()
                voice.bars = [replace(bar, notes=[], changes=[]) for bar in earlier]
                spine.part = _Part(voice)
                self.parts.append(spine.part)
            self._spines.append(spine)

    def _interpret(self, fields: Sequence[str]) -> None:
        if any(f in ("*^", "*v", "*-", "*+", "*x") for f in fields):
            self._rearrange(fields)
            return
        for spine, word in zip(self._spines, fields, strict=True):
            if spine.part is not None:
                self._tandem(spine.part, word)

    def _rearrange(self, fields: Sequence[str]) -> None:
        """Split, join, swap, add and end spines."""
        found: list[_Spine] = []
        joining = False
        swapped: int | None = None
        for spine, word in zip(self._spines, fields, strict=True):
            if word == "*v" and joining and found[-1].part is spine.part:
                times = [t for t in (found[-1].free, spine.free) if t is not None]
                found[-1].free = max(times) if times else None
                continue
            joining = word == "*v"
            if word == "*-":
                continue
            if word == "*x" and swapped is not None:
                found.insert(swapped, spine)
                swapped = None
                continue
            swapped = len(found) if word == "*x" else swapped
            found.append(spine)
            if word == "*^":
                found.append(_Spine(spine.part))
            elif word == "*+":
                found.append(_Spine())
        if len(found) > MOST_SPINES:
            raise LimitError(f"more than {MOST_SPINES} spines at once; no score has as many.")
        self._spines = found

    def _tandem(self, part: _Part, word: str) -> None:
        """A metre, key, tempo, name or section label of one spine."""
        first = part is self.parts[0]
        if found := re.match(r"\*M(\d{1,3})/(\d{1,3})$", word):
            over, under = int(found[1]), int(found[2])
            if 1 <= over <= 255 and under in (1, 2, 4, 8, 16, 32, 64, 128):
                self._metre = Metre(over, under)
        elif found := re.match(r"\*k\[([a-g#-]*)\]", word):
            if first:
                self._change(part, _signature(found[1]))
        elif found := _KEY.match(word):
            if first:
                self._to_mode(part, minor=found[1].islower())
        elif found := re.match(r"\*MM(\d{1,4}(?:\.\d{1,4})?)", word):
            rate = float(found[1])
            if first and 4 <= rate <= 10_000:
                self._change(part, rate)
        elif word.startswith('*I"'):
            part.voice.name = word[3:].strip()[:200]
        elif first and word.startswith("*>"):
            self._label(word[2:])

    def _change(self, part: _Part, value: Key | float) -> None:
        """A key or tempo: the first of each before any note holds from the start."""
        started = self.signs or any(p.bar.notes for p in self.parts)
        if isinstance(value, Key):
            if not started and self.key is None:
                self.key = value
                return
        elif not started and self.tempo is None:
            self.tempo = value
            return
        part.bar.changes.append(Change(self._now - self._bar_start, value))

    def _to_mode(self, part: _Part, *, minor: bool) -> None:
        """A key name after a signature tells its mode."""
        keyed = [c for c in part.bar.changes if isinstance(c.value, Key)]
        if keyed and isinstance(keyed[-1].value, Key):
            keyed[-1].value = Key(keyed[-1].value.fifths, minor)
        elif self.key is not None and not self.signs:
            self.key = Key(self.key.fifths, minor)

    def _label(self, text: str) -> None:
        if text.startswith("["):
            self.expansion = [name.strip() for name in text.strip("[]").split(",")][:_MOST_SECTIONS]
        elif "[" not in text:
            self._close_bar()
            self._section = text

    # -- bars -----------------------------------------------------------------------------------

    def _bar_line(self, text: str) -> None:
        before = ":|" in text or ":!" in text
        after = "|:" in text or "!:" in text
        if before and not self._close_bar(times=2) and self.signs:
            self.signs[-1].times = 2
        self._close_bar()
        self._next.forward = self._next.forward or after

    def _close_bar(self, times: int = 0) -> bool:
        """End the bar here if anything is in it; whether it was."""
        length = self._now - self._bar_start
        if length <= 0:
            return False
        self._next.times = times
        self.sections.setdefault(self._section, []).append(len(self.signs))
        self.signs.append(self._next)
        for part in self.parts:
            part.bar.length, part.bar.metre, part.bar.closed = length, self._metre, True
            part.bar.signs = self._next
            part.voice.bars.append(part.bar)
            part.bar = Bar()
        self._next = Signs()
        self._bar_start = self._now
        return True

    # -- notes ----------------------------------------------------------------------------------

    def _data(self, fields: Sequence[str]) -> None:
        """A line of notes: they begin when the first of them is free to."""
        sounding = [
            (spine, token.split(" "))
            for spine, token in zip(self._spines, fields, strict=True)
            if spine.part is not None and token not in (".", "")
        ]
        times = [s.free for s, words in sounding if s.free is not None and "q" not in words[0]]
        at = max(min(times), self._bar_start) if times else self._now
        self._count += sum(len(words) for _, words in sounding)
        check("notes", self._count, MOST_TOKENS, "the score")
        for spine, words in sounding:
            self._token(spine, words, at)

    def _token(self, spine: _Spine, words: Sequence[str], at: Fraction) -> None:
        """One spine's note, chord or rest."""
        if "q" in words[0]:
            pitches = [p for word in words if (p := _pitch(word)) is not None]
            spine.graces = (spine.graces + pitches)[:16]
            return
        length = _length(words[0])
        if length is None:
            self._leave_out("a token without a length was left out")
            return
        delay = self._graces(spine, at, length)
        for word in words:
            each = _length(word) or length
            pitch = _pitch(word)
            if "r" in word or pitch is None:
                continue
            if each > delay and spine.part is not None:
                onset = at - self._bar_start + delay
                tied = "[" in word or "_" in word
                note = Note(onset, each - delay, pitch, DEFAULT_VELOCITY, tied)
                spine.part.bar.notes.append(note)
        spine.free = at + length
        self._now = max(self._now, spine.free)

    def _graces(self, spine: _Spine, at: Fraction, length: Fraction) -> Fraction:
        """Sound the grace notes waiting; they take at most half of the note they lead to."""
        if not spine.graces or spine.part is None:
            return Fraction(0)
        each = min(_GRACE, length / 2 / len(spine.graces))
        for i, pitch in enumerate(spine.graces):
            onset = at - self._bar_start + i * each
            spine.part.bar.notes.append(Note(onset, each, pitch, DEFAULT_VELOCITY))
        count, spine.graces = len(spine.graces), []
        return each * count

    # -- order ----------------------------------------------------------------------------------

    def order(self) -> list[int]:
        """Bar indices as played."""
        if self.expansion and all(name in self.sections for name in self.expansion):
            leading = self.sections.get("", [])
            count = sum(len(self.sections[name]) for name in self.expansion)
            check("bars", count * len(self.parts), MOST_BARS, "the score")
            return leading + [i for name in self.expansion for i in self.sections[name]]
        return play_order(self.signs)


@lru_cache(maxsize=4096)
def _length(word: str) -> Fraction | None:
    """`4.`, `0` (a breve) or `3%2` in whole notes; None without one."""
    found = _LENGTH.search(word)
    if not found:
        return None
    if found[1].strip("0") == "":
        length = Fraction(2 ** len(found[1]))
        length = min(length, Fraction(8))
    else:
        length = Fraction(int(found[2] or 1), int(found[1]))
    return length * (2 - Fraction(1, 2 ** len(found[3])))


@lru_cache(maxsize=4096)
def _pitch(word: str) -> int | None:
    """`cc#` as a MIDI pitch: c is middle C, each further letter an octave; None for a rest."""
    found = _NOTE.search(word)
    if not found or "r" in word:
        return None
    letter, count = found[1], len(found[0])
    octave = 4 + count if letter.islower() else 5 - count
    pitch = 12 * octave + _STEPS[letter.lower()] + word.count("#") - word.count("-")
    return pitch if 0 <= pitch <= 127 else None


def _signature(text: str) -> Key:
    sharps, flats = text.count("#"), text.count("-")
    return Key(min(sharps, 7) if sharps else -min(flats, 7))


def read(path: str | Path) -> Reading:
    """Read a **kern score. Raises FormatError for a file without one or without notes in it."""
    file = Path(path)
    check("bytes", file.stat().st_size, LARGEST_FILE, str(path))
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    reader = _Reader()
    title = ""
    lines = re.split(r"\r\n|\r|\n", text)
    check("lines", len(lines), MOST_LINES, str(path))
    for line in lines:
        if line.startswith("!!!OTL"):
            title = title or line.partition(":")[2].strip()[:200]
        if line.strip() and not line.startswith("!!"):
            reader.line(line.rstrip())
    if not reader.parts:
        raise FormatError(f"{path} has no **kern spine; give a Humdrum file with one.")
    voices = reader.finish()
    order = reader.order()
    score = unfolded(
        voices, [order] * len(voices), str(path), title=title, key=reader.key, tempo=reader.tempo
    )
    if not len(score):
        raise FormatError(f"{path} has **kern spines without notes; give a score with music in it.")
    repairs = (f"{what} ({count} times)" for what, count in reader.left_out.items())
    return Reading(score, tuple(repairs))
