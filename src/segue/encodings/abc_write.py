"""A Score's tune as words of ABC."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from segue.encodings.abc_words import (
    LONGEST,
    METRES,
    SIGNS,
    STEPS_PER_BEAT,
    alterations,
    change_word,
    key_word,
    length_word,
    metre_word,
    note_word,
    spelled,
)
from segue.errors import DataError
from segue.score import MetreMap, Score

MOST_BARS = 20_000

Word = tuple[str, str]
"""Kind and text."""
Event = tuple[int, int, tuple[int, ...]]
"""First step, the step after the last, and the pitches that sound, none for a rest."""


def tune(score: Score) -> list[Event]:
    """The line of the first pitched track: notes that start together are a chord, and each lasts
    until it ends or the next begins. In steps of a twelfth of a beat."""
    drum = np.array([t.is_drum for t in score.tracks] or [False])
    pitched = score.notes[~drum[score.notes["track"]]] if len(score.notes) else score.notes
    notes = pitched[pitched["track"] == pitched["track"].min(initial=0xFFFF)]
    scale = STEPS_PER_BEAT / score.ticks_per_beat
    step = np.rint(notes["onset"] * scale).astype(np.int64)
    end = np.rint((notes["onset"] + notes["duration"]) * scale).astype(np.int64)
    first = np.flatnonzero(np.append(True, step[1:] != step[:-1]))[: len(step)]
    if not len(step):
        return []
    onset = step[first]
    last = np.maximum(np.maximum.reduceat(end, first), onset + 1)
    last[:-1] = np.minimum(last[:-1], onset[1:])
    chords = np.split(notes["pitch"], first[1:])
    return [
        (int(start), int(stop), tuple(np.unique(pitches).tolist()))
        for start, stop, pitches in zip(onset, last, chords, strict=True)
    ]


def metres_of(score: Score) -> list[tuple[int, int, int]]:
    """Metres as step, numerator and denominator, the first from step 0.

    4/4 stands where there is none, or one that there is no word for. Only an upbeat may be short
    of its first metre, so a first bar that another metre cuts gets a metre of its own length.
    """
    rows = [
        (round(onset * STEPS_PER_BEAT / score.ticks_per_beat), over, under)
        for onset, over, under in score.metres.tolist()
    ]
    rows = [row if row[1:] in METRES else (row[0], 4, 4) for row in rows] or [(0, 4, 4)]
    # Of several at one step the last holds.
    rows = list({step: (step, *metre) for step, *metre in rows}.values())
    rows[0] = (0, *rows[0][1:])
    full = _bar_steps(*rows[0][1:])
    cuts = [row for row in rows[1:] if 0 < row[0] < full]
    if not cuts:
        return rows
    short = Fraction(cuts[0][0], 4 * STEPS_PER_BEAT)
    scale = max(1, 4 // short.denominator)
    own = (short.numerator * scale, short.denominator * scale)
    if own in METRES:
        return [(0, *own), *rows[1:]]
    moved = [rows[0], *((max(step, full), *metre) for step, *metre in rows[1:] if step)]
    # Changes inside the first bar now fall together: the last of them holds.
    return list({step: (step, *metre) for step, *metre in moved}.values())


def _bar_steps(over: int, under: int) -> int:
    return over * 4 * STEPS_PER_BEAT // under


def key_of(score: Score) -> tuple[int, bool]:
    """The first key as fifths and whether minor, or C."""
    if not len(score.keys):
        return 0, False
    return int(score.keys["fifths"][0]), bool(score.keys["minor"][0])


def words(score: Score) -> list[Word]:
    """Metre, key and music. DataError for a tune of more than 20,000 bars."""
    metres, key = metres_of(score), key_of(score)
    found = [("metre", metre_word(*metres[0][1:])), ("key", key_word(*key))]
    events = tune(score)
    if not events:
        return found
    bars, changes = _bars(metres, events[-1][1])
    writer = _Writer(bars, changes, key)
    # A first bar that begins late is an upbeat, and says so by being short.
    full = _bar_steps(*metres[0][1:])
    writer.at = events[0][0] if events[0][0] < bars[1] == full < events[-1][1] else 0
    for start, stop, pitches in events:
        writer.put(start, ())
        writer.put(stop, pitches)
    return found + writer.words


def _bars(metres: list[tuple[int, int, int]], end: int) -> tuple[list[int], dict[int, str]]:
    """The steps at which bars begin, to one at or past `end`, and changes of metre by step."""
    counted = MetreMap(STEPS_PER_BEAT, *zip(*metres, strict=True))
    count = int(np.ceil(counted.bars(end)))
    if count > MOST_BARS:
        raise DataError(f"the tune has {count:,} bars, more than {MOST_BARS:,}: cut it first.")
    bars = counted.ticks(np.arange(count + 1)).tolist()
    changes = {
        step: change_word(*metre)
        for (_, *before), (step, *metre) in pairwise(metres)
        if metre != before
    }
    return bars, changes


@dataclass
class _Writer:
    """Writes events until a step, with bar lines, ties over them, and signs where needed.

    `bars` holds the steps at which bars begin and one more past the end.
    """

    bars: list[int]
    changes: dict[int, str]
    key: tuple[int, bool]
    at: int = 0
    bar: int = 0
    words: list[Word] = field(default_factory=list)
    signs: dict[str, int] = field(default_factory=dict)

    def put(self, until: int, pitches: tuple[int, ...]) -> None:
        """What sounds from `at` until a step."""
        while self.at < until:
            if self.at == self.bars[self.bar + 1]:
                self._next_bar()
            stop = min(until, self.bars[self.bar + 1], self.at + LONGEST)
            self._sound(pitches)
            if length := length_word(stop - self.at):
                self.words.append(("length", length))
            if pitches and stop < until:
                self.words.append(("tie", "-"))
            self.at = stop

    def _next_bar(self) -> None:
        self.bar += 1
        self.signs = {}
        self.words.append(("bar", "|"))
        if self.at in self.changes:
            self.words.append(("change", self.changes[self.at]))

    def _sound(self, pitches: tuple[int, ...]) -> None:
        if not pitches:
            self.words.append(("rest", "z"))
        elif len(pitches) == 1:
            self.words.append(("note", self._note(pitches[0])))
        else:
            tones = [("tone", self._note(p)) for p in pitches]
            self.words += [("open", "["), *tones, ("close", "]")]

    def _note(self, pitch: int) -> str:
        """A note with a sign unless the key, and all signs since the bar line, imply it.

        Some programs let a sign hold in its own octave and others in all; both read the same here.
        """
        letter, alter, octave = spelled(pitch, *self.key)
        place = f"{letter}{octave}"
        usual = alterations(self.key[0])[letter]
        implied = {self.signs.get(letter, usual), self.signs.get(place, usual)}
        sign = "" if implied == {alter} else SIGNS[alter]
        if sign:
            self.signs[letter] = self.signs[place] = alter
        return note_word(sign, letter, octave)
