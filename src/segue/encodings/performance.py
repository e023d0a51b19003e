"""Performance events, one a row: note-ons, note-offs, shifts of time, velocities, pedal.

The representation of Performance RNN: 128 note-ons, 128 note-offs, 100 shifts of 10 to 1,000
milliseconds and 32 velocities, 388 symbols in all. Source: Simon and Oore, "Performance RNN"
(magenta.tensorflow.org, 2017); Oore et al., "This Time with Feeling" (2018).
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
from segue.encodings.grid import pauses, sounding
from segue.encodings.keyboard import Keyboard
from segue.encodings.options import boolean, choice, whole
from segue.encodings.pedal import DOWN, UP
from segue.encodings.performance_grammar import PerformanceGrammar
from segue.encodings.scales import Velocities
from segue.encodings.variants import Varied, gaps, rewritten
from segue.score import Score

Ints = NDArray[np.int64]

STEPS_PER_SECOND = 100
LONGEST_SHIFT = 100
MOST_SHIFTS = 100_000
_PITCHES = 128
_VELOCITIES = Velocities(32)
_PLAIN = 64
"""What a note without a velocity before it plays at."""


@dataclass(frozen=True)
class Performance(Closed):
    """Events of one keyboard, one a row, in one column: `event`.

    Within a step note-offs come first, then pedal, then note-ons from low to high, each after its
    velocity if that is new. `pedal` "sustain" turns the sustain pedal into note lengths, as the
    original does; "rows" adds two symbols for its moves; "drop" leaves it out. `marks` adds START
    and END. `longest` lets notes go after so many seconds (0: never), those that are played too.
    """

    pedal: str = "sustain"
    marks: bool = False
    longest: int = 0

    name = "performance"
    timed = True
    variants = ("transpose", "stretch", "louder")
    step_beats = None
    step_seconds = 1 / STEPS_PER_SECOND

    def __post_init__(self) -> None:
        choice(self, "pedal", ("sustain", "rows", "drop"))
        boolean(self, "marks")
        whole(self, "longest", 0, 3600)

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        most = f", at most {self.longest} s" if self.longest else ""
        kept = ("pitch", f"onset and length to 10 ms{most}", "velocity in 32 bins")
        header = "tempo, metre, key, name and program of the first track (header)"
        return (*kept, "sustain pedal, down or up", header) if self._rows else (*kept, header)

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = ("which track a note is in", "drums", "controllers", "pitch bends", "texts")
        return lost if self._rows else (*lost, "the sustain pedal as such")

    @property
    def _rows(self) -> bool:
        return self.pedal == "rows"

    @property
    def _keyboard(self) -> Keyboard:
        return Keyboard(STEPS_PER_SECOND, self.pedal)

    # -- layout ------------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        """388 events, two more with pedal rows, two more with marks."""
        blocks = [Block("on", _PITCHES), Block("off", _PITCHES), Block("shift", LONGEST_SHIFT)]
        blocks.append(Block("velocity", _VELOCITIES.bins))
        if self._rows:
            blocks.append(Block("pedal", 2))
        if self.marks:
            blocks += [Block("start", 1), Block("end", 1)]
        return Layout((Column("event", tuple(blocks)),))

    @cached_property
    def _first(self) -> dict[str, int]:
        column = self.layout.columns[0]
        return {block.name: column.offset(block.name) for block in column.blocks}

    @property
    def _longest_steps(self) -> int:
        return STEPS_PER_SECOND * self.longest

    # -- encode ------------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """Every pitched track's notes as one performance; DataError for a day of silence."""
        notes = self._keyboard.notes(score)
        if self.longest:
            notes[:, 1] = np.minimum(notes[:, 1], notes[:, 0] + self._longest_steps)
        events = self._events(notes, self._keyboard.moves(score))
        on = np.flatnonzero(events[:, 1] == 3)
        loudness = _VELOCITIES.symbols(events[on, 3])
        new = on[np.append(True, loudness[1:] != loudness[:-1])[: len(on)]]
        louder = np.zeros(len(events), np.int64)
        louder[new] = 1
        full, rest = pauses(np.diff(events[:, 0], prepend=0), LONGEST_SHIFT, MOST_SHIFTS)
        before = full + (rest > 0) + louder
        symbols = np.full(len(events) + int(before.sum()), self._first["shift"] + LONGEST_SHIFT - 1)
        place = np.arange(len(events)) + np.cumsum(before)
        shifted = rest > 0
        symbols[(place - louder - 1)[shifted]] = self._first["shift"] + rest[shifted] - 1
        symbols[place[new] - 1] = self._first["velocity"] + _VELOCITIES.symbols(events[new, 3])
        symbols[place] = events[:, 2]
        if self.marks:
            symbols = np.concatenate([[self._first["start"]], symbols, [self._first["end"]]])
        return Encoded(symbols.astype(np.uint16)[:, None], self._keyboard.header(score))

    def _events(self, notes: Ints, moves: tuple[Ints, Ints]) -> Ints:
        """Shape (events, 4): step, order within it, symbol, velocity; sorted."""
        step, end, pitch, velocity = notes.T
        kinds = [(end, 0, self._first["off"] + pitch, 0), (step, 3, pitch, velocity)]
        if self._rows:
            kinds.append((moves[0], 1, self._first["pedal"] + moves[1], 0))
        events = np.concatenate(
            [np.stack(np.broadcast_arrays(*kind), axis=1).astype(np.int64) for kind in kinds]
        )
        return events[np.lexsort((events[:, 2], events[:, 1], events[:, 0]))]

    # -- decode ------------------------------------------------------------------------------

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Events as one track, up to END; a note never let go lasts to the end of the piece."""
        symbols = checked(rows, self.layout, self.name)[:, 0]
        if self.marks:
            ends = np.flatnonzero(symbols == self._first["end"])
            symbols = symbols[: ends[0]] if len(ends) else symbols
        at = self._positions(symbols)
        key = np.flatnonzero(symbols < self._first["shift"])
        press, stop = sounding(
            symbols[key] % _PITCHES,
            symbols[key] < self._first["off"],
            at[key],
            int(at[-1]) if len(at) else 0,
        )
        place = key[press]
        notes = np.stack([at[place], stop, symbols[place], self._loudness(symbols)[place]], axis=1)
        return self._keyboard.score(notes, self._moves(symbols, at), header)

    def _loudness(self, symbols: Ints) -> Ints:
        """The velocity in force at each event."""
        first = self._first["velocity"]
        is_velocity = (symbols >= first) & (symbols < first + _VELOCITIES.bins)
        heard = np.append(_PLAIN, _VELOCITIES.values(symbols[is_velocity] - first))
        return heard[np.cumsum(is_velocity)]

    def _moves(self, symbols: Ints, at: Ints) -> tuple[Ints, Ints]:
        if not self._rows:
            return at[:0], at[:0]
        state = symbols - self._first["pedal"]
        place = np.flatnonzero((state == UP) | (state == DOWN))
        return at[place], state[place]

    # -- generation --------------------------------------------------------------------------

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        return in_a_row(self.layout.sizes[column], 0, range(_PITCHES))

    def opening(self) -> Rows:
        """START, with marks."""
        first = [[self._first["start"]]] if self.marks else []
        return np.array(first, np.uint16).reshape(-1, 1)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether a row is END."""
        return np.asarray(rows[:, 0] == self._first.get("end", -1))

    def positions(self, rows: Rows) -> Ints:
        """The step of each event; a shift is where it leads to."""
        return self._positions(checked(rows, self.layout, self.name)[:, 0])

    def _positions(self, symbols: Ints) -> Ints:
        shift = symbols - self._first["shift"] + 1
        return np.cumsum(np.where((shift > 0) & (shift <= LONGEST_SHIFT), shift, 0))

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, 1), moved by `semitones`, shape (batch,).

        A window that would leave MIDI's pitches moves as far as it can.
        """
        is_key = rows < self._first["shift"]
        pitch = rows.astype(np.int64) % _PITCHES
        low = np.where(is_key, pitch, _PITCHES - 1).min(axis=(1, 2))
        high = np.where(is_key, pitch, 0).max(axis=(1, 2))
        by = np.clip(semitones, -low, _PITCHES - 1 - high)
        return np.where(is_key, rows + by[:, None, None], rows).astype(rows.dtype)

    def stretch(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """Windows, shape (batch, rows, 1), whose shifts last `factors`, (batch,), as long."""
        first = self._first["shift"]
        shift = rows[..., 0].astype(np.int64) - first + 1
        kept = (shift < 1) | (shift > LONGEST_SHIFT)
        apart = gaps(np.where(kept, 0, shift), kept, factors)
        return rewritten(rows, kept, apart, LONGEST_SHIFT, 0, lambda steps: first + steps - 1)

    def louder(self, rows: NDArray[Any], by: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, 1), with `by`, (batch,), added to each velocity."""
        first = self._first["velocity"]
        bins = rows.astype(np.int64) - first
        is_velocity = (bins >= 0) & (bins < _VELOCITIES.bins)
        moved = first + _VELOCITIES.moved(np.where(is_velocity, bins, 0), by[:, None, None])
        return np.where(is_velocity, moved, rows).astype(rows.dtype)

    def grammar(self) -> PerformanceGrammar:
        """Note-offs of what sounds, and in time; with marks START first and only there."""
        first = self._first
        return PerformanceGrammar(
            self.layout.sizes[0], first.get("start"), first["shift"], self._longest_steps
        )

    def state(self) -> dict[str, Any]:
        """The options."""
        options = {"pedal": self.pedal, "marks": self.marks, "longest": self.longest}
        return {"name": self.name, "options": options}
