"""Takes of many requests in one batch, which each joins and leaves between two rows.

A step of a small net costs little more for sixteen takes than for one, so that requests for one
bundle are best played together. An `Ensemble` has a thread that plays all takes there are; those
who ask (from threads of their own) hand it a state that has read their prompt, a guide and seeds,
and get their rows. A take has a random generator and a guide of its own, and the engine is never
asked about one take alone (matrix times vector is summed in another order than matrix times
matrix), so that its music does not depend on who plays beside it, to the last bit: see
`tests/generation/test_batching.py`.

The batch has lanes. A take that joins is put into a free one, and leaves it free when it is over:
what the net remembers of the others, megabytes of a Transformer, stays where it lies.

Known from serving language models as continuous batching (Yu et al., "Orca", OSDI 2022).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.generation.batch_parts import Part, Reading
from segue.generation.batch_sections import Lanes, Section, alike, merge, remaining
from segue.generation.engine import Engine, IntRows, State, make_engine
from segue.generation.guides import Guide
from segue.generation.player import MOST_TRIES, Player, only_one
from segue.generation.sampling import Sampling

Told = Callable[[int, Callable[[], list[IntRows]]], None]
"""What hears, time and again, how many rows of a request were played, and may ask for them."""

MOST_TAKES = 64
FEWEST = 2
"""Lanes that a batch has at least: the engine is never asked about one take alone."""
MORE = 4
"""By how many lanes a batch grows."""
PATIENCE = 30.0
"""Seconds that the thread of a batch waits for takes before it ends."""
LONG = 8
"""From how many rows on a prompt is read in the batch: to wait for the next row takes time too."""


class Ensemble:
    """Plays all takes there are of one bundle, on one engine, in a thread of its own."""

    def __init__(self, engine: Engine, most: int = MOST_TAKES) -> None:
        self.engine = engine
        self._most = most
        self._waiting: deque[Part | Reading] = deque()
        self._sections: list[Section] = []
        self._readings: list[Reading] = []
        self._state: State | None = None
        self._free: list[int] = []
        """Lanes without a take, which are played on unheard."""
        self._read: Lanes | None = None
        """(lanes,) how many rows each lane has read, of an engine that counts them."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.takes = 0
        """How many takes are being played, prompts that are read among them."""

    def join(self, part: Part | Reading) -> None:
        """Let a part play along from the next row on, or a prompt be read."""
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
                if not self._admit():
                    return
                self._one_row()
            except Exception as error:  # noqa: BLE001 - told to all who wait, who raise it
                for section in self._sections:
                    for part in section.parts:
                        part.end(error)
                for reading in self._readings:
                    reading.end(error)
                self._sections, self._readings, self._state = [], [], None
                self.takes = 0

    def _admit(self) -> bool:
        """Let those go that are over, and take in those who wait, as there is room.

        With nobody there, it waits; False if nobody comes for long. The next one who joins begins
        the thread anew: a bundle that none asks for any more can be let go with its engines.
        """
        if any(s.over for s in self._sections) or any(r.is_over for r in self._readings):
            self._leave()
        with self._changed:
            while not self.takes and not self._waiting:
                if not self._changed.wait(PATIENCE):
                    self._thread = None
                    return False
            came: list[Part | Reading] = []
            takes = self.takes
            while self._waiting and (not takes or takes + self._waiting[0].takes <= self._most):
                part = self._waiting.popleft()
                if not part.is_gone:
                    came.append(part)
                    takes += part.takes
        try:
            self._seat(came)
        except Exception as error:
            for part in came:
                part.end(error)
            raise
        return True

    def _leave(self) -> None:
        """Let those go that are over; few takes that are left move together."""
        stay: list[Section] = []
        freed: list[int] = []
        for section in self._sections:
            if section.over:
                section.hand_out()
            left, lanes = remaining(section) if section.over else (section, ())
            freed += [int(lane) for lane in lanes]
            if left is not None:
                stay.append(left)
        freed += [int(reading.lanes[0]) for reading in self._readings if reading.is_over]
        self._sections = stay
        self._readings = [reading for reading in self._readings if not reading.is_over]
        self.takes = sum(tenant.takes for tenant in self._tenants)
        self._free = sorted([*self._free, *freed])
        lanes_wanted = _lanes_for(self.takes)
        if 2 * lanes_wanted <= self._lanes and not self._waiting:
            self._lay_out(lanes_wanted)
        elif freed and self._state is not None and self._state.buffers is not None:
            # Such a lane remembers nothing, which is quicker to look back on.
            self._put(np.array(freed), self.engine.start(1), 0)

    @property
    def _tenants(self) -> list[Section | Reading]:
        """All who have lanes."""
        return [*self._sections, *self._readings]

    def _seat(self, came: Sequence[Part | Reading]) -> None:
        """Put takes that came into lanes, and draw them with those that are alike."""
        takes = self.takes + sum(part.takes for part in came)
        if takes > self._lanes:
            self._lay_out(_lanes_for(takes), came[0].state)
        for part in came:
            lanes = np.array(self._free[: part.takes], np.int64)
            del self._free[: len(lanes)]
            self._put(lanes, part.state, part.state.rows)
            if isinstance(part, Reading):
                part.lanes = lanes
                self._readings.append(part)
                continue
            new = Section.of(part, self.engine, lanes)
            for section in self._sections:
                if alike(section, new):
                    section.hand_out()
                    merge(section, new)
                    break
            else:
                self._sections.append(new)
        self.takes = takes

    @property
    def _lanes(self) -> int:
        return 0 if self._state is None else self._state.batch

    def _lay_out(self, lanes: int, like: State | None = None) -> None:
        """Give the batch so many lanes; its takes are in the first ones, in their order."""
        there = [int(lane) for tenant in self._tenants for lane in tenant.lanes]
        self._free = list(range(len(there), lanes))
        if not lanes or (self._state or like) is None:
            self._state = self._read = None
            return
        at = 0
        for tenant in self._tenants:
            tenant.lanes = np.arange(at, at + tenant.takes)
            at += tenant.takes
        # Free lanes hold what the first one does until they are put to use.
        of = np.array([*there, *[there[0] if there else 0] * (lanes - len(there))], np.int64)
        known = self._read
        old = self._state if there else like
        assert old is not None
        if not there:
            known = None if old.rows is None else np.full(old.batch, old.rows)
        self._read = None if known is None else known[of]
        features = None if old.features is None else old.features[of]
        plain = State(lanes, features, tuple(t[of] for t in old.tensors), self._most_read)
        self._state = self.engine.playing(plain, 1)

    @property
    def _most_read(self) -> int | None:
        return None if self._read is None else int(self._read.max())

    def _put(self, lanes: Lanes, state: State, read: int | None) -> None:
        """Let lanes hold the takes of `state`, each as many times side by side as it takes."""
        assert self._state is not None
        if self._read is not None and read is not None:
            self._read[lanes] = read
        now, rows = self._state, self._most_read
        of = np.arange(len(lanes)) // (len(lanes) // state.batch)
        if now.buffers is not None:
            now.buffers.put(lanes, state, of, rows)
            changed = [now.buffers.features, *now.buffers.tensors]
        else:
            changed = [_with(mine, lanes, came[of]) for mine, came in _pairs(now, state)]
        self._state = State(now.batch, changed[0], tuple(changed[1:]), rows, now.buffers)

    def _one_row(self) -> None:
        state = self._state
        if state is None:
            return
        row = np.zeros((state.batch, len(self.engine.sizes)), np.int64)
        if not self.engine.independent:
            self._draw(state, row)
        elif self._sections:
            logits = self.engine.frame(state, row)
            for section in self._sections:
                section.frame(logits)
        for section in self._sections:
            row[section.lanes] = section.accept()
        for reading in self._readings:
            row[reading.lanes] = reading.rows[reading.done]
        if not self._readings and all(s.over == s.takes for s in self._sections):
            return
        if self._free:
            row[self._free] = row[self._tenants[0].lanes[0]]
        self._state = self.engine.step(row, state)
        if self._read is not None:
            self._read += 1
        for reading in self._readings:
            reading.done += 1
            if reading.done == len(reading.rows):
                reading.state = self._state.buffers.taken(int(reading.lanes[0]), reading.done)
                reading.end(None)

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
                    allowed = section.allowed(column)
                    sure = None if self.engine.frames else only_one(allowed)
                    if sure is not None:
                        section.put(column, sure)
                    else:
                        if logits is None:
                            logits = ask(column, row)
                        section.draw(column, logits, allowed)
                for section in drawing:
                    row[section.lanes, column] = section.row[:, column]
            for section in drawing:
                section.end_try()


@dataclass(frozen=True)
class EnsemblePlayer(Player):
    """A player whose takes are played along with those of others; see `Player`.

    What leans on the engine (a density) or has to keep step with the guide is played alone.
    """

    ensemble: Ensemble | None = None
    told: Told | None = None

    def read(self, prompt: IntRows) -> State:
        """As `Player.read`; a long prompt is read in the batch."""
        ensemble = self.ensemble
        if ensemble is None or self.engine.window or len(prompt) < LONG:
            return super().read(prompt)
        reading = Reading(prompt.astype(np.int64), self.engine.start(1))
        ensemble.join(reading)
        return reading.read()

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


def _lanes_for(takes: int) -> int:
    """How many lanes a batch of so many takes has."""
    return -(-takes // MORE) * MORE if takes > FEWEST else FEWEST * (takes > 0)


def _pairs(now: State, other: State) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The arrays of a batch, each beside its like of takes that come."""
    return list(zip((now.features, *now.tensors), (other.features, *other.tensors), strict=True))


def _with(array: NDArray[Any], lanes: Lanes, came: NDArray[Any]) -> NDArray[Any]:
    """The array with what came in some of its lanes."""
    changed = array.copy()
    changed[lanes] = came
    return changed
