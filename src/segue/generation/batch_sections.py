"""Takes of a batch that are drawn in the same way, side by side, whoever asked for them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.generation.batch_parts import EAGER, STEADY, Luck, Part
from segue.generation.engine import Engine, IntRows
from segue.generation.guides import Guide, Steps
from segue.generation.loops import Loops
from segue.generation.player import MAX_ROWS
from segue.generation.sampling import Sampling, pick

Bools = NDArray[np.bool_]
Lanes = NDArray[np.int64]
"""Where takes are in the batch."""


@dataclass
class Section:
    """Takes that are drawn in the same way under one guide: those of a request, or of many."""

    parts: list[Part]
    guide: Guide
    chance: Luck
    how: list[Sampling]
    loops: Loops | None
    independent: bool
    symbols: int
    """How many symbols the first column has."""
    lanes: Lanes
    """(B,) where its takes are in the batch."""
    live: Bools = field(default_factory=lambda: np.ones(0, bool))
    over: int = 0
    """How many of its takes are of parts that are over."""
    row: IntRows = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    """(B, C) the row that is being drawn."""
    pending: Bools = field(default_factory=lambda: np.ones(0, bool))
    banned: Bools | None = None
    uniform: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    played: list[tuple[IntRows, Bools]] = field(default_factory=list)
    """Rows that its parts have not been given yet, and which of them count."""
    waits: int = 1
    """After how many rows more its parts are given them at the latest."""

    @property
    def takes(self) -> int:
        """How many takes it has."""
        return len(self.live)

    @classmethod
    def of(cls, part: Part, engine: Engine, lanes: Lanes) -> Section:
        """The takes of one request, which begin in `lanes`."""
        takes = len(part.seeds)
        return cls(
            [part], part.guide, Luck.of(part.seeds), part.player._how, part.loops,
            engine.independent, engine.sizes[0], lanes, live=np.ones(takes, bool),
            row=np.zeros((takes, len(engine.sizes)), np.int64), waits=part.waits,
        )  # fmt: skip

    def begin_row(self) -> None:
        """Get ready to draw a row."""
        self.row = np.zeros_like(self.row)
        self.banned = None
        self.pending = np.ones(self.takes, bool)

    def begin_try(self, columns: int) -> None:
        """Get ready to draw the row, or what is drawn of it again."""
        self.guide.stuck[:] = False
        # Of a take that is not drawn again no random number is used up.
        self.uniform = self.chance.next(columns, None if self.banned is None else self.pending)

    def allowed(self, column: int) -> Bools:
        """(B, V): the symbols that one column of its rows may hold."""
        allowed = self.guide.allowed(column, self.row)
        if not column and self.banned is not None:
            rest = allowed & ~self.banned
            some = rest.any(axis=1)
            allowed[some] = rest[some]
        return allowed

    def draw(self, column: int, logits: NDArray[np.float32], allowed: Bools) -> None:
        """Draw one column of its rows from the logits of the whole batch."""
        logits = logits[self.lanes]
        if self.loops is not None:
            damped = self.loops.penalties(column, self.row, logits.shape[1])
            if damped is not None:
                logits = (logits - damped).astype(np.float32)
        self.put(column, pick(logits, allowed, self.how[column], self.uniform[:, column]))

    def put(self, column: int, symbols: IntRows) -> None:
        """What one column of its rows is to hold, but for rows that are not drawn again."""
        if self.banned is not None:
            symbols = np.where(self.pending, symbols, self.row[:, column])
        self.row[:, column] = symbols

    def end_try(self) -> None:
        """Find out what has to be drawn again."""
        row = self.row
        if row.shape[1] == 1:
            self.pending[:] = False
            return
        self.pending &= self.guide.stuck
        if not self.pending.any():
            return
        if self.banned is None:
            self.banned = np.zeros((self.takes, self.symbols), bool)
        self.banned[self.pending, row[self.pending, 0]] = True

    def frame(self, logits: NDArray[np.float32]) -> None:
        """Draw all columns of its rows, of a model whose columns are independent."""
        row, logits = np.zeros_like(self.row), logits[self.lanes]
        batch, columns = row.shape
        uniform = self.chance.next(columns)
        allowed = np.stack([self.guide.allowed(c, row) for c in range(columns)], axis=1)
        drawn = pick(
            logits.reshape(batch * columns, -1), allowed.reshape(batch * columns, -1),
            self.parts[0].player.sampling, uniform.ravel(),
        )  # fmt: skip
        self.row = drawn.reshape(batch, columns)

    def accept(self) -> IntRows:
        """Move on by the row that was drawn; the row as it is played."""
        row = self.guide.settle(self.row)
        if self.loops is not None:
            self.loops.accept(row)
        kept, ended = self.guide.accept(row)
        self.played.append((row, self.live & kept))
        self.waits -= 1
        any_ended = bool(np.count_nonzero(ended & self.live))
        self.live &= ~ended
        if any_ended or self.waits <= 0:
            self.hand_out()
        return row

    def hand_out(self) -> None:
        """Give each part its rows, and end those that are over or that nobody waits for."""
        if not self.played:
            return
        rows = np.stack([row for row, _ in self.played])
        kept = np.stack([kept for _, kept in self.played])
        self.played = []
        at = 0
        for part in self.parts:
            mine = slice(at, at + len(part.seeds))
            at = mine.stop
            if part.is_over:
                continue
            part.take(rows[:, mine], kept[:, mine])
            if part.is_gone or part.count >= MAX_ROWS or not self.live[mine].any():
                if part.guide is not self.guide:
                    # Those who asked look at their own guide once all is played.
                    _own(part).own_end[:] = _own(self).own_end[mine]
                self.live[mine] = False
                self.over += len(part.seeds)
                part.end(None)
            elif part.count in EAGER or part.count % STEADY == 0:
                part.tell()
        self.waits = min((part.waits for part in self.parts if not part.is_over), default=0)


_BY_TAKE = ("own_end", "_over", "stuck", "_position", "_still", "_sounded", "_last", "_state")
"""What `Steps` knows of each take; all else is the same for all of a section."""


def alike(one: Section, other: Section) -> bool:
    """Whether the takes of two sections may have one guide."""
    a, b = one.guide, other.guide
    if type(a) is not Steps or type(b) is not Steps or one.loops or other.loops:
        return False
    if one.how != other.how or not (_is_simple(a) and _is_simple(b)):
        return False
    if (a._given is None) != (b._given is None):
        return False
    same = ("_encoding", "_begun", "_may_end", "_ends_from", "_longest_rest")
    if any(getattr(a, name) != getattr(b, name) for name in same):
        return False
    if _still_to_come(a) != _still_to_come(b) or a._only.keys() != b._only.keys():
        return False
    return all(np.array_equal(a._only[k], b._only[k]) for k in a._only)


def _is_simple(guide: Steps) -> bool:
    """Whether all that it does follows from what `_BY_TAKE` and its options say."""
    return (
        guide._pitches is None
        and guide.corridor is None
        and guide.closing is None
        and guide._left is None
    )


def _own(one: Part | Section) -> Steps:
    """The guide of takes that may be merged."""
    assert isinstance(one.guide, Steps)
    return one.guide


def _still_to_come(guide: Steps) -> int:
    """The step before which nothing starts; 0 once all takes have come to it."""
    return 0 if bool((guide._position >= guide._begin).all()) else guide._begin


def merge(one: Section, other: Section) -> None:
    """Put the takes of `other` after those of `one`."""
    a, b = _own(one), _own(other)
    guide = copy.copy(a)
    for name in _BY_TAKE:
        setattr(guide, name, np.concatenate([getattr(a, name), getattr(b, name)]))
    ends: Any = np.concatenate([_ends(a, one.takes), _ends(b, other.takes)])
    if a._given is not None and b._given is not None:
        guide._given = a._given.joined(b._given)
    guide._begin, guide._end = _still_to_come(a), ends
    guide._longest_still, guide._frame = max(a._longest_still, b._longest_still), None
    one.guide = guide
    one.lanes = np.concatenate([one.lanes, other.lanes])
    one.row = np.concatenate([one.row, other.row])
    one.chance = Luck.joined([one.chance, other.chance])
    one.parts += other.parts
    one.live, one.over = np.concatenate([one.live, other.live]), one.over + other.over
    one.waits = min(one.waits, other.waits)


def _ends(guide: Steps, takes: int) -> NDArray[np.int64]:
    """(B,): the step at which each take ends."""
    last = np.iinfo(np.int64).max if guide._end is None else guide._end
    return np.broadcast_to(np.asarray(last, np.int64), (takes,))


def remaining(section: Section) -> tuple[Section | None, Lanes]:
    """The section without its parts that are over, None if all are; and the lanes they leave."""
    stay: list[Part] = []
    index: list[int] = []
    at = 0
    for part in section.parts:
        if not part.is_over:
            stay.append(part)
            index += range(at, at + len(part.seeds))
        at += len(part.seeds)
    if not stay:
        return None, section.lanes
    kept = np.array(index, np.int64)
    return _only(section, stay, kept), np.delete(section.lanes, kept)


def _only(section: Section, parts: list[Part], index: NDArray[np.int64]) -> Section:
    """The section with some of its parts, whose takes are `index`."""
    if len(parts) == len(section.parts):
        return section
    guide = copy.copy(_own(section))  # no other kind is shared
    for name in _BY_TAKE:
        setattr(guide, name, getattr(guide, name)[index])
    if guide._given is not None:
        guide._given = guide._given.only(index)
    ends: Any = _ends(_own(section), section.takes)[index]
    guide._end, guide._frame = ends, None
    return replace(
        section, parts=parts, guide=guide, chance=section.chance.chosen(index),
        live=section.live[index], lanes=section.lanes[index], row=section.row[index], over=0,
    )  # fmt: skip
