"""Graphs with weights of eight bits: a quarter of the bytes a step reads, on the same CPU.

Weights are rounded once, each column of a matrix on a scale of its own. What is multiplied with
them is rounded on a scale found beforehand, by playing the bundle's openings in fp32 and looking at
what each matrix is given. A scale found at each step, for all takes at once, would let a take
depend on those beside it, and cost a pass over the numbers.

Needs the package onnx, which comes with the extra `train`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.errors import MissingExtraError
from segue.generation.onnx_join import with_logits
from segue.generation.onnx_parts import part

Spans = dict[str, tuple[float, float]]
"""Tensors of a graph, by name, to the least and the most that was seen in them."""

_SCALES_FROM = 12
"""Which input of its node tells the scale of keys; that of values comes after it."""
LEAST_WEIGHTS = 1024
"""Smaller matrices stay as they are: there is nothing to gain."""
OPENINGS, ROWS, WINDOWS = 8, 96, 8
"""How much is played to find the spans; of a model that reads a window anew fewer rows."""


def rounded(bundle: Bundle) -> Callable[[Path], Any]:
    """What opens a graph of `bundle` in int8; MissingExtraError without onnx."""
    from segue.generation.onnx_engine import session

    graphs = with_logits(quantised(bundle))
    return lambda path: session(path, graph=graphs[path.name])


def quantised(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of a bundle by file name, in int8, those that are so already as they are.

    Keys and values are kept in eight bits too. Raises MissingExtraError without onnx.
    """
    if bundle.precision == "int8":
        return {name: (bundle.path / name).read_bytes() for name in bundle.graphs}
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError("playing in int8", "onnx", "train")
    spans = watched(bundle)
    return {name: _rounded(bundle.path / name, spans[name]) for name in bundle.graphs}


# -- what the matrices are given ---------------------------------------------------------------


class Watched:
    """A session that notes what each matrix of its graph is given."""

    def __init__(self, path: Path) -> None:
        import onnx

        from segue.generation.onnx_engine import session

        model = onnx.load(path)
        produced = {each.name for each in model.graph.output}
        given = {node.input[0] for node in products(model.graph)}
        kept = {name for node in _caching(model.graph) for name in node.input[1:3]}
        self._seen = sorted(given | kept)
        for name in self._seen:
            if name not in produced:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
        self._session = session(path, graph=model.SerializeToString())
        self._names = [each.name for each in self._session.get_outputs()][: len(produced)]
        self.spans: Spans = dict.fromkeys(self._seen, (0.0, 0.0))

    def get_inputs(self) -> Any:
        """The graph's."""
        return self._session.get_inputs()

    def run(self, names: list[str] | None, feed: dict[str, Any]) -> list[Any]:
        """The outputs asked for."""
        names = names or self._names
        told = self._session.run([*names, *self._seen], feed)
        for name, array in zip(self._seen, told[len(names) :], strict=True):
            least, most = self.spans[name]
            self.spans[name] = min(least, float(array.min())), max(most, float(array.max()))
        return list(told[: len(names)])


def watched(bundle: Bundle) -> dict[str, Spans]:
    """The spans in each graph, by file name, while the openings are played."""
    sessions: dict[str, Watched] = {}

    def opened(path: Path) -> Watched:
        sessions[path.name] = Watched(path)
        return sessions[path.name]

    (_compose if bundle.plays == "segments" else _play)(bundle, opened)
    return {name: each.spans for name, each in sessions.items()}


def _play(bundle: Bundle, opened: Callable[[Path], Watched]) -> None:
    from segue.generation.onnx_engine import OnnxEngine
    from segue.generation.scoring import StepScorer

    engine = OnnxEngine(bundle, opened=opened)
    openings = [each.astype(np.int64) for each in bundle.openings[:OPENINGS]]
    shortest = min(map(len, openings))
    if engine.window:
        StepScorer(engine).score(openings[:2], max(shortest - WINDOWS, 1))
    else:
        StepScorer(engine).score([each[:ROWS] for each in openings], 1)


def _compose(bundle: Bundle, opened: Callable[[Path], Watched]) -> None:
    from segue.generation.segment_engines import OnnxComposer

    composer = OnnxComposer(bundle, opened=opened)
    facts, chance = composer.facts, np.random.default_rng(0)
    openings = [each[: facts["window"]] for each in bundle.openings[:OPENINGS]]
    rows = np.stack(openings).astype(np.int64)
    normal = chance.standard_normal((len(rows), facts["normals"])).astype(np.float32)
    uniform = chance.random((len(rows), facts["uniforms"])).astype(np.float32)
    composer.compose(normal, uniform, rows, 1.0)
    composer.compose(normal, uniform, np.zeros_like(rows), 1.0)
    if facts["encodes"]:
        composer.encode(rows)


