"""The ONNX form of a model: one graph for a step, one for the heads, checked against torch."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.errors import TrainingError
from segue.models.base import SequenceModel

PARITY_STEPS = 64
PARITY_TOLERANCE = 1e-3
"""Largest difference of a logit between torch and ONNX Runtime, both in float32."""

_BATCH = {0: torch.export.Dim("batch", min=1, max=4096)}


@dataclass(frozen=True)
class Exported:
    """The graphs as bytes by file name, the state they carry, and how far they are from torch."""

    onnx: dict[str, bytes]
    state: list[dict[str, Any]]
    max_difference: float


class _Step(nn.Module):
    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, row: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        return self.model.step(row, *state)


class _Heads(nn.Module):
    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, row: Tensor) -> tuple[Tensor, ...]:
        return self.model.heads(features, row)


def export(model: SequenceModel) -> Exported:
    """Both graphs of `model` with a free batch axis; TrainingError if they do not agree with it."""
    model = model.eval().cpu()
    state = model.start(2)  # a batch of one would be taken for a constant
    row = torch.zeros(2, len(model.sizes), dtype=torch.long)
    with torch.no_grad():
        features = model.step(row, *state)[0]
    names = [f"state_{i}" for i in range(len(state))]
    graphs = {
        "model.onnx": _graph(
            _Step(model),
            (row, *state),
            {"row": _BATCH, "state": tuple(_BATCH for _ in state)},
            ["row", *names],
            ["features", *[f"new_{name}" for name in names]],
        ),
        "heads.onnx": _graph(
            _Heads(model),
            (features, row),
            {"features": _BATCH, "row": _BATCH},
            ["features", "row"],
            [f"logits_{k}" for k in range(len(model.sizes))],
        ),
    }
    described = [
        {"name": n, "dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape[1:])}
        for n, t in zip(names, state, strict=True)
    ]
    exported = Exported(graphs, described, parity(model, graphs))
    if exported.max_difference > PARITY_TOLERANCE:
        raise TrainingError(
            f"the ONNX form differs from the model by {exported.max_difference:.2g} in a logit; "
            f"{PARITY_TOLERANCE:g} is allowed. Report this with the recipe; the weights are safe."
        )
    return exported


def _graph(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: dict[str, Any],
    inputs: list[str],
    outputs: list[str],
) -> bytes:
    # The exporter reports on its own progress and on packages it could do without.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            verbose=False,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=shapes,
        )
    assert program is not None
    return program.model_proto.SerializeToString()


def parity(model: SequenceModel, graphs: dict[str, bytes]) -> float:
    """The largest logit difference between torch and ONNX Runtime over random steps."""
    import onnxruntime

    step = onnxruntime.InferenceSession(graphs["model.onnx"], providers=["CPUExecutionProvider"])
    heads = onnxruntime.InferenceSession(graphs["heads.onnx"], providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    batch = 3
    torch_state = list(model.start(batch))
    onnx_state = [t.numpy() for t in torch_state]
    worst = 0.0
    for _ in range(PARITY_STEPS):
        row = np.stack([rng.integers(0, v, batch) for v in model.sizes], axis=1)
        target = np.stack([rng.integers(0, v, batch) for v in model.sizes], axis=1)
        with torch.no_grad():
            features, *torch_state = model.step(torch.from_numpy(row), *torch_state)
            expected = model.heads(features, torch.from_numpy(target))
        feed = {"row": row, **{f"state_{i}": s for i, s in enumerate(onnx_state)}}
        onnx_features, *onnx_state = step.run(None, feed)
        got = heads.run(None, {"features": onnx_features, "row": target})
        for a, b in zip(expected, got, strict=True):
            worst = max(worst, float(np.abs(a.numpy() - b).max()))
    return worst
