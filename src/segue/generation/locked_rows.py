"""Playing among locked notes where rows are no notes with a track: rolls and streams of events.

In a roll the cells of locked notes are given and the others drawn beside them. In a stream of
events the model draws the next event of the whole music: one that comes before the next locked
event is new music, otherwise the locked one is what follows, and time goes no further than to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.encodings.nes_events import NesEvents
from segue.encodings.note_time import LOWEST
from segue.generation.guides import Steps
from segue.generation.starts import deciding
from segue.score.nes_voices import VOICES

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_KEYS = 128


class LockedFrames(Steps):
    """`Steps` for rolls: `locked`, shape (frames, C), holds the cells given from step `begin` on.

    A cell of 0 is open, but for the one after a locked run: there the locked note ends.
    """

    def __init__(
        self, encoding: Encoding, takes: int, prompt: Ints, *, locked: Ints, **steps: Any
    ) -> None:
        super().__init__(encoding, takes, prompt, **steps)
        self._locked = locked
        before = np.pad(locked, ((1, 0), (0, 0)))[:-1]
        self._silent = (before > 0) & (locked == 0)
        self._from = int(steps["begin"])

    def allowed(self, column: int, row: Ints) -> Bools:
        """What is locked, where something is."""
        mask = super().allowed(column, row)
        frame = int(self._position[0]) + 1 - self._from
        if 0 <= frame < len(self._locked):
            given = self._locked[frame, column]
            if given or self._silent[frame, column]:
                mask[:] = False
                mask[:, given] = True
        return mask


class LockedEvents(Steps):
    """`Steps` for streams of events in which the events `locked`, shape (events, C), are given.

    `at`, shape (events,), are their steps from the start of the piece, in order. `voices` are the
    voices of an NES that may get new events; of keyboards every key is open that no locked note
    holds. After `accept`, `given` holds for each row whether it was a locked one.
    """

    def __init__(
        self,
        encoding: Encoding,
        takes: int,
        prompt: Ints,
        *,
        locked: Ints,
        at: Ints,
        voices: tuple[int, ...] = (),
        **steps: Any,
    ) -> None:
        super().__init__(encoding, takes, prompt, **steps)
        decides = deciding(encoding)
        assert decides is not None
        self._moves, self._column = decides.moves, decides.column
        self._locked, self._at = locked, at
        self._next = np.zeros(takes, np.int64)
        self._mine = np.zeros(takes, bool)
        self._own_time = len(encoding.layout.sizes) > 1
        self._voice = _voices(encoding)
        self._open = None if self._voice is None else np.isin(self._voice, (-1, *voices))
        self._held = np.zeros((takes, _KEYS), np.int64)
        for row in prompt if self._voice is None else prompt[:0]:
            self._hold(self._held, row[None].repeat(takes, axis=0), np.zeros(takes, bool))
        self.given: list[Bools] = []

    def allowed(self, column: int, row: Ints) -> Bools:
        """Only open voices, and only keys that no locked note holds."""
        mask = super().allowed(column, row)
        if column:
            return mask
        if self._open is not None:
            self._restrict(mask, self._open[None])
            return mask
        first = LOWEST if self._own_time else 0
        free = self._held[:, first:] == 0
        wanted = np.ones_like(mask)
        count = min(free.shape[1], mask.shape[1])
        wanted[:, :count] = free[:, :count]
        if not self._own_time:
            wanted[:, _KEYS : 2 * _KEYS] = self._held == 0
        self._restrict(mask, wanted)
        return mask

    def settle(self, row: Ints) -> Ints:
        """Put the next locked event, or the way to it, in place of rows that it comes before."""
        settled = row.copy()
        self._mine[:] = False
        for b in np.flatnonzero(self._next < len(self._locked)):
            gap = int(self._at[self._next[b]] - self._position[b])
            moves = int(self._moves[row[b, self._column]])
            if gap <= 0:
                if moves or not self._before(row[b], self._locked[self._next[b]]):
                    self._take(settled, int(b), 0)
            elif moves > gap or (moves == gap and self._own_time):
                if self._own_time:
                    self._take(settled, int(b), gap)
                else:
                    settled[b] = self._nearest(gap)
        return settled

    def _take(self, settled: Ints, b: int, gap: int) -> None:
        """The next locked event, `gap` steps on."""
        settled[b] = self._locked[self._next[b]]
        if self._own_time:
            settled[b, self._column] = int(np.abs(self._moves - gap).argmin())
        self._mine[b] = True
        self._next[b] += 1

    def _nearest(self, gap: int) -> int:
        """The symbol that moves on farthest of those that do not pass `gap`."""
        return int(np.where(self._moves <= gap, self._moves, -1).argmax())

    def _before(self, drawn: Ints, locked: Ints) -> bool:
        """Whether a drawn event comes before a locked one of the same step: voices in order."""
        if self._voice is None:
            return False
        return 0 <= self._voice[drawn[0]] < self._voice[locked[0]]

    def accept(self, row: Ints) -> tuple[Bools, Bools]:
        """As `Steps`; the keys that locked notes hold are known."""
        self.given.append(self._mine.copy())
        if self._voice is None:
            self._hold(self._held, row, ~self._mine)
        return super().accept(row)

    def _hold(self, held: Ints, row: Ints, drawn: Bools) -> None:
        """Take a row of each take: locked presses hold their keys until they are let go."""
        for b in np.flatnonzero(~drawn):
            if self._own_time:
                if row[b, 0] + LOWEST < _KEYS and row[b, 0] < 88:
                    held[b, row[b, 0] + LOWEST] = row[b, 1] > 0
            elif row[b, 0] < 2 * _KEYS:
                held[b, row[b, 0] % _KEYS] = row[b, 0] < _KEYS


def _voices(encoding: Encoding) -> Ints | None:
    """Shape (V,): which voice of an NES each symbol belongs to, -1 for waits and marks."""
    if not isinstance(encoding, NesEvents):
        return None
    tags = {voice.tag: number for number, voice in enumerate(VOICES)}
    return np.array([tags.get(name.split("_")[0], -1) for name in encoding.names()], np.int64)
