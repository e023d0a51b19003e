"""Scoring many sequences at once: torch as stepping, whatever stands beside, at whatever length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from music import chorale
from segue import bundles, encodings
from segue.generation.carrying import prompt_rows
from segue.generation.engine import make_engine
from segue.generation.onnx_engine import OnnxEngine
from segue.generation.scoring import StepScorer, make_scorer
from segue.generation.torch_engine import TorchEngine
from segue.generation.torch_scoring import ScoringEngine, TorchScorer
from segue.models.biaxial import Biaxial
from segue.models.dilated_conv import DilatedConv
from segue.models.note_lstm import NoteLSTM
from segue.models.note_time_pair import NoteTimePair
from segue.models.note_transformer import NoteTransformer
from segue.models.roll_attention import RollAttention
from segue.models.velocity_lstm import VelocityLSTM
from segue.training.export import export

SIZES = (9, 5)
WINDOW = 8

ENDLESS: dict[str, Callable[[], Any]] = {
    "note-lstm": lambda: NoteLSTM(SIZES, WINDOW, embedding=4, hidden=8, layers=1),
    "dilated-conv": lambda: DilatedConv(SIZES, WINDOW, width=8),
    "biaxial": lambda: Biaxial((3,) * 5, WINDOW, time=(6,), note=(4,), lowest=60),
    "roll-attention": lambda: RollAttention((3,) * 5, WINDOW, hidden=8, heads=2, units=4),
    "velocity-lstm": lambda: VelocityLSTM((10,) * 5, WINDOW, hidden=8, units=4),
    "note-time-pair": lambda: NoteTimePair(
        (6, 5, 7), WINDOW, seconds=[k / 8 for k in range(7)], hidden=(8, 6, 4)
    ),
}


def made(name: str) -> Any:
    torch.manual_seed(0)
    return ENDLESS[name]().eval()


def sequences(sizes: tuple[int, ...], lengths: tuple[int, ...] = (30, 5, 17)) -> list[Any]:
    rng = np.random.default_rng(4)
    return [rng.integers(0, sizes, (length, len(sizes))) for length in lengths]


@pytest.mark.parametrize("name", ENDLESS)
def test_whole_sequences_are_steps_one_by_one(name: str) -> None:
    # Far longer than the window: such a model goes on, and its state with it.
    model = made(name)
    whole = TorchScorer(model).score(sequences(model.sizes), 1)
    steps = StepScorer(ScoringEngine(model)).score(sequences(model.sizes), 1)
    for one, other in zip(whole.nats, steps.nats, strict=True):
        assert one.shape == other.shape and len(one)
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    for one, other in zip(whole.reliability, steps.reliability, strict=True):
        np.testing.assert_allclose(one.table, other.table, rtol=1e-3, atol=1e-3)


def test_a_model_that_forgets_is_stepped() -> None:
    torch.manual_seed(0)
    model = NoteTransformer(SIZES, WINDOW, width=16, layers=1, heads_per_layer=2).eval()
    rows = sequences(SIZES)
    whole = TorchScorer(model).score(rows, 1).nats[0]
    steps = StepScorer(TorchEngine(model)).score(rows, 1).nats[0]
    np.testing.assert_allclose(whole[: WINDOW - 1], steps[: WINDOW - 1], rtol=1e-4)
    assert np.abs(whole[WINDOW:] - steps[WINDOW:]).max() > 1e-4
    assert not model.endless


@pytest.mark.parametrize("stepped", [False, True])
def test_it_does_not_matter_what_stands_beside(stepped: bool) -> None:
    model = made("note-lstm")
    scorer = StepScorer(TorchEngine(model)) if stepped else TorchScorer(model)
    rows = sequences(SIZES, (30, 2, 17, 30, 9))
    together = scorer.score(rows, 1)
    for each, expected in zip(rows, together.nats, strict=True):
        np.testing.assert_allclose(scorer.score([each], 1).nats[0], expected, rtol=1e-5)


def test_the_nats_are_those_of_training() -> None:
    model = made("note-lstm")
    rows = torch.from_numpy(sequences(SIZES, (20,))[0])[None]
    with torch.no_grad():
        expected = model.scores(rows[:, :-1], rows[:, 1:], torch.ones(1, 19, dtype=torch.bool))
    told = TorchScorer(model).score([rows[0].numpy()], 1).nats[0].sum(axis=0)
    np.testing.assert_allclose(told, expected.numpy(), rtol=1e-5)


def test_a_net_that_plays_the_nearest_time_is_scored_by_its_density() -> None:
    model = made("note-time-pair")
    rows = torch.from_numpy(sequences(model.sizes, (12,))[0])[None]
    with torch.no_grad():
        expected = model.scores(rows[:, :-1], rows[:, 1:], torch.ones(1, 11, dtype=torch.bool))
    told = TorchScorer(model).score([rows[0].numpy()], 1).nats[0].sum(axis=0)
    np.testing.assert_allclose(told, expected.numpy(), rtol=1e-5)


def test_rows_that_are_read_only_are_not_told() -> None:
    model = made("note-lstm")
    rows = sequences(SIZES)
    every, later = (TorchScorer(model).score(rows, skip).nats for skip in (1, 10))
    for one, other in zip(every, later, strict=True):
        np.testing.assert_allclose(one[9:], other)
    assert [len(each) for each in later] == [20, 0, 7]


def test_onnx_begins_where_torch_does(tmp_path: Path) -> None:
    """Ages of keys begin at long ago: with zeros every key would have just been struck."""
    model = made("roll-attention")
    exported = export(model)
    fills = [each.get("fill", 0) for each in exported.state]
    assert fills[0] > 0 and not any(fills[1:])
    for name, graph in exported.onnx.items():
        (tmp_path / name).write_bytes(graph)
    index = {
        "sizes": list(model.sizes),
        "state": exported.state,
        "engine": exported.engine,
        "sha256": dict.fromkeys(exported.onnx, ""),
    }
    onnx = StepScorer(OnnxEngine(bundles.Bundle(tmp_path, index)))
    rows = sequences(model.sizes, (12, 4))
    for one, other in zip(
        onnx.score(rows, 1).nats, TorchScorer(model).score(rows, 1).nats, strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-3)


def test_a_bundle_is_scored_alike_by_onnx_and_torch(run_path: Path) -> None:
    bundle = bundles.load(run_path)
    rows = sequences(bundle.sizes, (40, 12))
    by_torch, by_onnx = make_scorer(bundle), StepScorer(make_engine(bundle, "onnx"))
    assert (by_torch.name, by_onnx.name) == ("torch", "onnx")
    for one, other in zip(by_torch.score(rows, 1).nats, by_onnx.score(rows, 1).nats, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_fitted_encoding_gives_rows_that_are_fitted() -> None:
    """Adapting them once more would be another piece: symbols would be taken for those of the
    universe."""
    encoding = encodings.get("note_chord", rhythm=True)
    score = chorale(1)
    universe = encoding.encode(score).rows
    counts = [np.bincount(universe[:, k], minlength=s) for k, s in enumerate(encoding.layout.sizes)]
    fitted = encoding.fit(counts)
    np.testing.assert_array_equal(fitted.encode(score).rows, fitted.adapt(universe))
    index = {"sizes": fitted.layout.sizes, "header": {}}
    bundle = bundles.Bundle(Path("nowhere"), index)
    bundle.__dict__["encoding"] = fitted
    rows, _ = prompt_rows(bundle, fitted, score)
    np.testing.assert_array_equal(rows, fitted.adapt(universe)[:-1])
