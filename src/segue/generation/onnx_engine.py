"""The default engine: ONNX Runtime, on the CPU, with no torch anywhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.errors import BundleError, SegueError
from segue.generation.engine import Ask, Floats, IntRows, State
from segue.generation.int8 import quantised


class OnnxEngine:
    """Plays the two graphs of a bundle. One thread: a step is too small to share."""

    name = "onnx"

    def __init__(self, bundle: Bundle, threads: int = 1, *, int8: bool = False) -> None:
        import onnxruntime

        if int8:
            self.name = "int8"
        self.sizes = bundle.sizes
        self.frames = bool(bundle.engine.get("frames"))
        self.independent = bool(bundle.engine.get("independent"))
        self._outputs = [f"logits_{k}" for k in range(len(self.sizes))]
        self._state = bundle.index["state"]
        context = bundle.index.get("context") or 0
        held = [each["shape"] for each in self._state]
        self.window = context if held == [[context, len(self.sizes)]] else 0
        self._step = session(bundle.path / "model.onnx", threads, int8=int8)
        self._chain = bundle.engine.get("chain")
        heads = "heads.onnx" if self._chain is None else "column.onnx"
        self._heads = session(bundle.path / heads, threads, int8=int8)
        self._reads = {each.name for each in self._heads.get_inputs()}
        # A head is asked for alone: the others, which come later in the row, need not run.
        self._only_asked = onnxruntime.RunOptions()
        self._only_asked.only_execute_path_to_fetches = True

    def start(self, batch: int) -> State:
        """What each state begins with, zero unless the bundle says otherwise."""
        return State(batch, None, _begun(self._state, batch))

    def holding(self, rows: IntRows) -> State:
        """The rows themselves."""
        return State(len(rows), None, (rows,))

    def step(self, rows: IntRows, state: State) -> State:
        """One run of model.onnx."""
        feed = {f"state_{i}": t for i, t in enumerate(state.tensors)}
        features, *tensors = self._step.run(None, {"row": rows, **feed})
        return State(state.batch, features, tuple(tensors))

    def logits(self, state: State, column: int, row: IntRows) -> Floats:
        """One head of heads.onnx, or of column.onnx after those below it."""
        if self._chain is not None:
            ask = self.columns(state)
            return [ask(k, row) for k in range(column + 1)][-1]
        if self.frames:
            return np.ascontiguousarray(self.frame(state, row)[:, column])
        feed = {"features": state.features, "row": row}
        logits: Floats = self._heads.run([self._outputs[column]], feed, self._only_asked)[0]
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
            logits, *new = self._heads.run(None, feed)
            chain = tuple(new)
            return np.asarray(logits)

        return ask

    def frame(self, state: State, row: IntRows) -> Floats:
        """All columns at once, of a model of frames that are not a chain."""
        given = {"features": state.features, "row": row}
        feed = {name: given[name] for name in self._reads}
        logits: Floats = self._heads.run(None, feed)[0]
        return logits

    def fork(self, state: State, copies: int) -> State:
        """Repeat along the batch axis."""
        features = None if state.features is None else np.repeat(state.features, copies, axis=0)
        tensors = tuple(np.repeat(t, copies, axis=0) for t in state.tensors)
        return State(state.batch * copies, features, tensors)


def _begun(described: list[dict[str, Any]], batch: int) -> tuple[Any, ...]:
    return tuple(
        np.full((batch, *s["shape"]), s.get("fill", 0), dtype=s["dtype"]) for s in described
    )


def session(path: Path, threads: int, *, int8: bool = False) -> Any:
    """ONNX Runtime for one graph, rounded to `int8` or not; BundleError if it cannot be read."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            quantised(path) if int8 else path,
            sess_options=options,
            providers=["CPUExecutionProvider"],
        )
    except SegueError:
        raise
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many kinds for a bad graph
        raise BundleError(f"{path} cannot be played: {error}. Copy the bundle again.") from None
