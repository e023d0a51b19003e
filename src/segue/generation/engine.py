"""What plays a model row by row, whatever runs it underneath.

`start` gives the state before any row, `step` takes one row into it, `columns` asks about the next
row from its first column to its last, and `fork` copies a state so that many takes share one
reading of the prompt.
States are never changed in place, so that an old one can be stepped again, but for those that
`playing` gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError, nearest
from segue.recipes.builder import require_torch

IntRows = NDArray[np.int64]
Floats = NDArray[np.float32]
Ask = Callable[[int, IntRows], Floats]
"""A column's number and the row so far to (B, V) logits of that column."""


@dataclass(frozen=True)
class State:
    """What the model remembers: features of the last row (None before one) and its tensors."""

    batch: int
    features: Any
    tensors: tuple[Any, ...]
    rows: int | None = None
    """How many rows it has read, where that is known."""
    buffers: Any = None
    """Where `playing` keeps it; None elsewhere."""


class Engine(Protocol):
    """Plays one bundle. B takes advance together; rows are (B, columns) int64."""

    name: str
    sizes: tuple[int, ...]
    frames: bool
    """Whether it plays a model of frames, whose columns are all alike."""
    independent: bool
    """Whether the columns of a frame do not depend on each other."""
    window: int
    """How many rows it reads anew at each step, which are its state; 0 if it carries one on."""

    def start(self, batch: int) -> State:
        """The state of `batch` takes before any row."""

    def holding(self, rows: IntRows) -> State:
        """The state whose window is `rows`, (B, window, columns), of an engine that has one."""

    def step(self, rows: IntRows, state: State) -> State:
        """The state after one more row a take."""

    def logits(self, state: State, column: int, row: IntRows) -> Floats:
        """(B, V) logits of `column` of the next row, whose columns before it are in `row`."""

    def columns(self, state: State) -> Ask:
        """What tells the logits of the next row's columns, asked from the first to the last."""

    def frame(self, state: State, row: IntRows) -> Floats:
        """(B, C, V) logits of all columns of the next row, of a model of frames."""

    def fork(self, state: State, copies: int) -> State:
        """Each take of `state` repeated `copies` times, side by side."""

    def playing(self, state: State, copies: int) -> State:
        """As `fork`, but for playing on and on: a step from it takes its place, and what `columns`
        told of it no longer holds."""


def read(engine: Engine, rows: IntRows) -> State:
    """The state of B takes after `rows`, (B, T, columns).

    An engine that reads its window anew at each step needs but one: the other rows only fill it.
    """
    batch, length = rows.shape[:2]
    if not length or not engine.window:
        state = engine.playing(engine.start(batch), 1)
        for t in range(length):
            state = engine.step(np.ascontiguousarray(rows[:, t]), state)
        return engine.fork(state, 1)
    before = rows[:, :-1][:, -engine.window :]
    lacking = engine.window - before.shape[1]
    before = np.pad(before, ((0, 0), (lacking, 0), (0, 0)))
    return engine.step(np.ascontiguousarray(rows[:, -1]), engine.holding(before))


ENGINES = ("auto", "onnx", "int8", "int4", "torch")


def make_engine(bundle: Bundle, name: str = "auto") -> Engine:
    """The engine for a bundle: ONNX Runtime unless torch is asked for or there is no graph.

    Graphs that are in int8 already are played as they are, and the engine is called so.
    """
    if name not in ENGINES:
        raise SegueError(f"there is no engine {name!r}; {nearest(name, ENGINES)}.")
    if name != "torch" and bundle.graphs:
        from segue.generation.onnx_engine import OnnxEngine

        if name == "int8" and bundle.precision != "int8":
            from segue.generation.int8 import rounded

            return OnnxEngine(bundle, name="int8", opened=rounded(bundle))
        if name == "int4":
            from segue.generation.int4 import halved

            return OnnxEngine(bundle, name="int4", opened=halved(bundle))
        return OnnxEngine(bundle, name="int8" if bundle.precision == "int8" else "onnx")
    allow_torch(bundle, name)
    from segue.generation.torch_engine import TorchEngine

    return TorchEngine.of_bundle(bundle)


def allow_torch(bundle: Bundle, name: str) -> None:
    """Raise if ONNX was asked for, which the bundle then lacks, or torch is not installed."""
    if name in ("onnx", "int8", "int4"):
        raise SegueError(f"{bundle.name} has no ONNX form: leave --engine out to play with torch.")
    require_torch(f"playing {bundle.name}")
