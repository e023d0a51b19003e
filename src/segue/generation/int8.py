"""Graphs with weights of eight bits: a quarter of the bytes a step reads, on the same CPU.

Weights are rounded once, activations at each step to what they span (dynamic quantisation). Needs
the package onnx, which comes with the extra `train`.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from pathlib import Path

from segue.errors import MissingExtraError


def quantised(graph: Path) -> bytes:
    """The graph in a file with its matrices in int8; MissingExtraError without onnx."""
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtraError("playing in int8", "onnx", "train")
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(graph)
    # Shapes that the exporter noted hold before matrices are turned round, and then no more.
    model.graph.ClearField("value_info")
    logger = logging.getLogger()
    level = logger.level
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, plain)
        logger.setLevel(logging.ERROR)  # it advises on preprocessing that does not apply here
        try:
            quantize_dynamic(plain, small, weight_type=QuantType.QInt8)
        finally:
            logger.setLevel(level)
        return small.read_bytes()
