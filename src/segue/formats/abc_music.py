"""ABC music text of one voice to bars of timed notes.

Source: the ABC standard 2.1, section 4. Lengths and offsets are exact fractions of a whole note.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from segue.errors import LimitError
from segue.formats.abc_fields import ACCIDENTALS, NATURAL_PITCH
from segue.formats.abc_tokens import INSIDE, bar_signs, ending_numbers, factor
from segue.formats.dynamics import DEFAULT_VELOCITY, VELOCITIES
from segue.formats.limits import BEATS
from segue.formats.printed import Bar, Change, Key, Metre, Note, Voice, Words

MOST_NOTES = 100_000
"""Of one voice before its repeats: what bounds the time that reading takes."""
LONGEST_BAR = 10_000
"""Whole notes; more than this between two bar lines is damage, not music."""
LONGEST_GRACE = Fraction(1, 32)
MOST_GRACES = 16
MOST_BARS_REST = 1_000
MOST_NESTED = 4
"""Tuplets inside of each other; the outermost are forgotten past this."""
# How many notes' time an n-tuplet takes where the metre does not say.
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
_JUMPS = re.compile(r"d\.?([cs])\.?(?:al(?:coda|fine))?$|da(c)(?:apo|oda)$", re.IGNORECASE)

Place = tuple[str, int]


class Struck(NamedTuple):
    """A note as written: sounding pitch, its letter and octave, semitones of its sign, length."""

    pitch: int
    place: Place
    alter: int
    length: Fraction
    tie: bool = False


class Music:
    """The state of reading one voice: `HANDLERS` read tokens into it, whole bars go to `voice`.

    `leave_out` is told of each thing that was not understood.
    """

    def __init__(self, voice: Voice, leave_out: Callable[[str], None]) -> None:
        self.voice = voice
        self.part = ""
        self._leave_out = leave_out
        self._count = 0
        self._bar = Bar(metre=voice.metre)
        self._cursor = Fraction(0)
        self._endings: frozenset[int] = frozenset()
        self._velocity = DEFAULT_VELOCITY
        # Signs in force to the end of the bar, and into the next note by ties. By the standard a
        # sign holds for its letter in every octave ("pitch"), unless `%%propagate-accidentals`
        # says "octave" or "not".
        self.signs_hold = "pitch"
        self._accidentals: dict[Place, int] = {}
        self._tied: dict[Place, int] = {}
        # Ties of each of a bar's overlaid voices wait for the same one in the next bar.
        self._layer = 0
        self._tied_by_layer: dict[int, dict[Place, int]] = {}
        # The last notes or rest, which a tie or broken rhythm after them changes.
        self._last: list[Note] = []
        self._last_places: dict[Place, int] = {}
        self._last_length: Fraction | None = None
        self._broken = Fraction(1)
        self._tuplets: list[tuple[int, Fraction]] = []
        self._graces: list[int] = []

    # -- what the fields of the body change -----------------------------------------------------

    def change(self, value: Metre | Key | Words | float) -> None:
        """Note a change of metre, key or tempo, or words, where reading stands."""
        self._bar.changes.append(Change(self._cursor, value))

    def begin_part(self, label: str) -> None:
        """From here on bars belong to the part `label`."""
        self.close_bar()
        self.part = self._bar.part = label
        self._endings = self._bar.signs.endings = frozenset()

    def close_bar(self, *, closed: bool = False) -> None:
        """Finish the bar and begin the next; a bar in which nothing happened is not kept."""
        bar = self._bar
        if bar.length or bar.changes or bar.signs.times:
            bar.closed = closed
            bar.metre = self.voice.metre
            self.voice.bars.append(bar)
            if len(self.voice.bars) > BEATS:
                raise LimitError(f"a voice with more than {BEATS:,} bars; no tune has as many.")
            self._bar = Bar(part=self.part)
            self._bar.signs.endings = self._endings
        self._cursor = Fraction(0)
        self._to_layer(0)
        self._accidentals = {}
        self._broken = Fraction(1)
        self._last_length = None

    def _to_layer(self, layer: int) -> None:
        if layer != self._layer:
            self._tied_by_layer[self._layer] = self._tied
            self._tied = self._tied_by_layer.pop(layer, {})
            self._layer = layer

    # -- notes ----------------------------------------------------------------------------------

    def _on_note(self, token: re.Match[str]) -> None:
        length = factor(token["over"], token["slash"], token["under"])
        if length is None:
            self._leave_out("a note whose length cannot be played was left out")
            return
        self._strike([self._struck(token, length * self._scale())])

    def _on_chord(self, token: re.Match[str]) -> None:
        outer = factor(token["c_over"], token["c_slash"], token["c_under"])
        notes = self._inside(token["inside"])
        if outer is None or not notes:
            self._leave_out(f"{token[0][:20]!r} is no chord and was left out")
        else:
            self._strike_chord(notes, outer)

    def _on_unclosed(self, token: re.Match[str]) -> None:
        self._leave_out(f"{token[0][:20]!r} has no closing bracket; read as a chord")
        notes = self._inside(token["open_inside"])
        if notes:
            self._strike_chord(notes, Fraction(1))

    def _strike_chord(self, notes: list[tuple[re.Match[str], Fraction]], outer: Fraction) -> None:
        scale = self._scale() * outer
        self._strike([self._struck(m, length * scale, bool(m["tie"])) for m, length in notes])

    def _on_rest(self, token: re.Match[str]) -> None:
        length = factor(token["r_over"], token["r_slash"], token["r_under"])
        if length is None:
            self._leave_out("a rest whose length cannot be played was left out")
            return
        self._remember([], {}, length * self._scale())
        self._tied = {}

    def _on_bars_rest(self, token: re.Match[str]) -> None:
        length = self.voice.metre.whole_notes or Fraction(1)
        for i in range(min(int(token["count"] or 1), MOST_BARS_REST)):
            if i:
                self.close_bar(closed=True)
            self._advance(length)

    def _on_grace(self, token: re.Match[str]) -> None:
        notes = self._inside(token["graced"])[:MOST_GRACES]
        self._graces = [self._struck(m, length).pitch for m, length in notes]

    def _inside(self, text: str) -> list[tuple[re.Match[str], Fraction]]:
        """The notes inside of brackets or braces, with their own length factors."""
        found = []
        for match in INSIDE.finditer(text):
            if match["unknown"]:
                self._leave_out(f"{match[0]!r} inside of a chord was left out")
            elif match["letter"]:
                length = factor(match["over"], match["slash"], match["under"])
                if length is not None:
                    found.append((match, length))
        return found

    def _struck(self, found: re.Match[str], length: Fraction, tie: bool = False) -> Struck:
        """A written note after key, bar and ties."""
        written = found["letter"]
        letter = written.upper()
        octave = found["octave"].count("'") - found["octave"].count(",") + written.islower()
        place = (letter, octave)
        if found["micro"]:
            self._leave_out("a microtone was read as the nearest half tone")
        if found["sign"]:
            alter = ACCIDENTALS[found["sign"]]
            if self.signs_hold != "not":
                self._accidentals[self._holds_for(place)] = alter
        elif place in self._tied:
            alter = self._tied[place]
        else:
            alter = self.voice.key.alters.get(letter, 0)
            alter = self._accidentals.get(self._holds_for(place), alter)
        pitch = 60 + NATURAL_PITCH[letter] + alter + 12 * octave + self.voice.semitones
        return Struck(pitch, place, alter, length, tie)

    def _holds_for(self, place: Place) -> Place:
        return place if self.signs_hold == "octave" else (place[0], 0)

    def _scale(self) -> Fraction:
        """The unit length after broken rhythm and tuplets, of which it uses up one note."""
        scale = self.voice.unit_length
        if self._broken != 1:
            scale *= self._broken
            self._broken = Fraction(1)
        if self._tuplets:
            for _, ratio in self._tuplets:
                scale *= ratio
            self._tuplets = [(left - 1, ratio) for left, ratio in self._tuplets if left > 1]
        return scale

    def _strike(self, struck: list[Struck]) -> None:
        """Notes struck together; the first one's length is how far time moves on."""
        length = struck[0].length
        delay = self._play_graces(length)
        notes = []
        for one in struck:
            if not 0 <= one.pitch <= 127:
                self._leave_out("a note outside of MIDI's 128 pitches was left out")
            elif not delay:
                notes.append(Note(self._cursor, one.length, one.pitch, self._velocity, one.tie))
            elif one.length > delay:
                onset = self._cursor + delay
                notes.append(Note(onset, one.length - delay, one.pitch, self._velocity, one.tie))
        self._bar.notes += notes
        self._count += len(notes)
        if self._count > MOST_NOTES:
            raise LimitError(f"a voice with more than {MOST_NOTES:,} notes; no tune has as many.")
        self._tied = {one.place: one.alter for one in struck if one.tie}
        self._remember(notes, {one.place: one.alter for one in struck}, length)

    def _play_graces(self, length: Fraction) -> Fraction:
        """Sound the grace notes waiting; they take at most half of the note they lead to."""
        if not self._graces:
            return Fraction(0)
        each = min(LONGEST_GRACE, length / 2 / len(self._graces))
        for i, pitch in enumerate(self._graces):
            if 0 <= pitch <= 127:
                self._bar.notes.append(Note(self._cursor + i * each, each, pitch, self._velocity))
        count, self._graces = len(self._graces), []
        return each * count

    def _remember(self, notes: list[Note], places: dict[Place, int], length: Fraction) -> None:
        self._last, self._last_places, self._last_length = notes, places, length
        self._advance(length)

    def _advance(self, length: Fraction) -> None:
        at_end = self._bar.length is self._cursor
        self._cursor += length
        # The two are one object but in a bar of overlaid voices; comparing fractions takes long.
        self._bar.length = self._cursor if at_end else max(self._bar.length, self._cursor)
        if self._cursor.numerator > LONGEST_BAR * self._cursor.denominator:
            raise LimitError(
                f"a bar runs on for more than {LONGEST_BAR} whole notes: this is damage, not "
                "music; mend the lengths there and try again."
            )

    # -- what stands around notes ---------------------------------------------------------------

    def _on_tie(self, token: re.Match[str]) -> None:
        for note in self._last:
            note.tie = True
        self._tied = dict(self._last_places)

    def _on_broken(self, token: re.Match[str]) -> None:
        short = Fraction(1, 2 ** len(token["broken"]))
        first = 2 - short if token["broken"][0] == ">" else short
        if self._last_length is None or self._broken != 1:
            self._leave_out(f"{token['broken']!r} follows no note in its bar and was left out")
            return
        change = self._last_length * (first - 1)
        for note in self._last:
            note.length += change
        at_end = self._bar.length == self._cursor
        self._cursor += change
        self._bar.length = self._cursor if at_end else max(self._bar.length, self._cursor)
        self._last_length = None
        self._broken = 2 - first

    def _on_tuplet(self, token: re.Match[str]) -> None:
        p = int(token["p"])
        by_metre = 3 if self.voice.metre.compound else 2
        q = int(token["q"] or 0) or _TUPLET_TIME.get(p, by_metre)
        r = int(token["r"] or 0) or p
        self._tuplets = [*self._tuplets, (r, Fraction(q, p))][-MOST_NESTED:]

    def _on_text(self, token: re.Match[str]) -> None:
        text = token["words"].strip()[:200]
        if text:
            kind = "annotation" if text[0] in "^_<>@" else "chord"
            self.change(Words(kind, text.lstrip("^_<>@") if kind == "annotation" else text))

    def _on_decoration(self, token: re.Match[str]) -> None:
        name = token["bang"] or token["plus"] or ""
        signs = self._bar.signs
        jump = _JUMPS.match(name)
        if name in VELOCITIES:
            self._velocity = VELOCITIES[name]
        elif name in ("segno", "fine"):
            setattr(signs, name, True)
        elif name == "coda":
            # One sign for both: before the music of a bar it is the goal, after it the way there.
            setattr(signs, "to_coda" if self._cursor else "coda", True)
        elif jump:
            signs.jump = "segno" if (jump[1] or "c").lower() == "s" else "capo"

    def _on_overlay(self, token: re.Match[str]) -> None:
        self._cursor = Fraction(0)
        self._remember([], {}, Fraction(0))
        self._to_layer(self._layer + 1)

    # -- bar lines ------------------------------------------------------------------------------

    def _on_bar(self, token: re.Match[str]) -> None:
        before, after, double = bar_signs(token["line"])
        bars = self.voice.bars
        if before:
            empty = not self._bar.length and bool(bars)
            (bars[-1] if empty else self._bar).signs.times = before + 1
        if self._bar.length or self._bar.changes:
            self.close_bar(closed=True)
        elif bars:
            bars[-1].closed = True
        if double:
            self._endings = self._bar.signs.endings = frozenset()
            self._bar.signs.section = True
        if after:
            self._bar.signs.forward = True
        if token["after"]:
            self._begin_ending(ending_numbers(token["after"]))

    def _on_ending(self, token: re.Match[str]) -> None:
        self.close_bar()
        self._begin_ending(ending_numbers(token["numbers"]))

    def _on_named_ending(self, token: re.Match[str]) -> None:
        self.close_bar()
        past = self.voice.bars[-1].signs.endings if self.voice.bars else frozenset()
        self._begin_ending(frozenset({max(past, default=0) + 1}))

    def _begin_ending(self, numbers: frozenset[int]) -> None:
        self._endings = self._bar.signs.endings = numbers

    def _on_ignored(self, token: re.Match[str]) -> None:
        """Slurs, spaces, ornaments and line breaks: nothing that changes pitch or time."""

    def _on_unknown(self, token: re.Match[str]) -> None:
        self._leave_out(f"{token[0]!r} is not ABC and was left out")


HANDLERS: dict[str, Callable[[Music, re.Match[str]], None]] = {
    "space": Music._on_ignored,
    "note": Music._on_note,
    "bar": Music._on_bar,
    "ending": Music._on_ending,
    "chord": Music._on_chord,
    "unclosed": Music._on_unclosed,
    "named_ending": Music._on_named_ending,
    "rest": Music._on_rest,
    "bars_rest": Music._on_bars_rest,
    "tie": Music._on_tie,
    "broken": Music._on_broken,
    "tuplet": Music._on_tuplet,
    "text": Music._on_text,
    "grace": Music._on_grace,
    "decoration": Music._on_decoration,
    "overlay": Music._on_overlay,
    "ignored": Music._on_ignored,
    "unknown": Music._on_unknown,
}
"""What each kind of token does; `inline` is missing, because a field may change the voice."""
