"""Takes of many requests in one batch, which each joins and leaves between two rows.

A step of a small net costs little more for sixteen takes than for one, so that requests for one
bundle are best played together. An `Ensemble` has a thread that plays all takes there are; those
who ask (from threads of their own) hand it a state that has read their prompt, a guide and seeds,
and get their rows. A take has a random generator and a guide of its own, and the engine is never
asked about one take alone (matrix times vector is summed in another order than matrix times
matrix), so that its music does not depend on who plays beside it, to the last bit: see
`tests/generation/test_batching.py`.

Known from serving language models as continuous batching (Yu et al., "Orca", OSDI 2022).
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.generation.engine import Engine, IntRows, State, make_engine
from segue.generation.guides import Guide, Steps
from segue.generation.loops import Loops
from segue.generation.player import FETCHED, MAX_ROWS, MOST_TRIES, Player, only_one
from segue.generation.sampling import Sampling, pick

Bools = NDArray[np.bool_]
Told = Callable[[int, Callable[[], list[IntRows]]], None]
"""What hears, time and again, how many rows of a request were played, and may ask for them."""

MOST_TAKES = 64
FEWEST = 2
"""Takes that the engine is asked about at least: one more is made up where there is but one."""
EAGER, STEADY = (2, 4, 6, 8, 12, 16, 24), 32
"""At which rows those who listen are told first, and then at every so many more."""


@dataclass
class Part:
    """The takes of one request: what plays them, and what has been played of them by now."""

    state: State
    guide: Guide
    seeds: Sequence[int]
    player: Player
    loops: Loops | None
    blocks: list[tuple[IntRows, Bools]] = field(default_factory=list)
    """(T, B, C) rows, one block after the other, and which of them count, (T, B)."""
    count: int = 0
    tellable: int = 0
    """Rows that those who wait have been told of."""
    is_over: bool = False
    is_gone: bool = False
    error: BaseException | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, rows: IntRows, kept: Bools) -> None:
        """(T, B, C) rows more, of which those count that are kept, (T, B)."""
        self.blocks.append((rows, kept))
        self.count += len(rows)

    def rows(self) -> list[IntRows]:
        """(N, C) the rows of each take by now."""
        blocks = self.blocks[:]
        if not blocks:
            return [np.zeros((0, len(self.player.engine.sizes)), np.int64) for _ in self.seeds]
        rows = np.concatenate([block for block, _ in blocks])
        kept = np.concatenate([those for _, those in blocks])
        return [rows[kept[:, i], i] for i in range(len(self.seeds))]

    @property
    def waits(self) -> int:
        """After how many rows more those who wait are told of them."""
        following = next(
            (n for n in EAGER if n > self.count), self.count // STEADY * STEADY + STEADY
        )
        return min(following, MAX_ROWS) - self.count

    def tell(self) -> None:
        """Let those who wait know what rows there are."""
        self.tellable = self.count
        self._tell()

    def end(self, error: BaseException | None) -> None:
        """Let those who wait know that no more will come."""
        self.error, self.is_over = error, True
        self._tell()

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def heard(self) -> Iterator[int]:
        """How many rows there are, each time that there are more, until the end."""
        told = 0
        try:
            while True:
                with self.changed:
                    if not self.is_over and self.tellable <= told:
                        self.changed.wait(0.25)
                    over = self.is_over
                    told = self.count if over else self.tellable
                yield told
                if over:
                    if self.error is not None:
                        raise self.error
                    return
        finally:
            self.is_gone = True


@dataclass
class Luck:
    """Random numbers of takes that come and go: those of `player.Chance`, take by take."""

    generators: list[np.random.Generator]
    numbers: NDArray[np.float64]
    used: IntRows

    @classmethod
    def of(cls, seeds: Sequence[int]) -> Luck:
        """Of takes that begin."""
        generators = [np.random.default_rng(seed) for seed in seeds]
        return cls(generators, np.zeros((len(seeds), 0)), np.zeros(len(seeds), np.int64))

    @classmethod
    def joined(cls, many: Sequence[Luck]) -> Luck:
        """Of all takes of several, each going on where it was."""
        made = cls(
            [g for each in many for g in each.generators], np.zeros((0, 0)), np.zeros(0, np.int64)
        )
        left = [n[u:] for each in many for n, u in zip(each.numbers, each.used, strict=True)]
        made._fill(left, max(map(len, left), default=0))
        return made

    def chosen(self, index: IntRows) -> Luck:
        """Of some of its takes."""
        return Luck([self.generators[i] for i in index], self.numbers[index], self.used[index])

    def next(self, count: int, wanted: Bools | None = None) -> NDArray[np.float64]:
        """(B, count) numbers in [0, 1); of takes that are not `wanted` none is used up."""
        if self.numbers.shape[1] < self.used.max() + count:
            left = [n[u:] for n, u in zip(self.numbers, self.used, strict=True)]
            self._fill(left, max(map(len, left)) + max(count, FETCHED))
        places = self.used[:, None] + np.arange(count)
        numbers: NDArray[np.float64] = self.numbers[np.arange(len(places))[:, None], places]
        self.used = self.used + (count if wanted is None else count * wanted)
        return numbers

    def _fill(self, left: Sequence[NDArray[np.float64]], width: int) -> None:
        """Keep what is left of each take, and fetch more up to `width`."""
        self.numbers = np.empty((len(left), width))
        for i, (numbers, generator) in enumerate(zip(left, self.generators, strict=True)):
            self.numbers[i, : len(numbers)] = numbers
            self.numbers[i, len(numbers) :] = generator.random(width - len(numbers))
        self.used = np.zeros(len(left), np.int64)


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
    begin: int = 0
    """Where its takes are in the batch."""
    live: Bools = field(default_factory=lambda: np.ones(0, bool))
    over: int = 0
    """How many of its takes are of parts that are over."""
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

    @property
    def inside(self) -> slice:
        """Its part of the batch."""
        return slice(self.begin, self.begin + len(self.live))

    def begin_row(self) -> None:
        """Get ready to draw a row."""
        self.banned = None
        self.pending = np.ones(self.takes, bool)

    def begin_try(self, columns: int) -> None:
        """Get ready to draw the row, or what is drawn of it again."""
        self.guide.stuck[:] = False
        # Of a take that is not drawn again no random number is used up.
        self.uniform = self.chance.next(columns, None if self.banned is None else self.pending)

    def allowed(self, column: int, row: IntRows) -> Bools:
        """(B, V): the symbols that one column of its rows may hold."""
        allowed = self.guide.allowed(column, row)
        if not column and self.banned is not None:
            rest = allowed & ~self.banned
            some = rest.any(axis=1)
            allowed[some] = rest[some]
        return allowed

    def draw(self, column: int, logits: NDArray[np.float32], allowed: Bools, row: IntRows) -> None:
        """Draw one column of its rows, in place."""
        if self.loops is not None:
            damped = self.loops.penalties(column, row, logits.shape[1])
            if damped is not None:
                logits = (logits - damped).astype(np.float32)
        self.put(column, pick(logits, allowed, self.how[column], self.uniform[:, column]), row)

    def put(self, column: int, symbols: IntRows, row: IntRows) -> None:
        """What one column of its rows is to hold, but for rows that are not drawn again."""
        if self.banned is not None:
            symbols = np.where(self.pending, symbols, row[:, column])
        row[:, column] = symbols

    def end_try(self, row: IntRows) -> None:
        """Find out what has to be drawn again."""
        if row.shape[1] == 1:
            self.pending[:] = False
            return
        self.pending &= self.guide.stuck
        if not self.pending.any():
            return
        if self.banned is None:
            self.banned = np.zeros((self.takes, self.symbols), bool)
        self.banned[self.pending, row[self.pending, 0]] = True

    def frame(self, logits: NDArray[np.float32], row: IntRows) -> None:
        """Draw all columns of its rows, in place, of a model whose columns are independent."""
        batch, columns = row.shape
        uniform = self.chance.next(columns)
        allowed = np.stack([self.guide.allowed(c, row) for c in range(columns)], axis=1)
        drawn = pick(
            logits.reshape(batch * columns, -1), allowed.reshape(batch * columns, -1),
            self.parts[0].player.sampling, uniform.ravel(),
        )  # fmt: skip
        row[:] = drawn.reshape(batch, columns)

    def accept(self, row: IntRows) -> IntRows:
        """Move on by one row; the row as it is played."""
        row = self.guide.settle(row)
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


class Ensemble:
    """Plays all takes there are of one bundle, on one engine, in a thread of its own."""

    def __init__(self, engine: Engine, most: int = MOST_TAKES) -> None:
        self.engine = engine
        self._most = most
        self._waiting: deque[Part] = deque()
        self._sections: list[Section] = []
        self._state: State | None = None
        self._read: dict[int, int | None] = {}
        """How many rows each part had read by the first row that was played here."""
        self._played = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_loose = False
        """Whether the state is in arrays of its own, which a step does not write to."""
        self.takes = 0
        """How many takes are being played."""

    def join(self, part: Part) -> None:
        """Let a part play along from the next row on."""
        with self._changed:
            self._waiting.append(part)
            if self._thread is None:
                self._thread = threading.Thread(target=self._play, name="ensemble", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    # -- the thread --------------------------------------------------------------------------

    def _play(self) -> None:
        while True:
            try:
                self._admit()
                self._one_row()
            except Exception as error:  # noqa: BLE001 - told to all who wait, who raise it
                for section in self._sections:
                    for part in section.parts:
                        part.end(error)
                self._sections, self._state, self._read = [], None, {}
                self.takes = 0

    def _admit(self) -> None:
        """Let those go that are over, and take in those who wait, as there is room.

        The batch is laid out anew for this, which costs as much as a few rows: takes that are over
        are played on, unheard, while they are few and nobody waits. With nobody there, it waits.
        """
        with self._changed:
            over = sum(section.over for section in self._sections)
            if self._waiting or over * 4 >= self.takes:
                self._leave()
            while not self._sections and not self._waiting:
                self.takes = 0
                self._changed.wait()
            came = []
            takes = sum(section.takes for section in self._sections)
            while self._waiting and (
                not takes or takes + len(self._waiting[0].seeds) <= self._most
            ):
                part = self._waiting.popleft()
                if not part.is_gone:
                    came.append(part)
                    takes += len(part.seeds)
        for section in self._sections if came else ():
            section.hand_out()
        for part in came:
            self._sections.append(_section(part, self.engine))
            read = part.state.rows
            self._read[id(part)] = None if read is None else read - self._played
        if came:
            states = [] if self._state is None else [self._plain()]
            states += [self.engine.fork(p.state, len(p.seeds) // p.state.batch) for p in came]
            self._arrange(joined(states))
        elif self._is_loose and self._state is not None:
            self._settle(self._plain())

    def _plain(self) -> State:
        """The state without the take that is made up, in arrays that nobody writes to."""
        assert self._state is not None
        state = self.engine.fork(self._state, 1)
        takes = self.takes
        return state if state.batch == takes else chosen(state, np.arange(takes))

    def _arrange(self, state: State) -> None:
        """Put the takes of sections that may be one side by side, and the state to match."""
        order, at = [], 0
        places: list[list[int]] = []
        for section in self._sections:
            places.append(list(range(at, at + section.takes)))
            at += section.takes
        groups: list[Section] = []
        where: list[list[int]] = []
        for section, mine in zip(self._sections, places, strict=True):
            for number, group in enumerate(groups):
                if _alike(group, section):
                    _merge(group, section)
                    where[number] += mine
                    break
            else:
                groups.append(section)
                where.append(mine)
        begin = 0
        for group, there in zip(groups, where, strict=True):
            group.begin = begin
            begin += len(there)
            order += there
        self._sections = groups
        self._settle(chosen(state, np.array(order)) if order != list(range(at)) else state)

    def _settle(self, state: State) -> None:
        """Play on from a plain state."""
        self.takes, self._is_loose = state.batch, False
        if state.batch < FEWEST:
            state = self.engine.fork(state, FEWEST)
        read = [self._read[id(part)] for s in self._sections for part in s.parts]
        known = [r + self._played for r in read if r is not None]
        rows = max(known) if len(known) == len(read) and known else None
        plain = State(state.batch, state.features, state.tensors, rows)
        self._state = self.engine.playing(plain, 1)

    def _one_row(self) -> None:
        state = self._state
        if state is None:
            return
        row = np.zeros((state.batch, len(self.engine.sizes)), np.int64)
        if self.engine.independent:
            logits = self.engine.frame(state, row)
            for section in self._sections:
                section.frame(logits[section.inside], row[section.inside])
        else:
            self._draw(state, row)
        for section in self._sections:
            row[section.inside] = section.accept(row[section.inside])
        if state.batch > self.takes:
            row[self.takes :] = row[0]
        if all(section.over == section.takes for section in self._sections):
            return
        self._state = self.engine.step(row, state)
        self._played += 1

    def _draw(self, state: State, row: IntRows) -> None:
        """Draw the columns of all rows, in place, one after the other."""
        columns = row.shape[1]
        for section in self._sections:
            section.begin_row()
        for _ in range(MOST_TRIES):
            drawing = [section for section in self._sections if section.pending.any()]
            if not drawing:
                return
            ask = self.engine.columns(state)
            for section in drawing:
                section.begin_try(columns)
            for column in range(columns):
                logits: NDArray[np.float32] | None = None
                for section in drawing:
                    mine = row[section.inside]
                    allowed = section.allowed(column, mine)
                    sure = None if self.engine.frames else only_one(allowed)
                    if sure is not None:
                        section.put(column, sure, mine)
                        continue
                    if logits is None:
                        logits = ask(column, row)
                    section.draw(column, logits[section.inside], allowed, mine)
            for section in drawing:
                section.end_try(row[section.inside])

    def _leave(self) -> None:
        """Let those go that are over."""
        kept: list[int] = []
        sections = []
        begin = 0
        for section in self._sections:
            section.hand_out()
            stay: list[Part] = []
            mine: list[int] = []
            at = 0
            for part in section.parts:
                if part.is_over:
                    del self._read[id(part)]
                else:
                    stay.append(part)
                    mine += range(at, at + len(part.seeds))
                at += len(part.seeds)
            if stay:
                kept += [section.begin + i for i in mine]
                sections.append(_kept(section, stay, np.array(mine, np.int64)))
                sections[-1].begin = begin
                begin += len(mine)
        if len(kept) == self.takes:
            return
        self._sections = sections
        self._state = chosen(self._plain(), np.array(kept)) if kept else None
        self.takes, self._is_loose = len(kept), True


@dataclass(frozen=True)
class EnsemblePlayer(Player):
    """A player whose takes are played along with those of others; see `Player`.

    What leans on the engine (a density) or has to keep step with the guide is played alone.
    """

    ensemble: Ensemble | None = None
    told: Told | None = None

    def play(
        self,
        state: State,
        guide: Guide,
        seeds: Sequence[int],
        on_row: Callable[[int], None] | None = None,
    ) -> list[IntRows]:
        """As `Player.play`."""
        ensemble = self.ensemble
        if ensemble is None or self.engine is not ensemble.engine or state.features is None:
            return super().play(state, guide, seeds, on_row)
        part = Part(state, guide, seeds, self, self._loops(len(seeds)))
        ensemble.join(part)
        for count in part.heard():
            if on_row is not None:
                on_row(count)
            if self.told is not None:
                self.told(count, part.rows)
        return part.rows()


class Ensembles:
    """The ensembles of one bundle, one an engine; engines stay open from request to request."""

    def __init__(self, most: int = MOST_TAKES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._made: dict[str, Ensemble] = {}
        self._heard = threading.local()

    def of(self, bundle: Bundle, name: str) -> Ensemble:
        """The ensemble that plays a bundle on an engine."""
        with self._lock:
            if name not in self._made:
                self._made[name] = Ensemble(make_engine(bundle, name), self._most)
            return self._made[name]

    @property
    def takes(self) -> int:
        """How many takes are being played."""
        with self._lock:
            return sum(ensemble.takes for ensemble in self._made.values())

    def telling(self, told: Told | None) -> None:
        """Let what this thread plays from now on be told to `told`."""
        self._heard.told = told

    def player(self, bundle: Bundle, name: str, sampling: Sampling) -> Player:
        """What plays a bundle along with others; torch, whose states are not arrays, alone."""
        ensemble = self.of(bundle, name)
        if ensemble.engine.name == "torch":
            return Player(ensemble.engine, sampling, bundle.encoding)
        told = getattr(self._heard, "told", None)
        return EnsemblePlayer(ensemble.engine, sampling, bundle.encoding, ensemble, told)


@dataclass(frozen=True)
class SharedBundle(Bundle):
    """A bundle that is played by many at once: `make_player` asks its ensembles."""

    ensembles: Ensembles = field(default_factory=Ensembles, compare=False)


# -- takes that join and leave -----------------------------------------------------------------


def joined(states: Sequence[State]) -> State:
    """One state of the takes of many, in their order."""
    if len(states) == 1:
        return states[0]
    features = np.concatenate([s.features for s in states])
    each = zip(*(s.tensors for s in states), strict=True)
    return State(len(features), features, tuple(np.concatenate(_as_long(same)) for same in each))


def _as_long(tensors: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Caches with as many slots as the longest of them: what is added holds no row yet."""
    most = np.max([t.shape[1:] for t in tensors], axis=0)
    lacking = [np.array(most) - t.shape[1:] for t in tensors]
    return [
        np.pad(t, [(0, 0), *((0, n) for n in lack.tolist())]) if lack.any() else t
        for t, lack in zip(tensors, lacking, strict=True)
    ]


