"""NES events, one a row: waits, note-ons and note-offs of four voices (tx1), and levels (tx2).

The representation of LakhNES and of the three-network cascade. Times are samples at 44,100 Hz.
Events of one sample come in the order P1, P2, TR, NO; a note that follows another at once needs
no note-off between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Block, Closed, Column, Encoded, Layout, Rows, checked
from segue.encodings.begins import in_a_row
from segue.encodings.nes_grammar import NesGrammar
from segue.encodings.nes_variants import NesVariants
from segue.encodings.nes_words import (
    MAX_WAIT,
    NOTEOFF,
    NOTEON,
    TIMBRE,
    VELOCITY,
    blocks,
    firsts,
    lowest,
    quantise_waits,
    waits,
    words,
)
from segue.encodings.options import boolean
from segue.encodings.variants import Varied
from segue.errors import DataError
from segue.score import CONTROL, METRE, NOTE, TEMPO, Score, events
from segue.score import nes_voices as nes

Ints = NDArray[np.int64]

START, END = "<S>", "END"
MOST_WAITS = 100_000
_NUMBERS = 109
"""Size of the number column: notes to 108."""


@dataclass(frozen=True)
class NesEvents(Closed):
    """Events of the four NES voices, one a row; other Scores are arranged for them.

    One column, `event`, with 630 symbols (685 with `levels`), `<S>` as the last but one and, with
    `end`, END as the last. With `split` an event is three columns instead, `type` (ten, of which
    END is the last; sixteen with `levels`), `number` (109) and `wait` (370), 0 where it has none,
    and pieces have no `<S>`: so the three networks of the cascade share its work.
    """

    levels: bool = False
    split: bool = False
    end: bool = False

    name = "nes_events"
    timed = True
    variants = ("transpose", "stretch", "drop_voices", "swap_pulses")
    step_beats = None
    step_seconds = 1 / nes.SAMPLE_RATE

    def __post_init__(self) -> None:
        for option in ("levels", "split", "end"):
            boolean(self, option)

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        kept = ["pitch", "voice", "onset and length, each wait within 5 %: exact to 100 samples"]
        return (*kept, "level and timbre, with their changes") if self.levels else tuple(kept)

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = ["notes beyond one a voice at a time", "tempo, metre and key (120 a minute, 4/4)"]
        lost += ["instruments", "controllers", "texts"]
        return tuple(lost) if self.levels else (*lost, "level and timbre")

    # -- layout ------------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        """One column of events, or three of type, number and wait."""
        own = blocks(self.levels)
        if not self.split:
            marks = (Block("start", 1), Block("end", 1))[: 1 + self.end]
            return Layout((Column("event", (*own, *marks)),))
        types = tuple(Block(block.name, 1) for block in own)
        return Layout(
            (
                Column("type", (*types, Block("end", 1))),
                Column("number", (Block("number", _NUMBERS),)),
                Column("wait", (Block("wait", len(waits())),)),
            )
        )

    def names(self) -> list[str]:
        """What the symbols of the first column are called."""
        if self.split:
            return [*(b.name for b in blocks(self.levels)), END]
        return [*words(self.levels), START, END][: self.layout.sizes[0]]

    @property
    def waits(self) -> Ints:
        """Shape (370,): how many samples each wait symbol lasts."""
        return waits()

    @cached_property
    def _first(self) -> dict[str, int]:
        return firsts(self.levels)

    @property
    def _start(self) -> int:
        return len(words(self.levels))

    @property
    def _end(self) -> int:
        return self._start + 1

    # -- encode ------------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """The piece as events; a wait past the longest is several. DataError for years of it."""
        played = nes.parts(score)
        found = np.concatenate([self._events(n, part) for n, part in enumerate(played)])
        found = found[np.lexsort(found[:, :3].T[::-1])]
        samples = np.append(found[:, 0], nes.song_end(score, played))
        gap = np.maximum(np.diff(samples, prepend=0), 0)
        long = np.maximum(gap - 1, 0) // MAX_WAIT
        if int(long.sum()) > MOST_WAITS:
            raise DataError(
                f"the piece has {int(long.sum()) * MAX_WAIT / nes.SAMPLE_RATE / 3600:.0f} hours "
                "of silence: cut it into pieces first."
            )
        rest = gap - long * MAX_WAIT
        before = long + (rest > 0)
        symbols = np.full(len(found) + int(before.sum()), len(waits()) - 1)
        place = np.arange(len(found) + 1) + np.cumsum(before)
        last_wait = place[rest > 0] - 1
        symbols[last_wait] = np.searchsorted(waits(), quantise_waits(rest[rest > 0]))
        symbols[place[:-1]] = found[:, 3]
        return Encoded(self._rows(symbols))

    def _events(self, number: int, part: nes.Part) -> Ints:
        """Shape (events, 4): sample, voice, order within the two, symbol."""
        voice, notes = nes.VOICES[number], part.notes
        start, end = notes["start"], notes["end"]
        lets_go = np.append(start[1:] != end[:-1], True)[: len(notes)]
        off, on = (self._first[f"{voice.tag}_{kind}"] for kind in (NOTEOFF, NOTEON))
        kinds = [(end[lets_go], 0, np.full(int(lets_go.sum()), off))]
        kinds.append((start, 1, on + notes["pitch"].astype(np.int64) - voice.low))
        if self.levels:
            kinds += self._levels(voice, part)
        rows = [
            np.stack([at, np.full(len(at), number), np.full(len(at), rank), symbol], axis=1)
            for at, rank, symbol in kinds
        ]
        return np.concatenate(rows)

    def _levels(self, voice: nes.Voice, part: nes.Part) -> list[tuple[Ints, int, Ints]]:
        found = []
        at, controller, value = part.changes.T
        if voice.has_level:
            first = self._first[f"{voice.tag}_{VELOCITY}"] - 1
            level = np.maximum(part.notes["level"].astype(np.int64), 1)
            found.append((part.notes["start"], 2, first + level))
            mine = (controller == nes.LEVEL) & (value >= 1) & (value <= nes.MAX_LEVEL)
            found.append((at[mine], 3, first + value[mine]))
        if voice.timbres:
            mine = (controller == nes.TIMBRE) & (value < voice.timbres)
            found.append((at[mine], 4, self._first[f"{voice.tag}_{TIMBRE}"] + value[mine]))
        return found

    def _rows(self, symbols: Ints) -> Rows:
        """Symbols with `<S>` before and END after them, as the layout has them."""
        if not self.split:
            closing = [self._end] if self.end else []
            return np.concatenate([[self._start], symbols, closing]).astype(np.uint16)[:, None]
        kind = np.searchsorted(list(self._first.values()), symbols, side="right") - 1
        first, low = self._numbering
        rows = np.zeros((len(symbols) + 1, 3), np.uint16)
        rows[:-1, 0] = kind
        rows[:-1, 1] = np.where(kind > 0, symbols - first[kind] + low[kind], 0)
        rows[:-1, 2] = np.where(kind == 0, symbols, 0)
        rows[-1, 0] = len(self._first)
        return rows

    @cached_property
    def _numbering(self) -> tuple[Ints, Ints]:
        """For each type its first symbol and the number that this stands for."""
        own = self._first
        return np.array(list(own.values())), np.array([lowest().get(name, 0) for name in own])

    # -- decode ------------------------------------------------------------------------------

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Events as a Score of tracks p1, p2, tr and no, a tick to a sample, up to END.

        ValueError for symbols out of range or, with `split`, numbers that a type does not have.
        """
        symbols = self._symbols(rows)
        at = np.cumsum(self._moves(symbols))
        voices = range(len(nes.VOICES))
        end = int(at[-1]) if len(at) else 0
        # What still sounds stops with the piece, and a note that begins there lasts a sample.
        end += any(self._begins_at_the_end(number, symbols, at) for number in voices)
        parts = [self._voice(number, symbols, at, end) for number in voices]
        notes, controls = zip(*parts, strict=True)
        every = np.concatenate(notes)
        last = int((every["onset"] + every["duration"]).max()) if len(every) else 0
        closing = [(end, 1, 1)] if end >= last and end else []
        return Score(
            nes.TICKS_PER_BEAT,
            every,
            tuple(voice.track for voice in nes.VOICES),
            controls=np.concatenate(controls),
            tempi=events(TEMPO, [(0, 500_000)]),
            metres=events(METRE, [(0, 4, 4), *closing]),
        )

    def _symbols(self, rows: Rows) -> Ints:
        """Event symbols up to END, without `<S>`."""
        values = checked(rows, self.layout, self.name)
        if not self.split:
            ends = np.flatnonzero(values[:, 0] == self._end)
            symbols = values[: ends[0], 0] if len(ends) else values[:, 0]
            return symbols[symbols != self._start]
        ends = np.flatnonzero(values[:, 0] == len(self._first))
        values = values[: ends[0]] if len(ends) else values
        kind, number, wait = values.T
        first, low = self._numbering
        sizes = np.array([block.size for block in blocks(self.levels)])
        wrong = (kind > 0) & ((number < low[kind]) | (number - low[kind] >= sizes[kind]))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"row {row}: {self.names()[kind[row]]} has no number {number[row]}; "
                f"{low[kind[row]]} to {low[kind[row]] + sizes[kind[row]] - 1} is allowed."
            )
        return np.where(kind == 0, wait, first[kind] + number - low[kind])

    def _moves(self, symbols: Ints) -> Ints:
        return np.where(symbols < len(waits()), waits()[np.minimum(symbols, len(waits()) - 1)], 0)

    def _edges(self, number: int, symbols: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Where a voice's note-ons and note-offs are, and which are note-ons."""
        voice = nes.VOICES[number]
        first, off = (self._first[f"{voice.tag}_{kind}"] for kind in (NOTEON, NOTEOFF))
        on = (symbols >= first) & (symbols <= first + voice.high - voice.low)
        edge = np.flatnonzero(on | (symbols == off))
        return edge, on[edge]

    def _begins_at_the_end(self, number: int, symbols: Ints, at: Ints) -> bool:
        edge, starts = self._edges(number, symbols)
        return bool(len(edge)) and bool(starts[-1]) and at[edge[-1]] == at[-1]

    def _voice(
        self, number: int, symbols: Ints, at: Ints, end: int
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The notes and controllers of one voice from all symbols and their samples."""
        voice = nes.VOICES[number]
        edge, starts = self._edges(number, symbols)
        closes = np.append(at[edge[1:]], end)[: len(edge)]
        index = edge[starts]
        notes = np.zeros(len(index), NOTE)
        notes["onset"] = at[index]
        notes["duration"] = closes[starts] - at[index]
        on_first = self._first[f"{voice.tag}_{NOTEON}"]
        notes["track"], notes["pitch"] = number, symbols[index] - on_first + voice.low
        notes["velocity"] = nes.MAX_LEVEL if voice.has_level else 1
        controls = np.zeros(0, CONTROL)
        if self.levels:
            stops = np.append(edge[1:], len(symbols))[: len(edge)][starts]
            controls = self._changes(number, symbols, at, (index, stops), notes)
        return notes[notes["duration"] > 0], controls

    def _changes(
        self, number: int, symbols: Ints, at: Ints, spans: tuple[Ints, Ints], notes: NDArray[Any]
    ) -> NDArray[Any]:
        """Put each note's first level into `notes`; the rest of the levels and the timbres.

        `spans` are the places in `symbols` at which each note starts and stops.
        """
        voice = nes.VOICES[number]
        controls = []
        if voice.has_level:
            first = self._first[f"{voice.tag}_{VELOCITY}"]
            place = np.flatnonzero((symbols >= first) & (symbols < first + nes.MAX_LEVEL))
            level = symbols[place] - first + 1
            # A note without a level of its own goes on with the last one heard.
            following = np.searchsorted(place, spans[0])
            known = np.append(nes.MAX_LEVEL, level)
            notes["velocity"] = known[following]
            near = np.minimum(following, max(len(place) - 1, 0))
            own = np.zeros(len(notes), bool)
            if len(place):
                own = (following < len(place)) & (place[near] < spans[1])
                own &= at[place[near]] == at[spans[0]]
                notes["velocity"] = np.where(own, level[near], notes["velocity"])
            free = np.ones(len(place), bool)
            free[near[own]] = False
            controls.append(_controls(number, nes.LEVEL, at[place[free]], level[free]))
        if voice.timbres:
            first = self._first[f"{voice.tag}_{TIMBRE}"]
            place = np.flatnonzero((symbols >= first) & (symbols < first + voice.timbres))
            controls.append(_controls(number, nes.TIMBRE, at[place], symbols[place] - first))
        return np.concatenate(controls) if controls else np.zeros(0, CONTROL)

    # -- generation --------------------------------------------------------------------------

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        if self.split:
            return None
        size = self.layout.sizes[column]
        table = np.zeros((size, 128), bool)
        for voice in nes.VOICES:
            if not voice.track.is_drum:
                first = self._first[f"{voice.tag}_{NOTEON}"]
                table |= in_a_row(size, first, range(voice.low, voice.high + 1))
        return table

    def opening(self) -> Rows:
        """`<S>`; nothing with `split`."""
        return np.full((1, 1), self._start, np.uint16)[: int(not self.split)].reshape(
            -1, len(self.layout.columns)
        )

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether a row is END."""
        return np.asarray(rows[:, 0] == (len(self._first) if self.split else self._end))

    def positions(self, rows: Rows) -> Ints:
        """The sample of each event; a wait is where it leads to."""
        values = checked(rows, self.layout, self.name)
        if self.split:
            return np.cumsum(np.where(values[:, 0] == 0, waits()[values[:, 2]], 0))
        return np.cumsum(self._moves(values[:, 0]))

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, columns), moved by `semitones`, shape (batch,); noise stays.

        A window that would leave the range of a voice moves as far as it can.
        """
        (first, low), values = self._numbering, rows.astype(np.int64)
        if self.split:
            kind, number = np.minimum(values[..., 0], len(first) - 1), values[..., 1]
        else:
            kind = np.searchsorted(first, values[..., 0], side="right") - 1
            number = values[..., 0] - first[kind] + low[kind]
        high = low + [block.size - 1 for block in blocks(self.levels)]
        tuned = [f"{voice.tag}_{NOTEON}" for voice in nes.VOICES if not voice.track.is_drum]
        moves = np.isin(list(self._first), tuned)[kind]
        down = np.where(moves, number - low[kind], high.max()).min(axis=1)
        up = np.where(moves, high[kind] - number, high.max()).min(axis=1)
        column = int(self.split)
        values[..., column] += moves * np.clip(semitones, -down, up)[:, None]
        return values.astype(rows.dtype)

    @property
    def _variants(self) -> NesVariants:
        return NesVariants(self.levels, self.split)

    def stretch(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """Windows, shape (batch, rows, columns), whose waits last `factors`, (batch,), as long."""
        return self._variants.stretch(rows, factors)

    def drop_voices(self, rows: NDArray[Any], dropped: NDArray[np.bool_]) -> Varied:
        """Windows without the voices where `dropped`, (batch, 4); whole where no note is left."""
        return self._variants.drop_voices(rows, dropped)

    def swap_pulses(self, rows: NDArray[Any], swapped: NDArray[np.bool_]) -> Varied:
        """Windows whose P1 and P2 change places where `swapped`, (batch,)."""
        return self._variants.swap_pulses(rows, swapped)

    def grammar(self) -> NesGrammar:
        """`<S>` only first, voices in their order, and with `split` the numbers of each type."""
        return NesGrammar(
            sizes=self.layout.sizes,
            start_symbol=None if self.split else self._start,
            numbers=tuple(
                (low, low + block.size)
                for low, block in zip(self._numbering[1].tolist(), blocks(self.levels), strict=True)
            ),
            levels=self.levels,
        )

    def state(self) -> dict[str, Any]:
        """The options."""
        options = {"levels": self.levels, "split": self.split, "end": self.end}
        return {"name": self.name, "options": options}


def _controls(number: int, controller: int, at: Ints, value: Ints) -> NDArray[Any]:
    table = np.zeros(len(at), CONTROL)
    table["onset"], table["track"] = at, number
    table["number"], table["value"] = controller, value
    return table
