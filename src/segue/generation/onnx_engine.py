"""The default engine: ONNX Runtime, on the CPU, with no torch anywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.bundles.bundle import HEADS
from segue.errors import BundleError
from segue.generation.engine import Ask, Floats, IntRows, State
from segue.generation.onnx_buffers import Buffers, has_room, make_room, with_slots

Open = Callable[[Path], Any]
"""A graph's file to the session that runs it."""


class OnnxEngine:
    """Plays the graphs of a bundle. One thread: a step is too small to share."""

    def __init__(
        self, bundle: Bundle, threads: int = 1, *, name: str = "onnx", opened: Open | None = None
    ) -> None:
        opened = opened or partial(session, threads=threads)
        self.name = name
        self.sizes = bundle.sizes
        self.frames = bool(bundle.engine.get("frames"))
        self.independent = bool(bundle.engine.get("independent"))
        self._state = bundle.index["state"]
        context = bundle.index.get("context") or 0
        held = [each["shape"] for each in self._state]
        self.window = context if held == [[context, len(self.sizes)]] else 0
        self._step = opened(bundle.path / "model.onnx")
        self._state = _as_read(self._step, self._state)
        self._chain = bundle.engine.get("chain")
        if self._chain is not None:
            heads: tuple[str, ...] = ("column.onnx",)
        else:
            heads = tuple(h for h in HEADS if (bundle.path / h).is_file()) or ("heads.onnx",)
        self._heads = [opened(bundle.path / name) for name in heads]
        self._reads = [{each.name for each in head.get_inputs()} for head in self._heads]

    def start(self, batch: int) -> State:
        """What each state begins with, zero unless the bundle says otherwise."""
        return State(batch, None, _begun(self._state, batch), 0)

    def holding(self, rows: IntRows) -> State:
        """The rows themselves."""
        return State(len(rows), None, (rows,))

    def step(self, rows: IntRows, state: State) -> State:
        """One run of model.onnx."""
        read = None if state.rows is None else state.rows + 1
        if state.buffers is not None:
            features, tensors = state.buffers.step(rows)
            return State(state.batch, features, tensors, read, state.buffers)
        tensors = state.tensors
        if state.rows is not None:
            pairs = zip(tensors, self._state, strict=True)
            tensors = tuple(with_slots(t, each, state.rows + 1) for t, each in pairs)
        if not has_room(self._state, read):
            tensors = tuple(t.copy() for t in tensors)
            make_room(tensors, self._state)
        feed = {f"state_{i}": t for i, t in enumerate(tensors)}
        told = self._step.run(None, {"row": rows, **feed})
        features, new = told[0], told[1 : 1 + len(tensors)]
        return State(state.batch, features, tuple(new), read)

    def logits(self, state: State, column: int, row: IntRows) -> Floats:
        """One run of the column's graph, or of column.onnx after those below it."""
        if self._chain is not None:
            ask = self.columns(state)
            return [ask(k, row) for k in range(column + 1)][-1]
        if self.frames:
            return np.ascontiguousarray(self.frame(state, row)[:, column])
        if state.buffers is not None:
            told: Floats = state.buffers.logits(column, row)
            return told
        if len(self._heads) > 1:
            return self._asked(column, state, row)
        return self._asked(0, state, row, f"logits_{column}")

    def _asked(self, head: int, state: State, row: IntRows, wanted: str | None = None) -> Floats:
        given = {"features": state.features, "row": row}
        feed = {name: given[name] for name in self._reads[head]}
        logits: Floats = self._heads[head].run(wanted and [wanted], feed)[0]
        return logits

    def columns(self, state: State) -> Ask:
        """One head after another; of chained frames one run of column.onnx each."""
        if self._chain is None:
            return partial(self.logits, state)
        chain = _begun(self._chain, state.batch)

        def ask(column: int, row: IntRows) -> Floats:
            nonlocal chain
            below = row[:, column - 1 : column] if column else np.zeros_like(row[:, :1])
            feed = {f"chain_{i}": t for i, t in enumerate(chain)}
            feed["features"] = np.ascontiguousarray(state.features[:, column])
            feed["below"] = np.ascontiguousarray(below)
            logits, *new = self._heads[0].run(None, feed)
            chain = tuple(new)
            return np.asarray(logits)

        return ask

    def frame(self, state: State, row: IntRows) -> Floats:
        """All columns at once, of a model of frames that are not a chain."""
        return self._asked(0, state, row)

    def fork(self, state: State, copies: int) -> State:
        """Repeat along the batch axis."""
        features = None if state.features is None else np.repeat(state.features, copies, axis=0)
        tensors = tuple(np.repeat(t, copies, axis=0) for t in state.tensors)
        return State(state.batch * copies, features, tensors, state.rows)

    def playing(self, state: State, copies: int) -> State:
        """A fork in buffers that stay where they are; a window is read anew and needs none."""
        if self.window or copies > 1:
            state = self.fork(state, copies)
        if self.window:
            return state
        heads = [] if self.frames else self._heads
        buffers = Buffers(self._step, heads, self._state, self.sizes, state)
        return State(state.batch, buffers.features, buffers.tensors, state.rows, buffers)


def _as_read(step: Any, described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states as a graph reads them: one in int8 may keep them in int8 too."""
    given = {each.name: _TYPES[each.type] for each in step.get_inputs() if each.type in _TYPES}
    return [{**each, "dtype": given.get(each["name"], each["dtype"])} for each in described]


_TYPES = {"tensor(int8)": "int8"}


def _begun(described: list[dict[str, Any]], batch: int) -> tuple[Any, ...]:
    """What is described; caches have no slots yet."""
    begun = []
    for each in described:
        shape = list(each["shape"])
        if "slots" in each:
            shape[each["slots"]] = 0
        begun.append(np.full((batch, *shape), each.get("fill", 0), dtype=each["dtype"]))
    return tuple(begun)


def session(path: Path, threads: int = 1, graph: bytes | None = None) -> Any:
    """ONNX Runtime for the graph in a file, or for `graph`; BundleError if it cannot be read."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            path if graph is None else graph,
            sess_options=options,
            providers=["CPUExecutionProvider"],
        )
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many kinds for a bad graph
        raise BundleError(f"{path} cannot be played: {error}. Copy the bundle again.") from None