def chosen(state: State, index: NDArray[np.int64]) -> State:
    """The state of some of its takes."""
    return State(
        len(index), state.features[index], tuple(t[index] for t in state.tensors), state.rows
    )


def _section(part: Part, engine: Engine) -> Section:
    return Section(
        [part], part.guide, Luck.of(part.seeds), part.player._how, part.loops, engine.independent,
        engine.sizes[0], live=np.ones(len(part.seeds), bool), waits=part.waits,
    )  # fmt: skip


_BY_TAKE = ("own_end", "_over", "stuck", "_position", "_still", "_sounded", "_last", "_state")
"""What `Steps` knows of each take; all else is the same for all of a section."""


def _alike(one: Section, other: Section) -> bool:
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


def _merge(one: Section, other: Section) -> None:
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
    one.chance = Luck.joined([one.chance, other.chance])
    one.parts += other.parts
    one.live, one.over = np.concatenate([one.live, other.live]), one.over + other.over
    one.waits = min(one.waits, other.waits)


def _ends(guide: Steps, takes: int) -> NDArray[np.int64]:
    """(B,): the step at which each take ends."""
    last = np.iinfo(np.int64).max if guide._end is None else guide._end
    return np.broadcast_to(np.asarray(last, np.int64), (takes,))


def _kept(section: Section, parts: list[Part], index: NDArray[np.int64]) -> Section:
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
    chance = section.chance.chosen(index)
    return replace(
        section, parts=parts, guide=guide, chance=chance, live=section.live[index], over=0
    )
