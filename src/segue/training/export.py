"""The ONNX form of a model, checked against torch.

A model that plays row by row has one graph for a step and one for the heads, of chained frames for
a column; one that plays segments has one that composes a segment, and one that encodes it if it
can.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segue.bundles.bundle import HEADS, MOST_HEADS
from segue.errors import TrainingError
from segue.generation.onnx_buffers import make_room
from segue.models.base import Model, SequenceModel
from segue.models.frames import ChainedFrames, FrameModel
from segue.models.segments import SegmentModel

PARITY_STEPS = 64
PARITY_WINDOWS = 8
"""Steps for a model that reads a window anew at each, which is as good a proof a step."""
PARITY_TOLERANCE = 1e-3
"""Largest difference of a logit between torch and ONNX Runtime, both in float32."""
PARITY_CELLS = 0.01
"""Largest share of a segment's cells that may differ: a sum in another order tips a draw."""

_FOLDED = 2**31
_BATCH = {0: torch.export.Dim("batch", min=1, max=4096)}


@dataclass(frozen=True)
class Exported:
    """The graphs as bytes by file name, the state they carry, and how far they are from torch.

    `engine` is what an engine must know to play them. A model without an ONNX form has no graphs.
    """

    onnx: dict[str, bytes]
    state: list[dict[str, Any]] = field(default_factory=list)
    engine: dict[str, Any] = field(default_factory=dict)
    max_difference: float | None = None


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


class _Head(nn.Module):
    def __init__(self, model: SequenceModel, column: int) -> None:
        super().__init__()
        self.model, self.column = model, column

    def forward(self, features: Tensor, row: Tensor) -> Tensor:
        return self.model.heads(features, row)[self.column]


class _Frame(nn.Module):
    def __init__(self, model: FrameModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, row: Tensor) -> Tensor:
        return self.model.frame(features, row)


class _Link(nn.Module):
    def __init__(self, model: ChainedFrames) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        return self.model.link(features, below, *chain)


class _Compose(nn.Module):
    def __init__(self, model: SegmentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, normal: Tensor, uniform: Tensor, before: Tensor, heat: Tensor) -> Tensor:
        return self.model.compose(normal, uniform, before, heat)


class _Encode(nn.Module):
    def __init__(self, model: SegmentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: Tensor) -> Tensor:
        return self.model.encode(rows)


def export(model: Model) -> Exported:
    """The graphs of `model` with a free batch axis; TrainingError if they do not agree with it."""
    model = model.eval().cpu()
    if isinstance(model, SegmentModel):
        exported = _segments(model)
    else:
        assert isinstance(model, SequenceModel)
        exported = _rows(model)
    allowed = PARITY_CELLS if model.plays == "segments" else PARITY_TOLERANCE
    if exported.max_difference is not None and exported.max_difference > allowed:
        raise TrainingError(
            f"the ONNX form differs from the model by {exported.max_difference:.2g}; "
            f"{allowed:g} is allowed. Report this with the recipe; the weights are safe."
        )
    return exported


# -- row by row --------------------------------------------------------------------------------


