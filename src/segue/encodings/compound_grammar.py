"""Which compound rows may follow which: in order, closed once, with 0 where nothing is said.

All of it follows from little: what a row leaves behind is looked up by its first three columns, and
each mask is a row of a table that is made once. So a step of many takes is a few look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_START, _END, _REST, _STEP = 0, 1, 2, 3
# What the state holds of the rows before: which masks they leave the first column, and the second
# if time does not move on; the place of the last row (see `_Tables.places`); the lowest code that
# may come after it there; and, once time has moved on, how much further `_Tables.lowest` is read.
_ONSETS, _TRACKS, _PLACE, _LOWEST, _MOVED = 0, 1, 2, 3, 4
_KEPT = 16


@dataclass(frozen=True)
class CompoundGrammar:
    """Masks for the five columns of `Compound`; see `segue.encodings.base.Grammar`.

    At one step rows rise by track, then by code: what is said of the piece, `about`, one symbol of
    each kind, bar lines, tempo, pedal, pitch. START comes first and only there, END not after a
    rest, and a rest is followed by a step. What is said of the piece comes before time moves on.
    That, bar lines and tempo are in track 0, pedal rows in the first `pedal_slots` tracks. Of
    tracks only the first `tracks` are drawn: rows told ahead are given.
    """

    sizes: tuple[int, ...]
    pitched_slots: int
    tempi: int
    pedals: int
    tracks: int = 0
    pedal_slots: int = 0
    about: tuple[int, ...] = ()
    bars: int = 0

    def start(self, batch: int) -> Ints:
        """Nothing has come yet."""
        return np.tile(self._tables.first, (batch, 1))

    def allowed(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Shape (batch, size of `column`)."""
        return self.masks(column).take(self.which(column, chosen, state), axis=0)

    def masks(self, column: int) -> Bools:
        """Shape (masks, size of `column`): all that `allowed` may come to, a row each."""
        return self._tables.masks[column]

    def which(self, column: int, chosen: NDArray[np.integer[Any]], state: Ints) -> Ints:
        """(batch,): the rows of `masks` that hold."""
        tables = self._tables
        if column == 0:
            return state[:, _ONSETS]
        if column == 1:
            return tables.tracks.take(chosen[:, 0]) + state[:, _TRACKS]
        if column == 2:
            place = tables.places.take(chosen[:, 0]) + chosen[:, 1]
            lowest = (place == state[:, _PLACE]) * state[:, _LOWEST]
            if tables.tells_moved:
                place += state[:, _MOVED]
            return np.maximum(tables.lowest.take(place), lowest)
        notes = tables.steps.take(chosen[:, 0])
        if tables.tells_notes:
            notes &= tables.notes.take(chosen[:, 2])
        return notes

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more row a piece."""
        tables = self._tables
        key = tables.kinds.take(rows[:, 0])
        key += tables.lines.take(rows[:, 1])
        key += rows[:, 2]
        after = tables.after.take(key, axis=0)
        if tables.tells_moved:
            moved = after[:, _MOVED]
            np.maximum(moved, state[:, _MOVED], out=moved)
        return after

    @cached_property
    def _tables(self) -> _Tables:
        return _tables(self)


@lru_cache(maxsize=_KEPT)
def _tables(grammar: CompoundGrammar) -> _Tables:
    return _Tables(grammar)


class _Tables:
    """What a grammar looks up. V, N and C are the sizes of its first three columns."""

    def __init__(self, grammar: CompoundGrammar) -> None:
        self._sizes = grammar.sizes
        self._slots, self._codes = grammar.sizes[1], grammar.sizes[2]
        self._drawn = grammar.tracks or self._slots
        onset = np.arange(grammar.sizes[0])
        self._kind = np.select([onset < _REST, onset == _REST, onset == _STEP], [0, 1, 2], 3)
        """What a first symbol is: a mark (0), a rest (1), a row at the same step (2), a later."""
        says = sum(grammar.about)
        self._pedals_from = says + grammar.bars + grammar.tempi
        self._pitches_from = self._pedals_from + grammar.pedals
        self.tells_moved = says > 0
        self.tells_notes = self._pitches_from > 0

        self.kinds = self._kind * self._slots * self._codes
        """(V,): where `after` begins for each first symbol; `lines`, (N,), and for each track."""
        self.lines = np.arange(self._slots) * self._codes
        self.after = self._after(grammar)
        self.first = np.array([4, 0, -1, 0, 0])
        self.tracks = np.array([2, 2, 0, 1])[self._kind] * (self._slots + 2)
        """(V,): where the second column's masks begin: at the same step, later, for no note.

        They are told apart by the first track that may come, and what is before it, -1.
        """
        self.places = np.array([0, 0, 2, 1])[self._kind] * self._slots
        """(V,): where tracks count from: those of no note, of a later step, of the same step."""
        self.lowest = np.concatenate([self._firsts(grammar, moved) for moved in (False, True)])
        """(6 N,): the first code of each place, before time has moved on and after; C + 1: none."""
        self.steps = (onset >= _STEP).astype(np.int64)
        self.notes = (np.arange(self._codes) >= self._pitches_from).astype(np.int64)
        # A note may be as long and as loud as it likes.
        notes = [np.array([np.arange(v) == 0, np.ones(v, bool)]) for v in self._sizes[3:]]
        self.masks = (
            self._onset_masks(), self._track_masks(), self._code_masks(grammar), *notes
        )  # fmt: skip

    def _after(self, grammar: CompoundGrammar) -> Ints:
        """(4 N C, 5): the state after each row."""
        kind, track, code = np.indices((4, self._slots, self._codes))
        event = kind >= 2
        is_last = code == self._codes - 1
        full = (track == self._drawn - 1) & is_last | (track >= self._drawn)
        following = np.arange(1, self._codes + 1)
        first = 0
        # After one of these a second in the same step would only undo it.
        for size in (*grammar.about, grammar.bars, grammar.tempi):
            following[first : first + size] = first + size
            first += size
        state = np.empty((*kind.shape, 5), np.int64)
        state[..., _ONSETS] = np.where(kind == 1, 2, event & full)
        state[..., _TRACKS] = np.where(event, track + 1 + is_last, 0)
        state[..., _PLACE] = np.where(event, 2 * self._slots + track, -1)
        state[..., _LOWEST] = np.where(event, following[code], 0)
        state[..., _MOVED] = np.where((kind == 1) | (kind == 3), 3 * self._slots, 0)
        return state.reshape(-1, 5)

    def _onset_masks(self) -> Bools:
        """After a row, after the last there may be at a step, after a rest; at the start."""
        masks = np.ones((5, self._sizes[0]), bool)
        masks[:4, _START] = False
        masks[1:3, _STEP] = False
        masks[2, _END] = False
        masks[4, _START + 1 :] = False
        return masks

    def _track_masks(self) -> Bools:
        """Rows of three kinds for each first track that may come, and one before it."""
        tracks = np.arange(self._slots)
        first = np.arange(-1, self._slots + 1)[:, None]
        same = (tracks >= first) & (tracks < self._drawn)
        later = np.broadcast_to(tracks < self._drawn, same.shape)
        return np.concatenate([same, later, np.broadcast_to(tracks == 0, same.shape)])

    def _firsts(self, grammar: CompoundGrammar, moved: bool) -> Ints:
        """(3 N,): the first code of tracks of no note, of a later step, of the same step."""
        tracks = np.arange(self._slots)
        pedal_slots = grammar.pedal_slots or grammar.pitched_slots
        high = (tracks >= pedal_slots) & ((tracks > 0) | (self._pedals_from == 0))

        def firsts(said: int) -> Ints:
            first = np.where(tracks > 0, self._pedals_from, said)
            return np.where(high, self._pitches_from, first)

        says = sum(grammar.about)
        none = np.full(self._slots, self._codes + 1)
        return np.concatenate([none, firsts(says), firsts(says if moved else 0)])

    def _code_masks(self, grammar: CompoundGrammar) -> Bools:
        """From each code on, from none on, and what is no note."""
        codes = np.arange(self._codes)
        masks = codes >= np.arange(self._codes + 2)[:, None]
        if not (grammar.pedal_slots or grammar.pitched_slots):
            masks[:, self._pedals_from : self._pitches_from] = False
        masks[-1] = codes == 0
        return masks