# -- rounding ----------------------------------------------------------------------------------


def products(graph: Any) -> list[Any]:
    """The nodes that multiply with a matrix of weights."""
    weights = {each.name: list(each.dims) for each in graph.initializer}
    return [
        node
        for node in graph.node
        if _is_plain(node)
        and len(weights.get(node.input[1], ())) == 2
        and np.prod(weights[node.input[1]]) >= LEAST_WEIGHTS
        and node.input[0] not in weights
    ]


def _caching(graph: Any) -> list[Any]:
    """The nodes that keep caches."""
    return [node for node in graph.node if node.op_type == "GroupQueryAttention"]


def _is_plain(node: Any) -> bool:
    """Whether a node is X W, or X W' + bias as torch has it."""
    if node.op_type != "Gemm":
        return bool(node.op_type == "MatMul")
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0}
    facts = {each.name: each.f or each.i for each in node.attribute}
    return all(facts.get(name, usual) == usual for name, usual in plain.items())


def _rounded(path: Path, spans: Spans) -> bytes:
    """The graph with its products in eight bits."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    part(model)
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    rounding = {node.output[0] for node in products(graph)}
    nodes: list[Any] = []
    made: dict[str, Any] = {}
    for node in graph.node:
        if node.output[0] not in rounding:
            nodes.append(node)
            continue
        given, out = node.input[0], node.output[0]
        small = f"{given}.int8"
        if f"{small}.scale" not in made:
            made[f"{small}.scale"], made[f"{small}.zero"] = _scale(*spans[given])
            inputs = [given, f"{small}.scale", f"{small}.zero"]
            nodes.append(helper.make_node("QuantizeLinear", inputs, [small]))
        weight = numpy_helper.to_array(weights[node.input[1]])
        facts = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if facts.get("transB"):
            weight = weight.T
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-8).astype(np.float32) / 127
        made[f"{out}.weight"] = np.ascontiguousarray(np.rint(weight / scale).astype(np.int8))
        made[f"{out}.scale"] = scale
        made[f"{out}.zero"] = np.zeros(len(scale), np.int8)
        inputs = [
            small, f"{out}.weight", f"{small}.scale", f"{out}.scale", f"{small}.zero",
            f"{out}.zero", *node.input[2:3],
        ]  # fmt: skip
        nodes.append(
            helper.make_node("MatMulIntegerToFloat", inputs, [out], domain="com.microsoft")
        )
    for node in _caching(graph):
        made |= _with_small_caches(graph, node, spans)
    return replaced(model, nodes, made)


def replaced(model: Any, nodes: list[Any], made: dict[str, Any]) -> bytes:
    """A model with other nodes, which read arrays that were `made`; nothing that none reads."""
    from onnx import helper, numpy_helper

    graph = model.graph
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(a, name) for name, a in made.items())
    graph.ClearField("value_info")
    if not any(each.domain == "com.microsoft" for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    small_graph: bytes = model.SerializeToString()
    return small_graph


def _with_small_caches(graph: Any, node: Any, spans: Spans) -> dict[str, Any]:
    """Let a node keep keys and values in eight bits, in place; the scales it reads them by."""
    from onnx import TensorProto, helper

    made = {}
    for name in node.input[1:3]:
        most = max(abs(bound) for bound in spans[name])
        made[f"{name}.cached"] = np.array([max(most, 1e-8) / 127], np.float32)
    caches = {*node.input[3:5], *node.output[1:3]}
    for each in (*graph.input, *graph.output):
        if each.name in caches:
            each.type.tensor_type.elem_type = TensorProto.INT8
    unused = [""] * (_SCALES_FROM - len(node.input))
    node.input.extend([*unused, *(f"{name}.cached" for name in node.input[1:3])])
    facts = {"k_quant_type": "PER_TENSOR", "v_quant_type": "PER_TENSOR", "kv_cache_bit_width": 8}
    node.attribute.extend(helper.make_attribute(name, fact) for name, fact in facts.items())
    return made


def _scale(least: float, most: float) -> tuple[Any, Any]:
    """Scale and zero point that spread a span, which holds 0, over the numbers 0 to 255."""
    scale = max(most - least, 1e-8) / 255
    return np.array(scale, np.float32), np.array(round(-least / scale), np.uint8)
