"""How likely a bundle finds music: its nats, row by row.

Every row is told from the rows before it, as playing would tell it. Letters: T rows, C columns,
K heads (the columns, or one where a row is a frame of alike columns), B sequences side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.evaluation.calibration import Reliability
from segue.generation.engine import Engine, IntRows, State, make_engine
from segue.recipes.builder import require_torch
from segue.score import Score

Floats = NDArray[np.float64]
Done = Callable[[int], None]
"""Told how many rows have been scored since it was told last."""

SIDE_BY_SIDE = 64
"""Sequences an engine reads together: more than a step costs little beyond this."""


@dataclass(frozen=True)
class Likelihood:
    """Nats of each row of a piece but its first (or the first window of a windowed model).

    `positions` are the steps of the rows, shape (rows,), as `nats`.
    """

    nats: Floats
    positions: NDArray[np.int64]
    notes: int

    @property
    def a_row(self) -> float:
        """The mean, in nats a row."""
        return float(self.nats.mean())

    @property
    def a_note(self) -> float:
        """Nats a note, which other encodings can be compared by."""
        return float(self.nats.sum() / max(self.notes, 1))


def likelihood(bundle: Bundle, music: Score, *, engine: str = "auto") -> Likelihood:
    """What a bundle makes of a piece; SegueError for music it cannot hold or one that has no nats.

    Of models that make whole segments there is no likelihood row by row.
    """
    return likelihoods(bundle, [music], engine=engine)[0]


def likelihoods(
    bundle: Bundle, pieces: Sequence[Score], *, engine: str = "auto"
) -> list[Likelihood]:
    """As `likelihood`, of several pieces side by side."""
    if bundle.plays != "rows":
        raise SegueError(
            f"{bundle.name} makes whole segments and has no likelihood row by row: score with a "
            "bundle of another family."
        )
    each = [bundle.encoding.encode(music).rows.astype(np.int64) for music in pieces]
    skip = unscored(bundle)
    shortest = min(map(len, each))
    if shortest <= skip:
        raise SegueError(
            f"the music has {shortest} rows in the encoding {bundle.encoding.name}; "
            f"{bundle.name} needs {skip + 1}: give a longer piece."
        )
    # One piece is stepped before torch is imported.
    stepped = engine != "torch" and not plays_otherwise(bundle)
    scorer = StepScorer(make_engine(bundle, engine)) if stepped else make_scorer(bundle, engine)
    told = scorer.score(each, skip)
    at = [bundle.encoding.positions(rows.astype(np.uint16))[skip:] for rows in each]
    return [
        Likelihood(nats.sum(axis=1), positions, len(music))
        for nats, positions, music in zip(told.nats, at, pieces, strict=True)
    ]


def unscored(bundle: Bundle) -> int:
    """How many rows at the start of a piece are read and not scored."""
    return int(bundle.index.get("context") or 1)


def row_nats(engine: Engine, rows: IntRows) -> Floats:
    """Nats of each of (rows, columns) given those before it; of the first 0."""
    return np.append(0.0, StepScorer(engine).score([rows], 1).nats[0].sum(axis=1))


# -- many sequences at once ----------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What a model made of sequences: of each the nats of its rows by head, (T - skip, K).

    `reliability` is of each head over all sequences: of a column the likeliest symbol, of frames
    that a cell is not symbol 0.
    """

    nats: list[Floats]
    reliability: tuple[Reliability, ...]


class Scorer(Protocol):
    """Scores rows, however it is done underneath."""

    name: str
    heads: int
    """K."""

    def score(self, sequences: Sequence[IntRows], skip: int, done: Done | None = None) -> Told:
        """Score all rows, (T, C), of each sequence but the first `skip`, at least one."""


def make_scorer(bundle: Bundle, name: str = "auto", longest: int | None = None) -> Scorer:
    """What scores rows for a bundle: torch where it was asked for or is installed and reads whole
    sequences, which some only do up to a window, else its engine, step by step.

    `longest` is how many rows the longest sequence has.
    """
    from importlib.util import find_spec

    other = plays_otherwise(bundle)
    if other:
        require_torch(f"the likelihood of {bundle.name}, whose ONNX form plays by other odds")
    if other or name == "torch" or (name == "auto" and find_spec("torch") is not None):
        from segue.generation.torch_scoring import ScoringEngine, TorchScorer

        whole = TorchScorer.of_bundle(bundle, longest)
        if whole is not None:
            return whole
        if other:
            return StepScorer(ScoringEngine.of_bundle(bundle))
    return StepScorer(make_engine(bundle, name))


_OTHERWISE = {"note-time-pair": "nearest", "nes-cascade": "in_turn"}
"""Models that play by other odds than they are scored by, as their seeds do, and the option."""


def plays_otherwise(bundle: Bundle) -> bool:
    """Whether the logits that play are not those of the likelihood: a regression told by the
    symbol nearest to it is scored as a density round it."""
    option = _OTHERWISE.get(bundle.recipe.model.name)
    return option is not None and bool(bundle.recipe.model.options.get(option, True))