def _rows(model: SequenceModel) -> Exported:
    framed = isinstance(model, FrameModel)
    independent = isinstance(model, FrameModel) and model.independent
    engine: dict[str, Any] = {"frames": framed, "independent": independent}
    if not model.exportable:
        return Exported({}, engine=engine)
    state = model.start(2)  # a batch of one would be taken for a constant
    row = torch.zeros(2, len(model.sizes), dtype=torch.long)
    with torch.no_grad():
        features = model.step(row, *state)[0]
    names = [f"state_{i}" for i in range(len(state))]
    cached = [bool(model.slots_axis) and t.dim() > model.slots_axis for t in state]
    axes, example = list[Any](), list[Tensor]()
    slots = torch.export.Dim("slots", min=1, max=model.window)
    for t, has_slots in zip(state, cached, strict=True):
        axes.append({**_BATCH, model.slots_axis: slots} if has_slots else _BATCH)
        example.append(t.narrow(model.slots_axis, 0, model.window // 2 + 1) if has_slots else t)
    if isinstance(model, ChainedFrames):
        graphs, engine["chain"] = _columns(model, features)
    else:
        graphs = _heads(model, features, row)
    graphs["model.onnx"] = _graph(
        _Step(model),
        (row, *example),
        {"row": _BATCH, "state": tuple(axes)},
        ["row", *names],
        ["features", *[f"new_{name}" for name in names]],
    )
    described = _described(names, state)
    for each, has_slots in zip(described, cached, strict=True):
        if has_slots:
            each["slots"] = model.slots_axis - 1
            if model.rows_read is not None:
                each["after"] = model.rows_read
    return Exported(graphs, described, engine, parity(model, graphs, described))


def _heads(model: SequenceModel, features: Tensor, row: Tensor) -> dict[str, bytes]:
    """A graph of the logits of all columns, or one a column: ONNX Runtime runs a graph whole."""
    given = (features, row), {"features": _BATCH, "row": _BATCH}, ["features", "row"]
    if isinstance(model, FrameModel):
        return {"heads.onnx": _graph(_Frame(model), *given, ["logits"])}
    names = [f"logits_{k}" for k in range(len(model.sizes))]
    if len(names) == 1 or len(names) > MOST_HEADS:
        return {"heads.onnx": _graph(_Heads(model), *given, names)}
    return {HEADS[k]: _graph(_Head(model, k), *given, [name]) for k, name in enumerate(names)}


def _columns(
    model: ChainedFrames, features: Tensor
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The graph of one column, and what it carries from one to the next."""
    chain = model.chain(2)
    names = [f"chain_{i}" for i in range(len(chain))]
    below = torch.zeros(2, 1, dtype=torch.long)
    graph = _graph(
        _Link(model),
        (features[:, 0].contiguous(), below, *chain),
        {"features": _BATCH, "below": _BATCH, "chain": tuple(_BATCH for _ in chain)},
        ["features", "below", *names],
        ["logits", *[f"new_{name}" for name in names]],
    )
    return {"column.onnx": graph}, _described(names, chain)


def _described(names: Sequence[str], tensors: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Names, types and shapes without the batch, and the number a state begins with if not 0."""
    return [
        {
            "name": n,
            "dtype": str(t.dtype).removeprefix("torch."),
            "shape": list(t.shape[1:]),
            **_beginning(n, t),
        }
        for n, t in zip(names, tensors, strict=True)
    ]


def _beginning(name: str, tensor: Tensor) -> dict[str, Any]:
    first = tensor.flatten()[0].item() if tensor.numel() else 0
    if bool((tensor != first).any()):
        raise TrainingError(f"{name} begins with several numbers, which no bundle can say.")
    return {"fill": first} if first else {}


def parity(
    model: SequenceModel, graphs: dict[str, bytes], described: Sequence[dict[str, Any]] = ()
) -> float:
    """The largest logit difference between torch and ONNX Runtime over random steps."""
    step = _session(graphs["model.onnx"])
    asked = [_session(graphs[name]) for name in graphs if name != "model.onnx"]
    rng = np.random.default_rng(0)
    batch = 3
    torch_state = list(model.start(batch))
    onnx_state = [t.numpy() for t in torch_state]
    worst = 0.0
    for _ in range(PARITY_WINDOWS if model.many_to_one else PARITY_STEPS):
        row = np.stack([rng.integers(0, v, batch) for v in model.sizes], axis=1)
        target = np.stack([rng.integers(0, v, batch) for v in model.sizes], axis=1)
        with torch.no_grad():
            features, *torch_state = model.step(torch.from_numpy(row), *torch_state)
            expected = model.heads(features, torch.from_numpy(target))
        if described:
            make_room(onnx_state, described)
        feed = {"row": row, **{f"state_{i}": s for i, s in enumerate(onnx_state)}}
        onnx_features, *onnx_state = step.run(None, feed)
        for a, b in zip(expected, _asked(model, asked, onnx_features, target), strict=True):
            worst = max(worst, float(np.abs(a.numpy() - b).max()))
    return worst


def _asked(model: SequenceModel, sessions: list[Any], features: Any, target: Any) -> list[Any]:
    """What ONNX Runtime says of each column of `target`."""
    if not isinstance(model, ChainedFrames):
        given = {"features": features, "row": target}
        got = list[Any]()
        for session in sessions:
            reads = {each.name for each in session.get_inputs()}
            got += session.run(None, {name: given[name] for name in reads})
        return list(np.moveaxis(got[0], 1, 0)) if isinstance(model, FrameModel) else got
    (session,) = sessions
    chain = [t.numpy() for t in model.chain(len(target))]
    told = []
    for column in range(target.shape[1]):
        below = target[:, column - 1 : column] if column else np.zeros_like(target[:, :1])
        feed = {"features": np.ascontiguousarray(features[:, column]), "below": below}
        feed |= {f"chain_{i}": t for i, t in enumerate(chain)}
        logits, *chain = session.run(None, feed)
        told.append(logits)
    return told


# -- segments ----------------------------------------------------------------------------------


def _segments(model: SegmentModel) -> Exported:
    engine = {
        "window": model.window,
        **{k: getattr(model, k) for k in ("normals", "uniforms", "looks_back", "encodes")},
        "uniform_prior": model.uniform_prior,
    }
    if not model.exportable:
        return Exported({}, engine=engine)
    drawn = _drawn(model)
    graphs = {
        "model.onnx": _graph(
            _Compose(model),
            drawn,
            {"normal": _BATCH, "uniform": _BATCH, "before": _BATCH, "heat": None},
            ["normal", "uniform", "before", "heat"],
            ["rows"],
        )
    }
    if model.encodes:
        graphs["encoder.onnx"] = _graph(
            _Encode(model), (drawn[2],), {"rows": _BATCH}, ["rows"], ["normal"]
        )
    return Exported(graphs, [], engine, _segment_parity(model, graphs))


def _drawn(model: SegmentModel, takes: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a segment of each of some takes may be made from."""
    chance = torch.Generator().manual_seed(0)
    return (
        torch.randn(takes, model.normals, generator=chance),
        torch.rand(takes, model.uniforms, generator=chance),
        torch.zeros(takes, model.window, len(model.sizes), dtype=torch.long),
        torch.ones(1),
    )


def _segment_parity(model: SegmentModel, graphs: dict[str, bytes]) -> float:
    """The share of cells in which a segment of torch and one of ONNX Runtime differ."""
    session = _session(graphs["model.onnx"])
    reads = {each.name for each in session.get_inputs()}
    # Another number of takes than the graph was made with: an axis may have been fixed.
    drawn = dict(zip(("normal", "uniform", "before", "heat"), _drawn(model, 3), strict=True))
    with torch.no_grad():
        expected = model.compose(**drawn).numpy()
    got = session.run(None, {k: v.numpy() for k, v in drawn.items() if k in reads})[0]
    return float((expected != got).mean())


# -- graphs ------------------------------------------------------------------------------------


def _graph(
    module: nn.Module,
    example: tuple[Tensor, ...],
    shapes: dict[str, Any],
    inputs: list[str],
    outputs: list[str],
) -> bytes:
    from onnxscript.optimizer import optimize

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
        # What is made of weights alone, however large, is made now.
        optimize(
            program.model,
            onnx_shape_inference=False,
            input_size_limit=_FOLDED,
            output_size_limit=_FOLDED,
        )
    model = program.model_proto
    for noted in (model.graph, *model.graph.node, *model.graph.value_info):
        noted.ClearField("metadata_props")  # where in torch's code it came from
    graph: bytes = model.SerializeToString()
    return graph


def _session(graph: bytes) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
