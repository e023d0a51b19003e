"""How many notes a take is to have: a rate that is asked for, and what keeps a take near it.

While a take is drawn its notes are counted against those that are due by then. Two walls stand
beside the line: no note may begin that would be too many, and time may not move on past where too
few would have come. Between the walls chance leans back to the line: a symbol that begins c notes
where d were due weighs exp(-(c - d) k) as much, k growing with the distance from the line (the
tilt by which a distribution is conditioned on a mean). Whoever hits the upper wall has to wait for
the line, so that a chord is left out whole rather than broken up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError
from segue.generation.starts import Deciding
from segue.score import Score

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

TOLERANCE, TOLERANCE_NOTES = 0.1, 2.0
"""A take has the notes asked for within a tenth of them, or two notes where that is more."""
INSIDE = 0.75
"""The walls stand at this share of that: a note that is put right later may drop out."""
FARTHEST_BEATS = 8.0
"""On the way no more notes may be missing or too many than are due in so many beats."""
TILT = 2.0
"""What a note too many costs, in nats, where a wall is reached."""
STALLED = 12
"""Rows without a note or a step, at the lower wall, after which only notes are left."""


@dataclass(frozen=True)
class Density:
    """`notes` a beat, or a second."""

    notes: float
    unit: str = "beat"

    def __post_init__(self) -> None:
        if not 0.05 <= self.notes <= 100 or self.unit not in ("beat", "second"):
            raise SegueError(
                f"the density came as {self.notes:g} a {self.unit}; 0.05 to 100 notes a beat or a "
                "second is allowed."
            )

    @property
    def name(self) -> str:
        """As it is written: "2/beat"."""
        return f"{self.notes:g}/{self.unit}"

    def due(self, score: Score, begin: int, ticks: NDArray[Any]) -> Floats:
        """The notes that should have begun between tick `begin` of `score` and others."""
        if self.unit == "beat":
            return np.asarray(self.notes * (ticks - begin) / score.ticks_per_beat)
        seconds = score.tempo_map.seconds(ticks) - float(score.tempo_map.seconds(begin))
        return np.asarray(self.notes * seconds)

    def proof(self, score: Score, begin: int, end: int) -> dict[str, Any]:
        """What the notes of `score` that begin from tick `begin` up to tick `end` come to."""
        asked = float(self.due(score, begin, np.array(end)))
        onset = score.notes["onset"]
        count = int(((onset >= begin) & (onset < end)).sum())
        return {
            "asked": self.name,
            "found": round(count * self.notes / max(asked, 1e-9), 3),
            "kept": abs(count - asked) <= max(TOLERANCE * asked, TOLERANCE_NOTES),
        }


def density(text: str | float) -> Density:
    """ "2" or "2/beat" (notes a beat), "6/second" or "6/s"; SegueError for anything else."""
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(?:(?:/|a )\s*([a-z]+))?\s*", str(text))
    units = {None: "beat", "beat": "beat", "second": "second", "s": "second"}
    if found and found[2] in units:
        return Density(float(found[1]), units[found[2]])
    raise SegueError(
        f"the density came as {text!r}; write notes a beat, such as 2 or 2/beat, or 6/second."
    )


class Corridor:
    """Keeps B takes near a density.

    `due(steps)` tells how many notes should have begun by each of an array of steps; `slack` is
    how far off the count may be.
    """

    def __init__(
        self, takes: int, due: Callable[[Ints], Floats], slack: float, deciding: Deciding | None
    ) -> None:
        self._due, self._slack, self._deciding = due, slack, deciding
        self.count = np.zeros(takes, np.int64)
        self._waiting = np.zeros(takes, bool)
        self._idle = np.zeros(takes, np.int64)
        self._at = np.full(takes, -1, np.int64)

    # -- rows one after another --------------------------------------------------------------

    def allowed(self, column: int, row: Ints, position: Ints) -> Bools | None:
        """(B, V) what `column` may hold; None for a column that decides nothing."""
        found = self._met(column, row, position)
        if found is None:
            return None
        moves, begins, due = found
        after = self.count[:, None] + begins
        slack = np.where(self._waiting, 0.0, self._slack)[:, None]
        # A note more than is due is none too many, or nothing could begin at the very start.
        upper = (begins == 0) | (after <= due + np.maximum(slack, 1.0))
        assert self._deciding is not None
        if self._deciding.fixed:
            lower = after >= self._due(position + 2)[:, None] - self._slack
        else:
            lower = (moves == 0) | (self.count[:, None] >= due - self._slack)
            stalled = (self._idle >= STALLED) & (self._due(position) - self._slack > self.count - 1)
            lower &= ~stalled[:, None] | (begins > 0) | (moves > 0)
        return np.asarray(upper & lower)

    def tilt(self, column: int, row: Ints, position: Ints) -> Floats | None:
        """(B, V) nats to add to the logits of `column`; None for one that decides nothing."""
        found = self._met(column, row, position)
        if found is None:
            return None
        _, begins, due = found
        lean = self._lean(position)[:, None]
        passing = np.minimum(due - self._due(position)[:, None], self._slack)
        return np.asarray(lean * (passing - begins))

    def nearest(self, mask: Bools, row: Ints, position: Ints) -> Bools:
        """Of (B, V) symbols that all break a wall those that break it least: the shortest way on
        where notes are missing, the longest where there are too many."""
        assert self._deciding is not None
        moves = self._deciding.moves
        behind = self.count < self._due(position)
        on = mask & (moves > 0)
        shortest = np.where(on, moves, np.iinfo(np.int64).max).min(axis=1)
        longest = np.where(on, moves, -1).max(axis=1)
        way = np.where(behind, shortest, longest)
        found = on & (moves[None] == way[:, None])
        return np.where(found.any(axis=1)[:, None], found, mask)

    def _met(self, column: int, row: Ints, position: Ints) -> tuple[Ints, Ints, Floats] | None:
        deciding = self._deciding
        if deciding is None or column != deciding.column:
            return None
        reached = position[:, None] + deciding.moves[None]
        return deciding.moves[None], deciding.begins(row), self._due(reached)

    def _lean(self, position: Ints) -> Floats:
        off = (self.count - self._due(position)) / self._slack
        return TILT * np.clip(off, -1, 1)

    # -- frames ------------------------------------------------------------------------------

    def bounds(self, position: Ints) -> tuple[Ints, Ints]:
        """(B,) each: how many notes at least and at most the frame after `position` may begin."""
        at = position + 1
        slack = np.where(self._waiting, 0.0, self._slack)
        most = np.floor(self._due(at) + np.maximum(slack, 1.0) - self.count + 1e-9)
        least = np.ceil(self._due(at + 1) - self._slack - self.count - 1e-9)
        most = np.maximum(most, 0)
        return np.minimum(np.maximum(least, 0), most).astype(np.int64), most.astype(np.int64)

    def frame_tilt(self, position: Ints) -> Floats:
        """(B,) nats to add to every cell that begins a note."""
        return -self._lean(position + 1)

    # -- both --------------------------------------------------------------------------------

    def accept(self, begun: Ints, position: Ints) -> None:
        """Take the notes that each take has begun, now that it has come to `position`."""
        self.count = self.count + begun
        due = self._due(position)
        full = self.count + 1 > due + self._slack
        self._waiting = (self._waiting | full) & (self.count > due)
        self._idle = np.where((begun > 0) | (position > self._at), 0, self._idle + 1)
        self._at = position.copy()


def slack_of(density: Density, score: Score, begin: int, end: int) -> float:
    """How far off the count may be on the way: what a take may be off by, or less in long ones."""
    asked = float(density.due(score, begin, np.array(end)))
    beats = (end - begin) / score.ticks_per_beat
    near = asked * min(FARTHEST_BEATS / max(beats, 1e-9), 1.0)
    return INSIDE * max(min(TOLERANCE * asked, near), TOLERANCE_NOTES)
