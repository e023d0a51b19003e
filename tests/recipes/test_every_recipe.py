"""Every recipe's tiny twin trains a few steps and plays music that a file can hold.

By the two commands that a user gives. The twins play by torch: `tests/models` exports a model of
each kind to ONNX, which takes longer. `make every-recipe` does it at full size on real music.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segue import formats, recipes
from segue.data import prepare
from segue.recipes import Recipe
from segue.training import shipping
from segue.training.export import Exported

STEPS = 3
SHORT = (
    "data.window=8",
    "train.batch=4",
    f"train.validate_every={STEPS}",
    "train.sample_rows=0",
    "train.held_out_limit=8",
    "train.warmup=1",
)
SMALL: dict[str, tuple[str, ...]] = {
    "velocity-vae": (
        "data.window=16",
        "model.latent=8",
        "model.hidden=16",
        "model.width=32",
        "model.blocks=1",
    ),
    "conv-vae": (
        "encoding={'name': 'piano_roll', 'unit': 'beats', 'lowest': 48, 'highest': 79}",
        "data.window=32",
        "model.latent=4",
        "model.dense=8",
    ),
    "window-lstm": ("model.hidden=[6, 6, 6]", "model.dense=4"),
    "window-norm-lstm": ("model.hidden=[6, 6]", "model.dense=4"),
    "window-flat-lstm": ("model.hidden=6",),
    "window-attention": ("model.hidden=6", "model.attention_units=4"),
    "note-lstm": ("model.hidden=12", "model.embedding=8", "model.layers=1"),
    "metre-transformer": ("model.width=16", "model.layers=1", "model.heads_per_layer=2"),
    "note-transformer": ("model.width=16", "model.layers=1", "model.heads_per_layer=2"),
    "symbol-lstm": ("model.hidden=[12]",),
    "dilated-conv": ("model.width=8", "model.layers=2", "model.stacks=1"),
    "blues-lstm": (),
    "biaxial": ("data.window=16", "model.time=[8]", "model.note=[6]"),
    "image-lstm": ("model.hidden=8", "train.accumulate=1"),
    "velocity-lstm": ("model.hidden=8", "model.layers=1", "model.units=4"),
    "roll-attention": ("model.hidden=8", "model.layers=1", "model.units=4"),
    "window-roll-attention": ("model.hidden=[8, 6, 4]", "model.dense=[6, 4]"),
    "note-time-pair": ("model.hidden=[8, 6, 4]",),
    "lulea-nes-cascade": (
        "model.hidden=8",
        "model.number_width=8",
        "model.wait_width=8",
        # Of one that has learned nothing the likeliest event is always the same.
        "model.in_turn=false",
        "generate.temperature=1.0",
    ),
}
"""What makes a recipe small enough for a test, by its own name or its model's.

One without a row gets its size `tiny`; where that does not do, it needs a row.
"""


def small(name: str) -> tuple[str, ...]:
    """The overrides of a recipe's tiny twin; later ones stand over earlier ones."""
    recipe = recipes.load(name)
    for key in (name, recipe.model.name):
        if key in SMALL:
            return (*SHORT, *SMALL[key])
    assert "tiny" in recipe.sizes, f"{name}: a new recipe needs a row in SMALL or a size `tiny`."
    return (*recipe.sizes["tiny"], *SHORT)


@pytest.fixture(scope="module")
def corpus_for(
    chorales: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Recipe], Path]:
    """The chorales in a recipe's encoding, prepared once an encoding."""
    root = tmp_path_factory.mktemp("corpora")
    made: dict[str, Path] = {}

    def corpus(recipe: Recipe) -> Path:
        encoding = recipes.build_encoding(recipe)
        key = str(encoding.state())
        if key not in made:
            prepare(chorales, root / str(len(made)), encoding, workers=0)
            made[key] = root / str(len(made))
        return made[key]

    return corpus


@pytest.mark.parametrize("name", recipes.names())
def test_a_tiny_twin_trains_and_plays(
    name: str,
    corpus_for: Callable[[Recipe], Path],
    segue: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shipping, "export", lambda model: Exported({}))
    changes = [word for change in small(name) for word in ("--set", change)]
    corpus, run = corpus_for(recipes.load(name, small(name))), tmp_path / "run"
    words = ["train", "--recipe", name, "--data", corpus, "--max-steps", STEPS, "--out", run]
    trained = segue(*words, "--seed", 1, *changes, "--json")
    assert trained.code == 0, trained.err
    assert trained.json["steps"] == STEPS
    assert trained.json["held_out"]["rows"] > 0

    out = tmp_path / "out"
    played = segue(
        "generate", run, "-n", 1, "--seed", 1, "--bars", 2, "--formats", "mid", "-o", out
    )
    assert played.code == 0, played.err
    (path,) = out.glob("*.mid")
    reading = formats.read_reported(path)
    checks = json.loads(path.with_suffix(".json").read_text("utf-8"))["checks"]
    assert len(reading.score) == checks["notes"] > 0
    assert not reading.repairs
    assert checks["overlapping_notes"] == checks["empty_notes"] == 0
