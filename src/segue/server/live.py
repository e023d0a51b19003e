"""Notes told while takes are made: each once the music has moved on past its end.

Notes are told in the ticks of the take that will come. What is put right only when a take is whole
(a limit of voices, a cadence) may differ in the take, which is the last word. Told are takes of
`generate` and `continue` of bundles that play row by row; others come whole.

To know what is certain, a take is decoded from its start, which costs as much as some rows do. So
a take is looked at each time that it has moved on until it has told its first notes, and only now
and then from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.generation.carrying import home_tracks, prompt_rows
from segue.generation.engine import IntRows
from segue.generation.ground import ground_of
from segue.generation.lengths import Length
from segue.generation.players import starts_from_opening
from segue.generation.timing import in_time_of, paced, ticks_at
from segue.generation.wishes import Wishes
from segue.score import NOTE, Score, slice_bars
from segue.score.score import Events
from segue.server import schemas, wire
from segue.server.making import wishes_of

Hear = Callable[[int, list[dict[str, int]], int], None]
"""A take's number, notes that are new, and ticks to a quarter."""
SELDOM = 64
"""Rows at least between two looks at takes that have told their first notes."""
PART = 8
"""What part of the rows there are has to come anew before the next look, of takes that are long."""


class Way(Protocol):
    """How the rows of a take become notes that are certain."""

    @property
    def ticks_per_quarter(self) -> int:
        """What its notes are counted in."""

    def reached(self, rows: IntRows) -> float:
        """The moment that the rows have come to: until it changes nothing more is certain."""

    def certain(self, rows: IntRows) -> Events:
        """The notes of these (N, C) rows that nothing can change any more."""


@dataclass(frozen=True)
class Generated:
    """New music: its rows after those that open a piece."""

    encoding: Encoding
    header: dict[str, Any]
    first: IntRows
    wishes: Wishes
    end: int
    ticks_per_quarter: int

    @classmethod
    def of(cls, bundle: Bundle, asked: schemas.Generate) -> Generated:
        """What `generate` plays for what is asked."""
        wishes = wishes_of(asked.wishes)
        ground = ground_of(bundle, wishes)
        first = ground.encoding.opening().astype(np.int64)
        if starts_from_opening(bundle, asked.start):
            first = first[:0]
        end = Length(asked.bars, asked.seconds).end(ground.empty, 0)
        ticks = ground.empty.ticks_per_beat
        return cls(ground.encoding, ground.header, first, wishes, end, ticks)

    def reached(self, rows: IntRows) -> float:
        """As `Way`."""
        return _reached(self.encoding, self.first, rows)

    def certain(self, rows: IntRows) -> Events:
        """As `Way`."""
        score, now = _decoded(self.encoding, self.first, rows, self.header)
        known = score.vouched(notes=_before(score, now))
        notes = self.wishes.in_time(known, self.encoding).notes
        return notes[notes["onset"] + notes["duration"] <= self.end]


@dataclass(frozen=True)
class Continued:
    """Music that goes on from a prompt: its new part, in the ticks and tracks of the whole."""

    encoding: Encoding
    header: dict[str, Any]
    prompt: Score
    at: int
    end: int
    ticks_per_quarter: int

    @classmethod
    def of(cls, bundle: Bundle, asked: schemas.Continue) -> Continued:
        """What `continue` plays for what is asked."""
        prompt = asked.music.score()
        if asked.prompt_bars is not None:
            prompt = slice_bars(prompt, 0, asked.prompt_bars)
        encoding = paced(bundle.encoding, bundle.index["header"])
        rows, header = prompt_rows(bundle, encoding, prompt)
        begin = prompt.end_ticks
        at = begin
        if encoding.timed:
            at = ticks_at(encoding, prompt, int(encoding.positions(rows.astype(np.uint16))[-1]))
        end = Length(asked.bars, asked.seconds).end(prompt, begin)
        return cls(encoding, header, prompt, at, end, prompt.ticks_per_beat)

    def reached(self, rows: IntRows) -> float:
        """As `Way`."""
        return _reached(self.encoding, self.encoding.opening().astype(np.int64), rows)

    def certain(self, rows: IntRows) -> Events:
        """As `Way`."""
        opening = self.encoding.opening().astype(np.int64)
        tail, now = _decoded(self.encoding, opening, rows, self.header)
        tail = tail.vouched(notes=_before(tail, now))
        played = in_time_of(self.encoding, tail, self.prompt, self.at)
        begin = self.prompt.end_ticks
        onset = played.notes["onset"]
        notes = played.notes[(onset >= begin) & (onset < self.end)].copy()
        if len(notes):
            found = home_tracks(self.prompt, played.tracks, list(self.prompt.tracks))
            notes["track"] = np.array(found)[notes["track"]]
        return notes


