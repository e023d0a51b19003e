"""Graphs in other forms: parts in the place of splits, a step that tells its logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from segue.bundles import Bundle
from segue.generation import onnx_parts
from segue.generation.engine import read
from segue.generation.onnx_engine import OnnxEngine, session
from segue.generation.onnx_join import LOGITS, with_logits
from segue.generation.onnx_parts import part
from segue.models.note_lstm import NoteLSTM
from segue.models.symbol_lstm import SymbolLSTM
from segue.training.export import export

SYMBOLS = 11


def graphs_of(model: Any, folder: Path) -> Bundle:
    exported = export(model)
    for name, graph in exported.onnx.items():
        (folder / name).write_bytes(graph)
    hashes = dict.fromkeys(exported.onnx, "")
    index = {"sizes": list(model.sizes), "state": exported.state, "sha256": hashes}
    return Bundle(folder, index)


@pytest.fixture(scope="module")
def one_column(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    torch.manual_seed(0)
    model = SymbolLSTM((SYMBOLS,), 8, hidden=(16, 24)).eval()
    return graphs_of(model, tmp_path_factory.mktemp("symbols"))


@pytest.fixture(scope="module")
def two_columns(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    torch.manual_seed(0)
    model = NoteLSTM((SYMBOLS, 5), 8, embedding=8, hidden=16, layers=2).eval()
    return graphs_of(model, tmp_path_factory.mktemp("notes"))


def operations(graph: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(graph).graph.node]


def parted(path: Path) -> bytes:
    model = onnx.load(path)
    part(model)
    onnx.checker.check_model(model)
    whole: bytes = model.SerializeToString()
    return whole


def played(bundle: Bundle, graphs: dict[str, bytes], batch: int = 3) -> np.ndarray:
    """The logits of the first column over ten rows, (10, batch, V)."""
    opened = {name: session(bundle.path / name, graph=graph) for name, graph in graphs.items()}
    engine = OnnxEngine(bundle, opened=lambda path: opened[path.name])
    chance = np.random.default_rng(0)
    state, told = engine.playing(engine.start(batch), 1), []
    for _ in range(10):
        row = np.stack([chance.integers(0, v, batch) for v in bundle.sizes], axis=1)
        state = engine.step(row, state)
        told.append(engine.logits(state, 0, row).copy())
    return np.array(told)


def as_shipped(bundle: Bundle) -> dict[str, bytes]:
    return {name: (bundle.path / name).read_bytes() for name in bundle.graphs}


@pytest.mark.parametrize("shipped", ["one_column", "two_columns"])
def test_gates_made_apart_are_the_same_gates(
    shipped: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle: Bundle = request.getfixturevalue(shipped)
    graphs = as_shipped(bundle)
    assert "Split" in operations(graphs["model.onnx"])
    monkeypatch.setattr(onnx_parts, "LEAST_PART", 1)
    changed = {**graphs, "model.onnx": parted(bundle.path / "model.onnx")}
    assert "Split" not in operations(changed["model.onnx"])
    np.testing.assert_allclose(played(bundle, changed), played(bundle, graphs), atol=1e-6)


def test_small_products_stay_in_one(one_column: Bundle) -> None:
    path = one_column.path / "model.onnx"
    assert operations(parted(path)) == operations(path.read_bytes())


def test_a_split_of_what_others_read_too_stays(
    one_column: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_parts, "LEAST_PART", 1)
    model = onnx.load(one_column.path / "model.onnx")
    gates = [node.input[0] for node in model.graph.node if node.op_type == "Split"]
    model.graph.output.append(onnx.ValueInfoProto(name=gates[0]))
    part(model)
    assert [n.input[0] for n in model.graph.node if n.op_type == "Split"] == gates[:1]


def test_a_step_that_tells_its_logits_tells_what_the_head_does(one_column: Bundle) -> None:
    apart = as_shipped(one_column)
    joined = with_logits(apart)
    told = [each.name for each in onnx.load_from_string(joined["model.onnx"]).graph.output]
    assert told[-1] == LOGITS
    assert joined["heads.onnx"] == apart["heads.onnx"]
    np.testing.assert_allclose(played(one_column, joined), played(one_column, apart), atol=1e-6)


def test_the_head_is_asked_before_the_first_step_is_taken(one_column: Bundle) -> None:
    joined = with_logits(as_shipped(one_column))
    opened = {n: session(one_column.path / n, graph=graph) for n, graph in joined.items()}
    engine = OnnxEngine(one_column, opened=lambda path: opened[path.name])
    rows = np.array([[[3], [1]], [[0], [7]]])
    after = read(engine, rows)
    again = engine.playing(after, 1)
    row = np.zeros((2, 1), np.int64)
    plain = OnnxEngine(one_column)
    expected = plain.logits(read(plain, rows), 0, row)
    np.testing.assert_allclose(engine.logits(again, 0, row), expected, atol=1e-6)
    np.testing.assert_allclose(engine.logits(after, 0, row), expected, atol=1e-6)


def test_heads_that_read_the_row_stay_apart(two_columns: Bundle) -> None:
    graphs = as_shipped(two_columns)
    assert with_logits(graphs) == graphs
