"""The run folder: what it holds and where.

runs/NAME/
  recipe.toml            resolved: every default written out
  corpus.json            where the corpus is, its hash, split and counts
  environment.json       versions, device, seed
  metrics.jsonl          one line a logged step
  tensorboard/
  samples/step-000500/   .mid and .png at each validation
  checkpoints/{last,best}.ckpt
  bundle/
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from segue import __version__
from segue.errors import BundleError, TrainingError
from segue.files import write_json, write_text
from segue.recipes.library import load as load_recipe
from segue.recipes.library import to_toml
from segue.recipes.schema import Recipe


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run."""

    root: Path

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.root / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest held-out loss."""
        return self.root / "checkpoints" / "best.ckpt"

    @property
    def metrics(self) -> Path:
        """One JSON object a line."""
        return self.root / "metrics.jsonl"

    @property
    def bundle(self) -> Path:
        """What the run ships."""
        return self.root / "bundle"

    @property
    def corpus(self) -> Path:
        """Where a corpus prepared for this run alone is kept."""
        return self.root / "corpus"

    def sample(self, step: int) -> Path:
        """The folder of the take made at a step."""
        return self.root / "samples" / f"step-{step:06d}"

    def begin(
        self,
        recipe: Recipe,
        corpus: dict[str, Any],
        seed: int,
        tuning: dict[str, Any] | None = None,
    ) -> None:
        """Write what is known before the first step; TrainingError if a run is there already."""
        if self.last.exists():
            raise TrainingError(
                f"{self.root} holds a run already: go on with `segue train --resume {self.root}`, "
                "or choose another folder with -o."
            )
        write_text(self.root / "recipe.toml", to_toml(recipe))
        write_json(self.root / "corpus.json", corpus)
        write_json(self.root / "environment.json", {**environment(seed), "tuning": tuning})
        self.metrics.unlink(missing_ok=True)

    def recipe(self) -> Recipe:
        """The resolved recipe."""
        self._check()
        return load_recipe(self.root / "recipe.toml")

    def facts(self, name: str) -> dict[str, Any]:
        """A JSON file of the run by stem: "corpus" or "environment"."""
        self._check()
        try:
            value: dict[str, Any] = json.loads((self.root / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"{self.root / name}.json cannot be read: {error}.") from None
        return value

    def _check(self) -> None:
        if not (self.root / "recipe.toml").is_file():
            raise TrainingError(
                f"{self.root} is not a run folder (it has no recipe.toml): "
                "give the folder that `segue train -o` wrote."
            )


def environment(seed: int) -> dict[str, Any]:
    """Versions, machine and seed."""
    packages = ("numpy", "symusic", "onnxruntime", "torch", "lightning")
    return {
        "segue": __version__,
        "seed": seed,
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "packages": {name: metadata.version(name) for name in packages},
    }
