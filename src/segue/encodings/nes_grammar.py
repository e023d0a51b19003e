"""Which NES events may follow: `<S>` only first, voices in their order, numbers of their type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.nes_words import NOTEOFF, NOTEON, blocks
from segue.score.nes_voices import VOICES

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class NesGrammar:
    """Masks for `NesEvents`; see `segue.encodings.base.Grammar`.

    Between two waits each voice comes once at most, in the order P1, P2, TR, NO, first its note,
    then what else is told of it; a note-off comes only where the voice sounds. Without that rule a
    net that goes round in circles between two waits never comes to the next.

    `start_symbol` is that of `<S>`, None where events are split into three columns; `numbers` holds
    each type's first number and the one past its last, waits before all. The state is 1 once a row
    has come, the place of the last event since a wait, and for each voice 1 while it sounds.
    """

    sizes: tuple[int, ...]
    start_symbol: int | None
    numbers: tuple[tuple[int, int], ...]
    levels: bool

    @cached_property
    def _kinds(self) -> list[str]:
        """What each symbol of the first column is, "" for marks."""
        split = self.start_symbol is None
        names = [b.name for b in blocks(self.levels) for _ in range(1 if split else b.size)]
        return names + [""] * (self.sizes[0] - len(names))

    @cached_property
    def _places(self) -> Ints:
        """Where each symbol stands between two waits: from 1 on, 0 for waits and marks."""
        first = {voice.tag: 1 + 2 * number for number, voice in enumerate(VOICES)}
        is_note = np.array([k.endswith((NOTEON, NOTEOFF)) for k in self._kinds])
        voices = np.array([first.get(k.split("_")[0], -1) for k in self._kinds])
        return np.where(voices > 0, voices + ~is_note, 0)

    @cached_property
    def _turns(self) -> Ints:
        """Whether each symbol begins (1) or ends (0) a note of each voice, shape (4, symbols)."""
        turns = np.full((len(VOICES), len(self._kinds)), -1)
        for symbol, kind in enumerate(self._kinds):
            for number, voice in enumerate(VOICES):
                if kind in (f"{voice.tag}_{NOTEON}", f"{voice.tag}_{NOTEOFF}"):
                    turns[number, symbol] = kind.endswith(NOTEON)
        return turns

    def start(self, batch: int) -> Ints:
        """Nothing has come yet, and nothing sounds."""
        return np.zeros((batch, 2 + len(VOICES)), np.int64)

    def allowed(self, column: int, chosen: Ints, state: Ints) -> Bools:
        """Shape (batch, size of `column`)."""
        symbols = np.arange(self.sizes[column])
        if column == 0:
            return self._following(state)
        kind = chosen[:, 0]
        waiting = kind == 0
        if column == 2:
            return waiting[:, None] | (symbols == 0)
        low, high = np.array([(0, 1), *self.numbers[1:], (0, 1)])[kind].T
        return np.asarray((symbols >= low[:, None]) & (symbols < high[:, None]))

    def _following(self, state: Ints) -> Bools:
        """Symbols of the first column, shape (batch, size)."""
        places, last = self._places, state[:, 1:2]
        # A voice has one note, at an odd place, and any number of what stands at the even one.
        mask = (places == 0) | (places > last) | ((places == last) & (places % 2 == 0))
        for number, turn in enumerate(self._turns):
            mask &= (turn != 0) | (state[:, 2 + number] == 1)[:, None]
        if self.start_symbol is not None:
            begun = state[:, 0] == 1
            mask[begun, self.start_symbol] = False
            mask[~begun] = np.arange(self.sizes[0]) == self.start_symbol
        return mask

    def advance(self, state: Ints, rows: NDArray[np.integer[Any]]) -> Ints:
        """The state after one more row a piece."""
        symbol = rows[:, 0].astype(np.int64)
        turns = self._turns[:, symbol].T
        new = np.empty_like(state)
        new[:, 0] = 1
        new[:, 1] = self._places[symbol]
        new[:, 2:] = np.where(turns >= 0, turns, state[:, 2:])
        return new