def _reached(encoding: Encoding, first: IntRows, rows: IntRows) -> float:
    """The last row's step; what only counts rows moves on with each."""
    if not encoding.timed:
        return len(rows)
    return float(encoding.positions(np.concatenate([first, rows]).astype(np.uint16))[-1])


def _decoded(
    encoding: Encoding, first: IntRows, rows: IntRows, header: dict[str, Any]
) -> tuple[Score, float]:
    """The music so far, and the tick that it has reached."""
    whole = np.concatenate([first, rows]).astype(np.uint16)
    score = encoding.decode(whole, header)
    step = int(encoding.positions(whole)[-1])
    if encoding.step_beats is not None:
        return score, step * encoding.step_beats * score.ticks_per_beat
    assert encoding.step_seconds is not None
    return score, float(score.tempo_map.ticks(step * encoding.step_seconds))


def _before(score: Score, now: float) -> Events:
    """The notes that end before a tick."""
    return score.notes[score.notes["onset"] + score.notes["duration"] < now]


@dataclass
class Listener:
    """Tells each note of each take once."""

    way: Way
    hear: Hear
    _told: dict[int, set[bytes]] = field(default_factory=dict)
    _rows: dict[int, int] = field(default_factory=dict)
    _reached: dict[int, float] = field(default_factory=dict)
    _next: int = 0

    def __call__(self, count: int, rows: Callable[[], list[IntRows]]) -> None:
        """There are `count` rows by now: look at those of each take whose turn it is."""
        is_time = count >= self._next
        if not is_time and self._told and all(self._told.values()):
            return
        for number, mine in enumerate(rows()):
            told = self._told.setdefault(number, set())
            if len(mine) == self._rows.get(number, 0) or (told and not is_time):
                continue
            self._rows[number] = len(mine)
            if not told:
                reached = self.way.reached(mine)
                if reached == self._reached.get(number, 0.0):
                    continue
                self._reached[number] = reached
            self._look(number, mine, told)
        if is_time:
            self._next = count + max(SELDOM, count // PART)

    def _look(self, number: int, rows: IntRows, told: set[bytes]) -> None:
        """Tell what is new of one take."""
        notes = self.way.certain(rows)
        whole, size = notes.tobytes(), notes.itemsize
        each = [whole[at : at + size] for at in range(0, len(whole), size)]
        new = [i for i, note in enumerate(each) if note not in told]
        if not new:
            return
        told.update(each)
        fresh = np.array(notes[new], NOTE)
        self.hear(number, wire.of_notes(fresh), self.way.ticks_per_quarter)


def listener(bundle: Bundle, asked: Any, hear: Hear) -> Listener | None:
    """What tells the notes of what is asked; None where takes come whole."""
    if bundle.plays != "rows":
        return None
    if isinstance(asked, schemas.Generate) and not asked.novel:
        return Listener(Generated.of(bundle, asked), hear)
    if isinstance(asked, schemas.Continue):
        return Listener(Continued.of(bundle, asked), hear)
    return None
