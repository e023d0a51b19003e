"""Pitch names and chords, one a row: the representation of the note-chord LSTM.

A row is a note ("E-5") or a chord, written as the pitch classes of its normal order ("4.9").
Source: Skuldur/Classical-Piano-Composer, which reads with music21; `chords` tells which notes
form a chord. The vocabulary is what the corpus uses, sorted by name as there, because that
network takes a symbol's place in the alphabet for its size.

Two options go further, as the same project's later branch did. `octaves` writes a chord as rows
that sound together, one a tone, so that octaves and inversions survive; `rhythm` adds a duration
and the step since the previous row in twelfths of a beat (its sixteenth and triplet grids), and
START and END rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Block, Column, Encoded, Grammar, Layout, Rows, checked
from segue.encodings.chords import Groups, groups, on_grid
from segue.encodings.options import boolean
from segue.encodings.pitch_names import chord_name, pitch_name
from segue.errors import RecipeError
from segue.score import METRE, NOTE, TEMPO, Score, Track, events, tidy

Ints = NDArray[np.int64]

TICKS_PER_BEAT = 480
STEP_BEATS = 0.5
LENGTH_BEATS = 1.0
VELOCITY = 90
GRID = 12
LONGEST = 96
"""Durations and steps end at 96 twelfths of a beat, two bars of 4/4."""

_NOTES = 128
_MASKS = 4096
_START, _END = "START", "END"


def _voiced(masks: Ints) -> Ints:
    """12-bit chords as 24 bits from pitch 60 up: in octave 4, a lone pitch class as an octave."""
    return np.where(np.bitwise_count(masks) == 1, masks | masks << 12, masks)


def _ending_together(score: Score) -> Score:
    """Notes of one track and onset end with the first of them, so that they stay one chord."""
    notes = score.notes.copy()
    if len(notes):
        new = (np.diff(notes["onset"]) != 0) | (np.diff(notes["track"].astype(np.int64)) != 0)
        first = np.flatnonzero(np.append(True, new))
        least = np.minimum.reduceat(notes["duration"], first)
        notes["duration"] = np.repeat(least, np.diff(np.append(first, len(notes))))
    return score.with_(notes=notes)


@dataclass(frozen=True)
class NoteChord:
    """Notes and chords of a piece's first part, one a row.

    Columns: `symbol`; with `rhythm` also `duration` and `step`. Played back every row comes half
    a beat after the one before and lasts a beat, at 120 beats a minute and velocity 90, with a
    chord's tones in octave 4, unless `rhythm` or `octaves` know better. A chord of one pitch class
    was an octave and sounds as one, so that it is read as a chord again.
    """

    octaves: bool = False
    rhythm: bool = False
    vocabulary: tuple[int, ...] | None = None

    name = "note_chord"
    variants = ("transpose",)

    def __post_init__(self) -> None:
        boolean(self, "octaves")
        boolean(self, "rhythm")

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        kept = ["pitch of single notes", "order"]
        kept.append("pitch of chord tones" if self.octaves else "pitch classes of chords")
        if self.rhythm:
            kept.append(f"onset and length to a twelfth of a beat, up to {LONGEST // GRID} beats")
        return tuple(kept)

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = ["parts after the first, unisons and echoes", "velocity", "tempo", "metre", "key"]
        lost += ["pedal", "controllers", "names", "programs"]
        if not self.octaves:
            lost.append("octaves and doublings of chord tones")
        if not self.rhythm:
            lost += ["onset", "length", "rests"]
        return tuple(lost)

    @property
    def timed(self) -> bool:
        """With `rhythm`; without it rows have an order but no time."""
        return self.rhythm

    # -- layout ------------------------------------------------------------------------------

    @property
    def step_beats(self) -> float | None:
        """Half a beat a row; with `rhythm` a twelfth."""
        return 1 / GRID if self.rhythm else STEP_BEATS

    @property
    def step_seconds(self) -> float | None:
        """None: steps are beats."""
        return None

    @cached_property
    def layout(self) -> Layout:
        """The whole universe before `fit`, the corpus's own symbols after."""
        if self.vocabulary is None:
            blocks = self._universe
        else:
            kinds = self._kind(np.array(self.vocabulary))
            order = [1, 0, *range(2, len(self._universe))]
            blocks = tuple(
                Block(self._universe[k].name, int((kinds == k).sum()))
                for k in order
                if (kinds == k).any()
            )
        symbol = Column("symbol", blocks)
        if not self.rhythm:
            return Layout((symbol,))
        duration = Column("duration", (Block("twelfths", LONGEST),))
        return Layout((symbol, duration, Column("step", (Block("twelfths", LONGEST + 1),))))

    @property
    def _universe(self) -> tuple[Block, ...]:
        tones = Block("with", _NOTES) if self.octaves else Block("chord", _MASKS)
        ends = (Block("start", 1), Block("end", 1)) if self.rhythm else ()
        return (Block("note", _NOTES), tones, *ends)

    @property
    def _size(self) -> int:
        return sum(block.size for block in self._universe)

    def _kind(self, symbols: Ints) -> Ints:
        """The block of each universe symbol: 0 note, 1 chord or with, 2 start, 3 end."""
        bounds = np.cumsum([block.size for block in self._universe])
        return np.searchsorted(bounds, symbols, side="right")

    def names(self) -> list[str]:
        """Shape (size of `symbol`,): what each symbol is called."""
        symbols = range(self._size) if self.vocabulary is None else self.vocabulary
        return [self._name(s) for s in symbols]

    def _name(self, symbol: int) -> str:
        second = self._size - 2 if self.rhythm else self._size
        if symbol < _NOTES:
            return pitch_name(symbol)
        if symbol >= second:
            return (_START, _END)[symbol - second]
        rest = symbol - _NOTES
        return f"+{pitch_name(rest)}" if self.octaves else chord_name(rest) or "-"

    # -- vocabulary --------------------------------------------------------------------------

    def fit(self, counts: Sequence[NDArray[np.int64]]) -> NoteChord:
        """The symbols that occur, chords first and each kind sorted by name as a string."""
        if self.vocabulary is not None:
            raise ValueError("this note_chord encoding has its vocabulary already.")
        used = set(np.flatnonzero(counts[0]).tolist())
        if self.rhythm:
            used |= {self._size - 2, self._size - 1}
        kind = dict(zip(used, self._kind(np.array(list(used), np.int64)).tolist(), strict=True))
        rank = {0: 1, 1: 0}
        ordered = sorted(used, key=lambda s: (rank.get(kind[s], kind[s]), self._name(s)))
        if not ordered:
            raise ValueError("there is no note to make a vocabulary from.")
        return replace(self, vocabulary=tuple(ordered))

    def adapt(self, rows: Rows) -> Rows:
        """Universe rows in the fitted vocabulary; an unknown symbol becomes the nearest known.

        For a chord that is the one with most tones in common, then fewest of its own; for a note
        the one of its pitch class nearest in octave, then the nearest. Ties go to the earlier.
        """
        if self.vocabulary is None:
            return rows
        adapted = rows.copy()
        adapted[:, 0] = self._table[rows[:, 0]]
        return adapted

    @cached_property
    def _table(self) -> NDArray[np.uint16]:
        """Universe symbol to fitted symbol, shape (universe,)."""
        known = np.array(self.vocabulary, np.int64)
        every = np.arange(self._size)
        table = np.empty(len(every), np.uint16)
        for kind in range(len(self._universe)):
            for asked in np.array_split(every[self._kind(every) == kind], 16):
                table[asked] = self._nearest(kind, asked, known)
        table[known] = np.arange(len(known))
        return table

    def _nearest(self, kind: int, asked: Ints, known: Ints) -> Ints:
        same = np.flatnonzero(self._kind(known) == kind)
        if not len(same):
            same = np.arange(len(known))
        if kind == 0 or self.octaves:
            gap = np.abs(asked[:, None] % _NOTES - known[same] % _NOTES)
            cost = gap + _NOTES * (gap % 12 != 0)
        else:
            mine, theirs = self._masks(asked)[:, None], self._masks(known[same])
            cost = np.bitwise_count(theirs & ~mine) - 16 * np.bitwise_count(theirs & mine).astype(
                np.int64
            )
        return same[np.argmin(cost, axis=1)]

    def _masks(self, symbols: Ints) -> Ints:
        """12-bit pitch classes of universe symbols."""
        note = np.int64(1) << (symbols % 12)
        chord = np.clip(symbols - _NOTES, 0, _MASKS - 1)
        return np.where(symbols < _NOTES, note, chord)

    # -- the two ways ------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """The first part's notes and chords in order."""
        found = groups(score)
        symbol, group = self._symbols(found)
        if not self.rhythm:
            return Encoded(self._adapted(symbol[:, None]))
        onset = on_grid(found.onset, score.ticks_per_beat)
        end = on_grid(found.onset + found.duration, score.ticks_per_beat)
        duration = np.clip(end - onset, 1, LONGEST) - 1
        step = np.clip(np.diff(onset, prepend=0), 0, LONGEST)
        first = np.append(True, group[1:] != group[:-1])[: len(group)]
        body = np.stack([symbol, duration[group], np.where(first, step[group], 0)], axis=1)
        closed = np.zeros((len(body) + 2, 3), np.int64)
        closed[1:-1] = body
        closed[[0, -1], 0] = self._size - 2, self._size - 1
        return Encoded(self._adapted(closed))

    def _symbols(self, found: Groups) -> tuple[Ints, Ints]:
        """Universe symbols in order, and the group that each belongs to."""
        group = np.arange(len(found.size))
        if not self.octaves:
            return np.where(found.size > 1, _NOTES + found.mask, found.lowest), group
        group = np.repeat(group, found.size)
        lowest = np.append(True, group[1:] != group[:-1])[: len(group)]
        return found.notes["pitch"] + np.where(lowest, 0, _NOTES), group

    def _adapted(self, rows: Ints) -> Rows:
        return self.adapt(rows.astype(np.uint16))

    def _plain(self, rows: Rows) -> Ints:
        """Rows with universe symbols, checked."""
        values = checked(rows, self.layout, self.name)
        if self.vocabulary is not None:
            values[:, 0] = np.array(self.vocabulary, np.int64)[values[:, 0]]
        return values

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Rows as piano music; rows after END are left out. ValueError for rows out of range."""
        values = self._plain(rows)
        closing = np.flatnonzero(self._kind(values[:, 0]) == 3)
        values = values[: closing[0]] if len(closing) else values
        at = self._positions(values)
        kind = self._kind(values[:, 0])
        values, at = values[kind < 2], at[kind < 2]
        ticks_a_step = TICKS_PER_BEAT // GRID if self.rhythm else round(TICKS_PER_BEAT * STEP_BEATS)
        length = (
            (values[:, 1] + 1) * ticks_a_step
            if self.rhythm
            else np.full(len(values), round(TICKS_PER_BEAT * LENGTH_BEATS))
        )
        if not self.rhythm:
            length = self._shortened(values[:, 0], at, length)
        return self._score(values[:, 0], at * ticks_a_step, length)

    def _shortened(self, symbols: Ints, at: Ints, length: Ints) -> Ints:
        """A row that shares a pitch with the next ends there as a whole, so that it stays one."""
        step, low, high = round(TICKS_PER_BEAT * STEP_BEATS), *self._pitch_bits(symbols)
        if not len(symbols):
            return length
        first = np.flatnonzero(np.append(True, np.diff(at) > 0))
        low, high = (np.bitwise_or.reduceat(bits, first) for bits in (low, high))
        shared = np.append(((low[1:] & low[:-1]) | (high[1:] & high[:-1])) != 0, False)
        return np.where(np.repeat(shared, np.diff(np.append(first, len(at)))), step, length)

    def _pitch_bits(self, symbols: Ints) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The sounding pitches of each row as two 64-bit masks, 0 to 63 and 64 to 127."""
        one = np.uint64(1)
        pitch = (symbols % _NOTES).astype(np.uint64)
        bit = one << (pitch % np.uint64(64))
        low, high = np.where(pitch < 64, bit, 0), np.where(pitch >= 64, bit, 0)
        if self.octaves:
            return low, high
        chord = symbols >= _NOTES
        mask = _voiced(np.where(chord, symbols - _NOTES, 0)).astype(np.uint64)
        # Pitch 60 is bit 60 of the lower mask, 64 bit 0 of the upper.
        return (
            np.where(chord, (mask & np.uint64(15)) << np.uint64(60), low),
            np.where(chord, mask >> np.uint64(4), high),
        )

    def _score(self, symbols: Ints, onset: Ints, length: Ints) -> Score:
        chord = (symbols >= _NOTES) & (not self.octaves)
        tones = _voiced(np.where(chord, symbols - _NOTES, 0))
        row, tone = np.nonzero(tones[:, None] >> np.arange(24) & 1)
        single = np.flatnonzero(~chord)
        row = np.concatenate([single, row])
        notes = np.zeros(len(row), NOTE)
        notes["pitch"] = np.concatenate([symbols[single] % _NOTES, 60 + tone])
        notes["onset"], notes["duration"] = onset[row], length[row]
        new = symbols < _NOTES if self.octaves else np.ones(len(symbols), bool)
        group = np.cumsum(new).astype(np.int64)
        notes["track"] = self._voice(onset, group)[row]
        notes["velocity"] = VELOCITY
        voices = int(notes["track"].max()) + 1 if len(notes) else 1
        names = ["Piano"] + [f"Piano {v + 1}" for v in range(1, voices)]
        score = Score(
            ticks_per_beat=TICKS_PER_BEAT,
            notes=notes,
            tracks=tuple(Track(each) for each in names),
            tempi=events(TEMPO, [(0, 500_000)]),
            metres=events(METRE, [(0, 4, 4)]),
        )
        return _ending_together(tidy(score)) if self.rhythm else tidy(score)

    def _voice(self, onset: Ints, group: Ints) -> Ints:
        """With `rhythm`, groups that start together go to a track each, as the staves they were."""
        if not self.rhythm or not len(onset):
            return np.zeros(len(onset), np.int64)
        first = np.flatnonzero(np.append(True, np.diff(onset) != 0))
        return group - np.repeat(group[first], np.diff(np.append(first, len(onset))))

    # -- augmentation ------------------------------------------------------------------------

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, columns), moved by `semitones`, shape (batch,).

        Notes keep within MIDI's pitches by octaves, chords turn their pitch classes, and a symbol
        that the vocabulary lacks becomes the nearest it has, as `adapt` does it.
        """
        moved = rows.copy()
        for by in np.unique(semitones).tolist():
            mine = semitones == by
            moved[mine, :, 0] = self._moved(by)[rows[mine, :, 0]]
        return moved

    def _moved(self, by: int) -> Ints:
        """Shape (size of `symbol`,): each symbol `by` semitones higher."""
        known = np.arange(self._size) if self.vocabulary is None else np.array(self.vocabulary)
        kind = self._kind(known)
        pitch = known % _NOTES + by
        pitch += 12 * -(np.minimum(pitch, 0) // 12)
        pitch += 12 * (np.minimum(_NOTES - 1 - pitch, 0) // 12)
        turn, mask = by % 12, np.clip(known - _NOTES, 0, _MASKS - 1)
        turned = _NOTES + ((mask << turn | mask >> (12 - turn)) & (_MASKS - 1))
        second = _NOTES + pitch if self.octaves else turned
        universe = np.where(kind == 0, pitch, np.where(kind == 1, second, known))
        return universe if self.vocabulary is None else self._table[universe].astype(np.int64)

    # -- generation --------------------------------------------------------------------------

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        if column:
            return None
        known = np.arange(self._size) if self.vocabulary is None else np.array(self.vocabulary)
        bits = np.stack(self._pitch_bits(known), axis=1)
        table = (bits[:, :, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)).astype(bool)
        table[self._kind(known) > 1] = False
        return table.reshape(len(known), 128)

    def opening(self) -> Rows:
        """START with `rhythm`, else nothing."""
        rows = np.zeros((int(self.rhythm), len(self.layout.columns)), np.uint16)
        if self.rhythm:
            rows[0, 0] = self._size - 2
        return self.adapt(rows)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """END with `rhythm`, else nowhere."""
        return np.asarray(self._kind(self._plain(rows)[:, 0]) == 3)

    def positions(self, rows: Rows) -> Ints:
        """The step at which each row starts."""
        return self._positions(self._plain(rows))

    def _positions(self, values: Ints) -> Ints:
        if self.rhythm:
            return np.cumsum(values[:, 2])
        new = self._kind(values[:, 0]) == 0 if self.octaves else np.ones(len(values), bool)
        return np.cumsum(new) - new[:1].sum()

    def grammar(self) -> Grammar | None:
        """None: every symbol may follow every other."""
        return None

    # -- state -------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The options and, once fitted, the vocabulary by name."""
        state: dict[str, Any] = {
            "name": self.name,
            "options": {"octaves": self.octaves, "rhythm": self.rhythm},
        }
        if self.vocabulary is not None:
            state["vocabulary"] = self.names()
        return state

    def with_vocabulary(self, names: Sequence[str]) -> NoteChord:
        """The encoding fitted to symbols by name; RecipeError for a name it does not know."""
        every = {self._name(s): s for s in range(self._size)}
        unknown = [n for n in names if n not in every]
        if unknown:
            raise RecipeError(f"note_chord's vocabulary has a symbol {unknown[0]!r} that is none.")
        return replace(self, vocabulary=tuple(every[n] for n in names))
