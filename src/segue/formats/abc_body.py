"""The body of an ABC tune, field by field and line by line, into voices.

What is not understood is left out and told in the tune's repairs, one line a kind.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TypeVar

from segue.errors import LimitError
from segue.formats.abc_fields import (
    VoiceSettings,
    read_fraction,
    read_key,
    read_metre,
    read_tempo,
    read_voice,
    read_voice_settings,
)
from segue.formats.abc_music import HANDLERS, Music
from segue.formats.abc_tokens import TOKEN
from segue.formats.abc_tune import Line, Tune
from segue.formats.printed import Key, Metre, Voice

MOST_VOICES = 256
MOST_TOKENS = 500_000
"""Notes, bar lines and whatever else stands in a tune: what bounds the time of reading it."""
_MOST_KINDS_OF_REPAIR = 40

T = TypeVar("T")


class Body:
    """Reads a tune: `voices`, `tempo` (quarter notes a minute) and `order` of parts come of it."""

    def __init__(self, tune: Tune) -> None:
        self.tempo: float | None = None
        self.order = ""
        self._tune = tune
        self._music: dict[str, Music] = {}
        self._now: Music | None = None
        self._settings: dict[str, VoiceSettings] = {}
        self._left_out: Counter[str] = Counter()
        self._first_at: dict[str, int] = {}
        self._line = Line(0, "", "")
        self._signs_hold = "pitch"
        self._first_part = ""
        self._tokens = 0
        self._read_header()

    @property
    def key(self) -> Key:
        """The key that the header gives."""
        return self._pattern.key

    @property
    def voices(self) -> list[Voice]:
        """Every voice with a bar in it, in the order they came."""
        return [music.voice for music in self._music.values() if music.voice.bars]

    def read(self) -> None:
        """Read the body to its end; LimitError for a tune that no one could play."""
        try:
            for line in self._tune.body:
                self._line = line
                if line.letter:
                    self._field(line.letter, line.text)
                else:
                    self._take(line.text.rstrip("\\ \t"))
            for music in self._music.values():
                music.close_bar()
        except LimitError as error:
            raise LimitError(f"{self._tune.label}, line {self._line.number}: {error}") from None
        for what, count in self._left_out.items():
            times = f" ({count} times)" if count > 1 else ""
            self._tune.repairs.append(f"line {self._first_at[what]}: {what}{times}")

    def _take(self, text: str) -> None:
        for token in TOKEN.finditer(text):
            self._tokens += 1
            if self._tokens > MOST_TOKENS:
                raise LimitError(f"more than {MOST_TOKENS:,} signs; no tune has as many.")
            kind = token.lastgroup or ""
            if kind == "inline":
                self._field(token["field"], token["value"].strip())
            else:
                HANDLERS[kind](self._voice(), token)

    def _leave_out(self, what: str) -> None:
        if what not in self._first_at and len(self._first_at) >= _MOST_KINDS_OF_REPAIR:
            what = "more that is not ABC was left out"
        self._first_at.setdefault(what, self._line.number)
        self._left_out[what] += 1

    def _told(self, value: T | None, what: str, text: str) -> T | None:
        """`value`, and a repair if there is none."""
        if value is None:
            self._leave_out(f"the {what} {text[:40]!r} was not understood and left out")
        return value

    # -- header ---------------------------------------------------------------------------------

    def _read_header(self) -> None:
        metre: Metre | None = None
        tempo: Line | None = None
        # What the header says holds for every voice until its own fields say otherwise.
        self._pattern = pattern = Voice("", Metre(), Key(), None)
        for line in self._tune.header:
            self._line = line
            match line.letter:
                case "M":
                    metre = self._told(read_metre(line.text), "metre", line.text) or metre
                case "L":
                    unit = self._told(read_fraction(line.text), "unit length", line.text)
                    pattern.unit = unit or pattern.unit
                case "K":
                    pattern.key = self._told(read_key(line.text), "key", line.text) or Key()
                    pattern.semitones = read_voice_settings(line.text).semitones or 0
                case "P":
                    self.order = line.text
                case "V":
                    label, self._settings[label] = read_voice(line.text)
                case "I":
                    self._instruct(line.text)
                case "Q":
                    tempo = line
        if order := self._tune.value("Y"):
            # The cleaned Nottingham collection orders parts by Y:, and P: is the first one's name.
            self.order, self._first_part = order, self.order
        # A tune without M: has free metre by the standard; players count it in four.
        pattern.metre = metre or Metre()
        if tempo and re.sub(r'"[^"]*"', "", tempo.text).strip():
            self._line = tempo
            rate = read_tempo(tempo.text, pattern.unit_length)
            self.tempo = self._told(rate, "tempo", tempo.text)

    # -- fields in the body ---------------------------------------------------------------------

    def _voice(self) -> Music:
        if self._now is None:
            self._now = self._music[""] = self._new_voice("")
        return self._now

    def _new_voice(self, label: str) -> Music:
        if len(self._music) >= MOST_VOICES:
            raise LimitError(f"more than {MOST_VOICES} voices; no tune has as many.")
        known = self._settings.get(label, VoiceSettings())
        voice = replace(self._pattern, label=label, name=known.name or label, bars=[])
        if known.semitones is not None:
            voice.semitones = known.semitones
        music = Music(voice, self._leave_out)
        music.signs_hold = self._signs_hold
        music.begin_part(self._first_part)
        return music

    def _switch(self, text: str) -> None:
        label, settings = read_voice(text)
        if label not in self._music:
            self._music[label] = self._new_voice(label)
        self._now = self._music[label]
        voice = self._now.voice
        voice.name = settings.name or voice.name
        voice.semitones = settings.semitones if settings.semitones is not None else voice.semitones

    def _field(self, letter: str, text: str) -> None:
        match letter:
            case "V":
                self._switch(text)
            case "P":
                self._voice()
                for music in self._music.values():
                    music.begin_part(text.strip().rstrip(".")[:40])
            case "M":
                if metre := self._told(read_metre(text), "metre", text):
                    self._voice().voice.metre = metre
                    self._voice().change(metre)
            case "L":
                if unit := self._told(read_fraction(text), "unit length", text):
                    self._voice().voice.unit = unit
            case "K":
                self._change_key(text)
            case "Q":
                unit_length = self._voice().voice.unit_length
                if rate := self._told(read_tempo(text, unit_length), "tempo", text):
                    self._voice().change(rate)
            case "I":
                self._instruct(text)

    def _change_key(self, text: str) -> None:
        voice = self._voice().voice
        key = self._told(read_key(text), "key", text)
        if key:
            voice.key = key
            self._voice().change(key)
        semitones = read_voice_settings(text).semitones
        voice.semitones = semitones if semitones is not None else voice.semitones

    def _instruct(self, text: str) -> None:
        """`%%MIDI program 40`, `channel 10`, `transpose -12`; `%%propagate-accidentals octave`."""
        if found := re.match(r"propagate-accidentals\s+(not|octave|pitch)$", text):
            self._signs_hold = found[1]
            for music in self._music.values():
                music.signs_hold = found[1]
        found = re.match(r"MIDI\s*=?\s*(program|channel|transpose)\s+(?:\d+\s+)?(-?\d{1,3})$", text)
        if not found:
            return
        value = int(found[2])
        voice = self._now.voice if self._now else self._pattern
        if found[1] == "program" and 0 <= value <= 127:
            voice.program = value
        elif found[1] == "channel":
            voice.is_drum = value == 10
        elif found[1] == "transpose":
            voice.semitones = value
