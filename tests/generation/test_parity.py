"""Engines beside each other, int8, and what `segue export` writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segue import bundles
from segue.bundles import Bundle
from segue.errors import BundleError
from segue.generation import generate
from segue.generation.parity import Parity, parity


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def test_onnx_plays_what_torch_plays(bundle: Bundle) -> None:
    found = parity(bundle, "onnx", steps=100)
    found.check()
    assert found.greedy_equal
    assert found.max_logit_difference < 1e-3
    assert abs(found.rise) < 1e-4


def test_int8_is_near(bundle: Bundle) -> None:
    found = parity(bundle, "int8", steps=100)
    found.check()
    assert 0 < found.max_logit_difference < 1
    assert abs(found.rise) < 0.01
    assert len(generate(bundle, bars=2, seed=1, engine="int8")[0].score)


GOOD = Parity("onnx", "torch", 1e-5, True, 2.0, 2.0, 0.0)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (replace(GOOD, engine="int8", rise=0.02), "int8 costs 2.0 % more nats"),
        (replace(GOOD, greedy_equal=False), "or play other music"),
        (replace(GOOD, max_logit_difference=0.1), "differ from torch by 0.1"),
    ],
)
def test_what_is_too_far_is_refused(wrong: Parity, sentence: str) -> None:
    GOOD.check()
    with pytest.raises(BundleError, match=sentence):
        wrong.check()


@pytest.mark.parametrize("form", ["onnx", "int8"])
def test_export_writes_graphs_that_load(
    segue: Any, run_path: Path, tmp_path: Path, form: str
) -> None:
    import onnxruntime

    ran = segue("export", run_path, "--to", form, "-o", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["parity"]["engine"] == form
    facts = json.loads((tmp_path / "out" / "graphs.json").read_text())
    assert list(told["graphs"]) == ["model.onnx", *(f"head_{k}.onnx" for k in range(5))]
    for name in told["graphs"]:
        session = onnxruntime.InferenceSession(
            tmp_path / "out" / name, providers=["CPUExecutionProvider"]
        )
        assert session.get_inputs()
    assert list(facts["columns"]) == ["onset", "track", "pitch", "duration", "velocity"]


def test_an_unknown_form_gets_the_nearest(segue: Any, run_path: Path, tmp_path: Path) -> None:
    ran = segue("export", run_path, "--to", "int", "-o", tmp_path)
    assert ran.code != 0
    assert "did you mean 'int8'" in ran.err
