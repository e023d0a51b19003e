"""Every recipe's tiny twin prepares, trains a few steps and plays music that a file can hold.

The twins play by torch: `tests/models` exports a model of each kind to ONNX, which takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import segue
from segue import bundles, recipes
from segue.data import Corpus, prepare
from segue.generation import generate
from segue.recipes import Recipe
from segue.training import shipping
from segue.training.export import Exported
from segue.training.run import train

STEPS = 3
SHORT = (
    "data.window=8",
    "train.batch=4",
    f"train.max_steps={STEPS}",
    f"train.validate_every={STEPS}",
    "train.sample_rows=0",
    "train.held_out_limit=8",
    "train.warmup=1",
)
SMALL: dict[str, tuple[str, ...]] = {
    "window-lstm": ("model.hidden=[6, 6, 6]", "model.dense=4"),
    "window-norm-lstm": ("model.hidden=[6, 6]", "model.dense=4"),
    "window-flat-lstm": ("model.hidden=6",),
    "window-attention": ("model.hidden=6", "model.attention_units=4"),
    "note-lstm": ("model.hidden=12", "model.embedding=8", "model.layers=1"),
    "note-transformer": ("model.width=16", "model.layers=1", "model.heads_per_layer=2"),
    "symbol-lstm": ("model.hidden=[12]",),
    "dilated-conv": ("model.width=8", "model.layers=2", "model.stacks=1"),
    "blues-lstm": (),
}
"""What makes a model small enough for a test; a new model needs a row."""


@pytest.fixture(scope="module")
def corpus_for(
    chorales: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Recipe], Corpus]:
    """The chorales in a recipe's encoding, prepared once an encoding."""
    root = tmp_path_factory.mktemp("corpora")
    made: dict[str, Path] = {}

    def corpus(recipe: Recipe) -> Corpus:
        encoding = recipes.build_encoding(recipe)
        key = str(encoding.state())
        if key not in made:
            out = root / str(len(made))
            prepare(chorales, out, encoding, workers=0)
            made[key] = out
        return Corpus.open(made[key])

    return corpus


@pytest.mark.parametrize("name", recipes.names())
def test_a_tiny_twin_trains_and_plays(
    name: str,
    corpus_for: Callable[[Recipe], Corpus],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = recipes.load(name, [*SHORT, *SMALL[recipes.load(name).model.name]])
    graphs = {"model.onnx": b"", "heads.onnx": b""}
    monkeypatch.setattr(shipping, "export", lambda model: Exported(graphs, [], 0.0))
    outcome = train(corpus_for(twin), twin, tmp_path / "run", seed=1)
    assert outcome.steps == STEPS
    assert outcome.held_out is not None
    assert outcome.held_out["rows"] > 0
    take = generate(bundles.load(tmp_path / "run"), bars=2, seed=1, engine="torch")[0]
    take.save(tmp_path / "take", [".mid"])
    again = segue.read(tmp_path / "take.mid")
    assert len(again) > 0
    kept = ["onset", "duration", "pitch", "velocity"]
    assert sorted(again.notes[kept].tolist()) == sorted(take.score.notes[kept].tolist())
    assert take.receipt["checks"]["overlapping_notes"] == 0
    assert take.receipt["checks"]["empty_notes"] == 0