class StepScorer:
    """Scores with an engine: all sequences step together, the longest goes on alone."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name
        self.heads = 1 if engine.frames else len(engine.sizes)

    def score(self, sequences: Sequence[IntRows], skip: int, done: Done | None = None) -> Told:
        """Sequences of like length side by side; the nats do not depend on which."""
        order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
        nats = [np.zeros((max(len(rows) - skip, 0), self.heads)) for rows in sequences]
        tally = Tally(self.heads)
        for at in range(0, len(order), SIDE_BY_SIDE):
            chosen = order[at : at + SIDE_BY_SIDE]
            self._together([sequences[i] for i in chosen], skip, [nats[i] for i in chosen], tally)
            if done:
                done(sum(len(nats[i]) for i in chosen))
        return Told(nats, tally.reliability())

    def _together(
        self, sequences: list[IntRows], skip: int, nats: list[Floats], tally: Tally
    ) -> None:
        """Sequences from the longest to the shortest; each leaves when it has ended."""
        lengths = np.array([len(rows) for rows in sequences])
        padded = np.zeros((len(sequences), int(lengths[0]), len(self.engine.sizes)), np.int64)
        for row, rows in zip(padded, sequences, strict=True):
            row[: len(rows)] = rows
        engine, state = self.engine, self.engine.start(len(sequences))
        for t in range(1, int(lengths[0])):
            going = int((lengths > t).sum())
            if going < state.batch:
                state = first_of(state, going)
            before = t - engine.window if engine.window else None
            if before is None:
                state = engine.step(np.ascontiguousarray(padded[:going, t - 1]), state)
            elif t >= skip:
                # A window is its whole state: it is filled once, when its row is wanted.
                held = padded[:going, max(before - 1, 0) : t - 1]
                lacking = engine.window - held.shape[1]
                held = np.pad(held, ((0, 0), (lacking, 0), (0, 0)))
                state = engine.holding(np.ascontiguousarray(held))
                state = engine.step(np.ascontiguousarray(padded[:going, t - 1]), state)
            if t >= skip:
                found = self._row(state, np.ascontiguousarray(padded[:going, t]), tally)
                for each, own in zip(found, nats, strict=False):
                    own[t - skip] = each

    def _row(self, state: State, row: IntRows, tally: Tally) -> Floats:
        """(B, K) nats of one row of each sequence."""
        if self.engine.independent:
            logs = log_softmax(self.engine.frame(state, row))
            return tally.cells(logs, row)
        ask = self.engine.columns(state)
        if self.engine.frames:
            logs = np.stack([log_softmax(ask(k, row)) for k in range(row.shape[1])], axis=1)
            return tally.cells(logs, row)
        columns = [
            tally.column(k, log_softmax(ask(k, row)), row[:, k]) for k in range(row.shape[1])
        ]
        return np.stack(columns, axis=1)


def first_of(state: State, count: int) -> State:
    """The state of the first `count` sequences."""
    features = None if state.features is None else state.features[:count]
    return State(count, features, tuple(t[:count] for t in state.tensors), state.rows)


class Tally:
    """Adds up predictions by confidence while rows are scored."""

    def __init__(self, heads: int) -> None:
        self._sure: list[list[NDArray[Any]]] = [[] for _ in range(heads)]
        self._right: list[list[NDArray[np.bool_]]] = [[] for _ in range(heads)]
        self._summed = [Reliability.none() for _ in range(heads)]
        self._waiting = 0

    def column(self, head: int, logs: Floats, came: NDArray[np.int64]) -> Floats:
        """(N,) nats: (N, V) natural logs of probabilities, (N,) symbols that came."""
        self._add(head, np.exp(logs.max(axis=-1)), logs.argmax(axis=-1) == came)
        return -np.asarray(logs[np.arange(len(came)), came])

    def cells(self, logs: Floats, came: IntRows) -> Floats:
        """(N, 1) nats of frames: (N, C, V) natural logs of probabilities, (N, C) symbols."""
        self._add(0, 1 - np.exp(logs[..., 0]), came > 0)
        chosen = np.take_along_axis(logs, came[..., None], axis=-1)
        return -np.asarray(chosen[..., 0].sum(axis=-1, keepdims=True))

    def _add(self, head: int, sure: NDArray[Any], right: NDArray[np.bool_]) -> None:
        self._sure[head].append(sure.ravel())
        self._right[head].append(right.ravel())
        self._waiting += sure.size
        if self._waiting > 1 << 18:
            self.reliability()

    def reliability(self) -> tuple[Reliability, ...]:
        """Of each head, of all that was added."""
        for head, (sure, right) in enumerate(zip(self._sure, self._right, strict=True)):
            if sure:
                new = Reliability.of(np.concatenate(sure), np.concatenate(right))
                self._summed[head] = self._summed[head] + new
                sure.clear()
                right.clear()
        self._waiting = 0
        return tuple(self._summed)


def log_softmax(logits: Iterable[Any] | NDArray[Any]) -> Floats:
    """Natural logs of probabilities, (..., V), in float64."""
    wide = np.asarray(logits, np.float64)
    shifted = wide - wide.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
