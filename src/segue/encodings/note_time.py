"""A row a message: which of 88 keys, how hard (0 lets go), and the time since the row before.

The representation of S0's pair of networks: a note vector of 88 pitches and 128 velocities, 216
wide, and a time value. Times are symbols here, `seconds` gives their values: exact in 4 ms steps
to half a second, then 16 to each doubling up to 33 seconds. A symbol's rounding is made good by
the next row, so that time does not drift.
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
from segue.encodings.grid import sounding
from segue.encodings.keyboard import Keyboard
from segue.encodings.options import choice
from segue.encodings.scales import Lengths
from segue.encodings.variants import Varied, gaps, in_place
from segue.score import Score

Ints = NDArray[np.int64]

STEPS_PER_SECOND = 250
LOWEST, KEYS = 21, 88
_TIMES = Lengths(exact=128, octaves=6)


@dataclass(frozen=True)
class NoteTime(Closed):
    """Presses and releases of one keyboard in order, one a row: `pitch`, `velocity`, `time`.

    Within a step releases come first, then pedal, then presses from low to high. `pedal` "sustain"
    turns the sustain pedal into note lengths, "rows" gives its moves two pitches of their own
    (up, down), "drop" leaves it out and keeps its time.
    """

    pedal: str = "sustain"

    name = "note_time"
    timed = True
    variants = ("transpose", "stretch", "louder")
    step_beats = None
    step_seconds = 1 / STEPS_PER_SECOND

    def __post_init__(self) -> None:
        choice(self, "pedal", ("sustain", "rows", "drop"))

    @property
    def keeps(self) -> tuple[str, ...]:
        """What decode gives back."""
        kept = ("pitch, A0 to C8", "onset and length to 4 ms, after silences of over 0.5 s to 3 %")
        header = "tempo, metre, key, name and program of the first track (header)"
        pedal = ("sustain pedal, down or up",) if self.pedal == "rows" else ()
        return (*kept, "velocity", *pedal, header)

    @property
    def loses(self) -> tuple[str, ...]:
        """What decode cannot give back."""
        lost = ("which track a note is in", "drums", "notes beyond the 88 keys", "controllers")
        pedal = () if self.pedal == "rows" else ("the sustain pedal as such",)
        return (*lost, "pitch bends", "texts", *pedal)

    @property
    def _keyboard(self) -> Keyboard:
        return Keyboard(STEPS_PER_SECOND, self.pedal)

    @cached_property
    def layout(self) -> Layout:
        """Pitch (88, two more with pedal rows), velocity (128), time (225)."""
        keys = [Block("key", KEYS)]
        if self.pedal == "rows":
            keys.append(Block("pedal", 2))
        return Layout(
            (
                Column("pitch", tuple(keys)),
                Column("velocity", (Block("velocity", 128),)),
                Column("time", (Block("none", 1), Block("length", _TIMES.size))),
            )
        )

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Shape (225,): the seconds that each time symbol stands for."""
        return np.append(0, _TIMES.values) / STEPS_PER_SECOND

    # -- the two ways ------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """Every pitched track's notes as one keyboard's messages."""
        keyboard = self._keyboard
        step, end, pitch, velocity = keyboard.notes(score).T
        moves = keyboard.moves(score)
        key, held = pitch - LOWEST, (pitch >= LOWEST) & (pitch < LOWEST + KEYS)
        kinds = [(end[held], 0, key[held], 0), (step[held], 2, key[held], velocity[held])]
        kinds.append((moves[0], 1, KEYS + moves[1], 0))
        events = np.concatenate(
            [np.stack(np.broadcast_arrays(*kind), axis=1).astype(np.int64) for kind in kinds]
        )
        events = events[np.lexsort((events[:, 2], events[:, 1], events[:, 0]))]
        rows = np.empty((len(events), 3), np.uint16)
        rows[:, :2] = events[:, 2:]
        rows[:, 2] = _symbols(np.diff(events[:, 0], prepend=0))
        return Encoded(rows, keyboard.header(score))

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Messages as one track; a note never let go lasts to the end of the piece."""
        values = checked(rows, self.layout, self.name)
        at = np.cumsum(_steps(values[:, 2]))
        key = np.flatnonzero(values[:, 0] < KEYS)
        press, stop = sounding(
            values[key, 0], values[key, 1] > 0, at[key], int(at[-1]) if len(at) else 0
        )
        place = key[press]
        notes = np.stack([at[place], stop, values[place, 0] + LOWEST, values[place, 1]], axis=1)
        pedal = values[:, 0] >= KEYS
        return self._keyboard.score(notes, (at[pedal], values[pedal, 0] - KEYS), header)

    # -- generation --------------------------------------------------------------------------

    def begins(self, column: int) -> NDArray[np.bool_] | None:
        """Shape (symbols, 128): the pitches of the notes that each symbol begins, or None."""
        if column != self.layout.index("pitch"):
            return None
        return in_a_row(self.layout.sizes[column], 0, range(LOWEST, LOWEST + KEYS))

    def opening(self) -> Rows:
        """Nothing: there are no marks."""
        return np.zeros((0, 3), np.uint16)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Nowhere."""
        return np.zeros(len(rows), bool)

    def positions(self, rows: Rows) -> Ints:
        """The step of each message."""
        return np.cumsum(_steps(checked(rows, self.layout, self.name)[:, 2]))

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, 3), moved by `semitones`, shape (batch,); the pedal stays.

        A window that would leave the keyboard moves as far as it can.
        """
        key = rows[..., 0].astype(np.int64)
        is_key = key < KEYS
        low = np.where(is_key, key, KEYS - 1).min(axis=1)
        high = np.where(is_key, key, 0).max(axis=1)
        by = np.clip(semitones, -low, KEYS - 1 - high)
        moved = rows.copy()
        moved[..., 0] = np.where(is_key, key + by[:, None], key)
        return moved

    def stretch(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """Windows, shape (batch, rows, 3), whose times last `factors`, (batch,), as long."""
        steps = _steps(rows[..., 2])
        apart = gaps(steps, np.ones(steps.shape, bool), factors)
        stretched = rows.copy()
        stretched[..., 2] = np.where(apart > 0, _TIMES.nearest(apart) + 1, 0)
        return in_place(stretched)

    def louder(self, rows: NDArray[Any], by: Ints) -> NDArray[Any]:
        """Windows, shape (batch, rows, 3), with `by`, (batch,), added to each velocity."""
        velocity = rows[..., 1].astype(np.int64)
        moved = rows.copy()
        moved[..., 1] = np.where(velocity > 0, np.clip(velocity + by[:, None], 1, 127), 0)
        return moved

    def state(self) -> dict[str, Any]:
        """The options."""
        return {"name": self.name, "options": {"pedal": self.pedal}}


def _steps(symbols: Ints) -> Ints:
    return np.append(0, _TIMES.values)[symbols]


def _symbols(gaps: Ints) -> Ints:
    """Time symbols of gaps in steps.

    What rounding a long gap takes or gives, the next gaps make good; what starts together stays
    together, and what starts apart stays a step apart.
    """
    symbols = np.where(gaps > 0, _TIMES.nearest(gaps) + 1, 0)
    moving = np.flatnonzero(gaps > 0)
    place = owed = 0
    # Only long gaps and those right after them need a look: a handful in a piece.
    for long in np.flatnonzero(gaps[moving] > _TIMES.exact).tolist():
        place = max(place, long)
        while place < len(moving) and (owed or place == long):
            wanted = np.array([max(int(gaps[moving[place]]) + owed, 1)])
            symbols[moving[place]] = _TIMES.nearest(wanted)[0] + 1
            owed += int(gaps[moving[place]] - _TIMES.values[symbols[moving[place]] - 1])
            place += 1
    return symbols
