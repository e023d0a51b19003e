"""A bundle whose graphs are in int8 already, and whose weights are in bfloat16."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue import bundles
from segue.errors import BundleError
from segue.generation import generate, make_engine
from segue.generation.int8 import quantised
from segue.generation.parity import parity
from segue.recipes import build_model


@pytest.mark.parametrize(
    ("asked", "is_called"),
    [("auto", "int8"), ("onnx", "int8"), ("int8", "int8"), ("torch", "torch")],
)
def test_engines_are_called_what_they_are(shipped: Path, asked: str, is_called: str) -> None:
    bundle = bundles.load()
    assert make_engine(bundle, asked).name == is_called
    (take,) = generate(bundle, bars=1, seed=1, engine=asked)
    assert take.receipt["engine"] == is_called


def test_graphs_that_are_small_are_played_as_they_are(
    shipped: Path, run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles.load()
    for name, graph in quantised(bundle).items():
        assert graph == (shipped / name).read_bytes()
        assert len(graph) < (run_path / "bundle" / name).stat().st_size
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # nor is onnx needed
    (mine,) = generate(bundle, bars=2, seed=1)
    monkeypatch.undo()
    (rounded,) = generate(bundles.load(run_path), bars=2, seed=1, engine="int8")
    assert set(quantised(bundle)) == set(bundle.graphs)
    assert len(mine.score) == len(rounded.score)


def test_weights_come_back_as_float32(shipped: Path, run_path: Path) -> None:
    small, whole = bundles.load(shipped).weights(), bundles.load(run_path).weights()
    size, known = (
        (each / "model.safetensors").stat().st_size for each in (shipped, run_path / "bundle")
    )
    assert size < 0.55 * known
    for name, array in whole.items():
        assert small[name].dtype == array.dtype
        np.testing.assert_allclose(small[name], array, rtol=2**-8)
    parity(bundles.load(shipped), "int8", steps=50).check()


@pytest.mark.parametrize("form", ["onnx", "int8"])
def test_both_forms_can_be_exported(segue: Any, shipped: Path, tmp_path: Path, form: str) -> None:
    ran = segue("export", "--to", form, "-o", tmp_path, "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["bundle"] == "segue-piano"
    assert told["parity"]["engine"] == form
    same = (tmp_path / "model.onnx").read_bytes() == (shipped / "model.onnx").read_bytes()
    assert same == (form == "int8")
    if form == "onnx":
        assert told["parity"]["greedy_equal"]
        assert told["parity"]["max_logit_difference"] < 1e-3


def test_it_can_be_learned_on_from(shipped: Path) -> None:
    import torch

    from segue.training.finetune import Tuning, tune, tuned_recipe

    bundle = bundles.load()
    recipe = tuned_recipe(bundle, 0, [])
    model = build_model(recipe, bundle.sizes, seed=5)
    tune(model, Tuning(str(bundle.path), bundle.hash), load=True)
    weights = bundle.weights()
    for name, tensor in model.state_dict().items():
        assert tensor.dtype == (torch.float32 if tensor.is_floating_point() else tensor.dtype)
        np.testing.assert_array_equal(tensor.numpy(), weights[name])


def test_it_stays_as_it_is(segue: Any, shipped: Path, chorales: Path, run_path: Path) -> None:
    before = sorted(path.name for path in shipped.iterdir())
    ran = segue("drift", "segue-piano", "--profile-from", chorales)
    assert ran.code == BundleError.exit_code
    assert "keeps its profile" in ran.err
    from segue.cli.updating import update

    with pytest.raises(BundleError, match="comes with Segue and stays as it is: copy"):
        update(shipped, chorales, None)  # type: ignore[arg-type]
    assert sorted(path.name for path in shipped.iterdir()) == before
