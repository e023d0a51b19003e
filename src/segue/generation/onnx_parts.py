"""Products whose result is split afterwards, made part by part.

The gates of an LSTM come from one product and are then told apart, which copies all of them. A
product a gate gives the same numbers where they are wanted. For many takes at a time this is worth
more than the calls that it adds; for one it makes no difference (`bench/generate.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

LEAST_PART = 1 << 15
"""Weights of a part: smaller products are made in one and split."""

Array = np.ndarray[Any, Any]
Make = Callable[[str, list[str]], str]
"""An operation and its inputs to the name of its output."""


def part(model: Any) -> None:
    """Put the parts of split products in the place of the splits, in place."""
    from onnx import numpy_helper

    graph = model.graph
    made: dict[str, Array] = {}
    parts = _Parts(graph, made)
    nodes: list[Any] = []
    for node in graph.node:
        instead = parts.instead_of(node) if node.op_type == "Split" else None
        nodes += [node] if instead is None else instead
    needed = _needed(nodes, {each.name for each in graph.output})
    del graph.node[:]
    graph.node.extend(needed)
    read = {name for node in needed for name in node.input}
    graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in made.items() if name in read
    )


class _Parts:
    """What makes a tensor part by part, found from the last operation back to its weights."""

    def __init__(self, graph: Any, made: dict[str, Array]) -> None:
        self._weights = {each.name: each for each in graph.initializer}
        self._by = {name: node for node in graph.node for name in node.output}
        self._readers = Counter(name for node in graph.node for name in node.input)
        self._readers.update(each.name for each in graph.output)
        self._made = made

    def instead_of(self, split: Any) -> list[Any] | None:
        """The nodes that give what `split` gives; None where it has to stay."""
        axis = next((each.i for each in split.attribute if each.name == "axis"), 0)
        if axis not in (1, -1) or not self._equal(split):
            return None
        nodes: list[Any] = []
        parts = self._of(split.input[0], len(split.output), nodes)
        if parts is None:
            return None
        renamed = dict(zip(parts, split.output, strict=True))
        for node in nodes:
            node.output[0] = renamed.get(node.output[0], node.output[0])
        return nodes

    def _equal(self, split: Any) -> bool:
        if len(split.input) < 2 or not split.input[1]:
            return True
        sizes = self._weights.get(split.input[1])
        return sizes is not None and len(set(self._array(sizes.name).tolist())) == 1

    def _of(self, name: str, count: int, nodes: list[Any]) -> list[str] | None:
        """Names of the parts of a tensor, whose nodes join `nodes`."""
        from onnx import helper

        node = self._by.get(name)
        if name in self._weights or node is None or self._readers[name] != 1:
            return None
        inputs: list[list[str]]
        if node.op_type == "Add":
            found = [self._constant(each, count) or self._of(each, count, nodes)
                     for each in node.input]  # fmt: skip
            if None in found:
                return None
            inputs = [[each[k] for each in found if each] for k in range(count)]
        else:
            sliced = self._sliced(node, count)
            if sliced is None:
                return None
            inputs = sliced
        names = [f"{name}.part{k}" for k in range(count)]
        for part_name, read in zip(names, inputs, strict=True):
            made = helper.make_node(node.op_type, read, [part_name])
            made.attribute.extend(node.attribute)
            nodes.append(made)
        return names

    def _sliced(self, node: Any, count: int) -> list[list[str]] | None:
        """The inputs of a product, or of rows looked up, for each part."""
        facts = {each.name: each for each in node.attribute}
        if node.op_type == "Gather":
            table = self._constant(node.input[0], count, least=2)
            across = "axis" in facts and facts["axis"].i != 0
            return None if table is None or across else [[t, node.input[1]] for t in table]
        if node.op_type not in ("Gemm", "MatMul"):
            return None
        down = "transB" in facts and bool(facts["transB"].i)
        weight = self._constant(node.input[1], count, least=2, axis=0 if down else -1)
        if weight is None or self._array(weight[0]).size < LEAST_PART:
            return None
        biases = [[""] * count] if len(node.input) < 3 else [self._constant(node.input[2], count)]
        if biases[0] is None:
            return None
        return [[node.input[0], w, b] if b else [node.input[0], w]
                for w, b in zip(weight, biases[0], strict=True)]  # fmt: skip

    def _constant(
        self, name: str, count: int, *, least: int = 1, axis: int = -1
    ) -> list[str] | None:
        """The names of the parts of an array of weights with at least so many axes."""
        if name not in self._weights:
            return None
        array = self._array(name)
        if array.ndim < least or array.ndim < 1 or array.shape[axis] % count:
            return None
        names = [f"{name}.part{k}of{count}" for k in range(count)]
        for part_name, own in zip(names, np.split(array, count, axis=axis), strict=True):
            self._made[part_name] = np.ascontiguousarray(own)
        return names

    def _array(self, name: str) -> Array:
        from onnx import numpy_helper

        if name in self._made:
            return self._made[name]
        array: Array = numpy_helper.to_array(self._weights[name])
        return array


def _needed(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """The nodes that lead to the outputs."""
    wanted, needed = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            needed.append(node)
            wanted.update(node.input)
    return needed[::-1]
