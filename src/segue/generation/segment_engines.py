"""What plays a model of segments: random numbers in, rows out, in ONNX Runtime or in torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError, nearest
from segue.generation.engine import ENGINES, Floats, IntRows, allow_torch


class Composer(Protocol):
    """Makes segments of `window` rows, B takes side by side."""

    name: str
    facts: dict[str, Any]
    """window, normals, uniforms, looks_back, encodes, uniform_prior: see `models.segments`."""

    def compose(self, normal: Floats, uniform: Floats, before: IntRows, heat: float) -> IntRows:
        """(B, Z) and (B, U) numbers and the (B, T, C) segment before to the (B, T, C) next."""

    def encode(self, rows: IntRows) -> Floats:
        """(B, T, C) rows to the (B, Z) numbers they are made from, where the model encodes."""


class OnnxComposer:
    """The graphs of a bundle, in ONNX Runtime."""

    def __init__(
        self, bundle: Bundle, *, name: str = "onnx", opened: Callable[[Path], Any] | None = None
    ) -> None:
        from segue.generation.onnx_engine import session

        opened = opened or session
        self.name = name
        self.facts = bundle.engine
        self._compose = opened(bundle.path / "model.onnx")
        self._encode = opened(bundle.path / "encoder.onnx") if self.facts["encodes"] else None

    def compose(self, normal: Floats, uniform: Floats, before: IntRows, heat: float) -> IntRows:
        """One run of model.onnx."""
        given: dict[str, NDArray[Any]] = {
            "normal": normal,
            "uniform": uniform,
            "before": before,
            "heat": np.array([heat], np.float32),
        }
        reads = {each.name for each in self._compose.get_inputs()}
        rows: IntRows = self._compose.run(None, {k: v for k, v in given.items() if k in reads})[0]
        return rows

    def encode(self, rows: IntRows) -> Floats:
        """One run of encoder.onnx."""
        assert self._encode is not None
        normal: Floats = self._encode.run(None, {"rows": rows})[0]
        return normal


def make_composer(bundle: Bundle, name: str = "auto") -> Composer:
    """What plays the bundle: ONNX Runtime unless torch is asked for or there is no graph."""
    if name not in ENGINES:
        raise SegueError(f"there is no engine {name!r}; {nearest(name, ENGINES)}.")
    if name == "int4":
        raise SegueError(
            f"{bundle.name} makes whole segments; int4 is for bundles that play row by row: use "
            "int8, or leave --engine out."
        )
    if name != "torch" and bundle.graphs:
        if name == "int8" and bundle.precision != "int8":
            from segue.generation.int8 import rounded

            return OnnxComposer(bundle, name="int8", opened=rounded(bundle))
        return OnnxComposer(bundle, name="int8" if bundle.precision == "int8" else "onnx")
    allow_torch(bundle, name)
    from segue.generation.torch_engine import TorchComposer

    return TorchComposer.of_bundle(bundle)
