"""Graphs with weights of four bits: half the bytes a step of int8 reads, for one take at a time.

A take alone waits for weights to come from memory, and for little else. Weights are rounded in
blocks, each on a scale of its own (Dettmers and Zettlemoyer, "The case for 4-bit precision", 2023);
what is multiplied with them is rounded to eight bits, each row by itself, by ONNX Runtime's
`MatMulNBits`. Of many takes at a time int8 is faster.

Needs the package onnx, which comes with the extra `train`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import MissingExtraError, SegueError
from segue.generation.int8 import products, replaced
from segue.generation.onnx_join import with_logits

BLOCKS = (256, 128, 64)
"""Weights that share a scale: the most of which a column of a matrix has whole blocks.

A step of the 3 x 512 LSTM is a fifth faster with 256 than with 64."""
LEAST_WEIGHTS = 1 << 17
"""Smaller matrices stay as they are: they cost little, and what they tell is heard."""
_MIDDLE, _MOST = 8, 15
_ROUNDED_INPUTS = 4
"""MatMulNBits's `accuracy_level` of inputs in eight bits."""


def halved(bundle: Bundle) -> Callable[[Path], Any]:
    """What opens a graph of `bundle` in four bits.

    Raises MissingExtraError without onnx, and SegueError for graphs that are in int8 already.
    """
    from segue.generation.onnx_engine import session

    graphs = with_logits(in_four_bits(bundle))
    return lambda path: session(path, graph=graphs[path.name])


def in_four_bits(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of a bundle by file name; raises as `halved`."""
    if bundle.precision != "fp32":
        raise SegueError(
            f"{bundle.name} ships graphs in {bundle.precision}, which cannot be rounded to int4: "
            "leave --engine out to play them as they are."
        )
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError("playing in int4", "onnx", "train")
    return {name: _rounded(bundle.path / name) for name in bundle.graphs}


def block_of(inputs: int) -> int:
    """How many of a column's weights share a scale."""
    return next((size for size in BLOCKS if inputs % size == 0), BLOCKS[-1])


def packed(weight: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(K, N) weights to (N, blocks, block / 2) bytes of two weights each and (N, blocks) scales.

    A weight is its number less 8, times the scale of its block; the last block is filled with 0.
    """
    inputs, outputs = weight.shape
    block = block_of(inputs)
    blocks = -(-inputs // block)
    filled = np.zeros((blocks * block, outputs), np.float32)
    filled[:inputs] = weight
    each = np.ascontiguousarray(filled.T).reshape(outputs, blocks, block)
    farthest = np.take_along_axis(each, np.abs(each).argmax(axis=2)[..., None], axis=2)
    # There is one number more below 0 than above: the farthest weight is to have it.
    scale = np.where(farthest == 0, 1, farthest / -_MIDDLE)
    numbers = np.clip(np.rint(each / scale) + _MIDDLE, 0, _MOST).astype(np.uint8)
    return numbers[..., ::2] | (numbers[..., 1::2] << 4), scale[..., 0].astype(np.float32)


def _rounded(path: Path) -> bytes:
    """The graph with its larger products in four bits."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    weights = {each.name: each for each in model.graph.initializer}
    rounding = {node.output[0] for node in products(model.graph)}
    nodes: list[Any] = []
    made: dict[str, Any] = {}
    for node in model.graph.node:
        weight = weights.get(node.input[1]) if node.output[0] in rounding else None
        if weight is None or np.prod(weight.dims) < LEAST_WEIGHTS:
            nodes.append(node)
            continue
        matrix = numpy_helper.to_array(weight)
        facts = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if facts.get("transB"):
            matrix = matrix.T
        (out,), bias = node.output, list(node.input[2:3])
        product = f"{out}.product" if bias else out
        made[f"{out}.int4"], made[f"{out}.scales"] = packed(matrix)
        inputs, outputs = matrix.shape
        nodes.append(
            helper.make_node(
                "MatMulNBits", [node.input[0], f"{out}.int4", f"{out}.scales"], [product],
                domain="com.microsoft", K=inputs, N=outputs, bits=4, block_size=block_of(inputs),
                accuracy_level=_ROUNDED_INPUTS,
            )
        )  # fmt: skip
        if bias:
            nodes.append(helper.make_node("Add", [product, *bias], [out]))
    return replaced(model, nodes, made)
