"""Fine-tuning: starts from the bundle's weights, all of them or at low rank."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from segue import bundles, recipes
from segue.data import Corpus
from segue.errors import TrainingError
from segue.models.note_lstm import NoteLSTM
from segue.training.finetune import (
    Tuning,
    add_low_rank,
    in_encoding_of,
    merge_low_rank,
    tuned_recipe,
)
from segue.training.run import resume, train

SIZES = (5, 3, 9)


def tuned(run_path: Path, corpus_path: Path, out: Path, lora: int, steps: int = 4) -> Path:
    bundle = bundles.load(run_path)
    small = [f"train.max_steps={steps}", "train.validate_every=2", "train.sample_rows=0"]
    recipe = tuned_recipe(bundle, lora, small)
    corpus = in_encoding_of(Corpus.open(corpus_path), bundle)
    tuning = Tuning(str(bundle.path), bundle.hash, lora)
    train(corpus, recipe, out, seed=3, tuning=tuning)
    return out


def weights(run: Path) -> dict[str, np.ndarray]:
    return dict(load_file(run / "bundle" / "model.safetensors"))


def test_low_rank_changes_start_at_nothing_and_merge_into_the_weights() -> None:
    torch.manual_seed(0)
    model = NoteLSTM(SIZES, window=6, embedding=32, hidden=32).eval()
    rows = torch.stack([torch.randint(0, v, (2, 6)) for v in SIZES], dim=-1)
    before = model.features(rows)
    names = set(model.state_dict())
    add_low_rank(model, 4)
    torch.testing.assert_close(model.features(rows), before)
    trainable = [n for n, p in model.named_parameters() if p.requires_grad]
    assert trainable
    assert all(n.endswith((".0.a", ".0.b")) for n in trainable)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(".b"):
                parameter.normal_()
    changed = model.features(rows)
    assert not torch.allclose(changed, before)
    merge_low_rank(model)
    assert set(model.state_dict()) == names
    torch.testing.assert_close(model.features(rows), changed)


def test_a_model_too_small_for_the_rank_is_refused() -> None:
    with pytest.raises(TrainingError, match="no weight of this model is large enough"):
        add_low_rank(NoteLSTM(SIZES, window=6, embedding=8, hidden=8), 4)


@pytest.mark.parametrize("lora", [0, 2])
def test_a_tuned_model_beats_the_one_it_started_from(
    run_path: Path, corpus_path: Path, tmp_path: Path, lora: int
) -> None:
    run = tuned(run_path, corpus_path, tmp_path / "run", lora, steps=8)
    before = bundles.load(run_path).index["held_out"]["nats"]["model"]
    after = bundles.load(run).index["held_out"]["nats"]["model"]
    assert after < before
    assert weights(run).keys() == weights(run_path).keys()


def test_a_resumed_low_rank_run_equals_an_uninterrupted_one(
    run_path: Path, corpus_path: Path, tmp_path: Path
) -> None:
    whole = tuned(run_path, corpus_path, tmp_path / "whole", 2, steps=4)
    halves = tuned(run_path, corpus_path, tmp_path / "halves", 2, steps=2)
    resume(halves, max_steps=4)
    first, second = weights(whole), weights(halves)
    assert all(np.array_equal(first[k], second[k]) for k in first)


def test_another_encoding_is_refused(run_path: Path, chorales: Path, tmp_path: Path) -> None:
    from segue import encodings
    from segue.data import prepare

    other = prepare(chorales, tmp_path / "corpus", encodings.get("note_chord"), workers=0)
    with pytest.raises(TrainingError, match="is in the encoding note_chord"):
        in_encoding_of(other, bundles.load(run_path))


def test_a_bundle_that_changed_since_is_refused(
    run_path: Path, corpus_path: Path, tmp_path: Path
) -> None:
    recipe = recipes.load(run_path / "bundle" / "recipe.toml")
    tuning = Tuning(str(run_path), "0" * 64)
    with pytest.raises(TrainingError, match="is not the bundle this run was started from"):
        train(Corpus.open(corpus_path), recipe, tmp_path / "run", tuning=tuning)


def test_the_command_tunes_on_raw_music(
    segue: object, run_path: Path, chorales: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ran = segue(  # type: ignore[operator]
        "train", chorales, "--from", run_path, "--max-steps", 2, "--seed", 1, "-o", run, "--json"
    )
    assert ran.code == 0, ran.err
    assert ran.json["steps"] == 2
    environment = json.loads((run / "environment.json").read_text())
    assert environment["tuning"]["bundle_hash"] == bundles.load(run_path).hash
