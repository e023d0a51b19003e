"""What is known of how a piece came to be: its receipt, the bundle, the run, the training music."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from segue import bundles
from segue.bundles import Bundle
from segue.data.scan import scan
from segue.errors import SegueError
from segue.evaluation.doctor import examine
from segue.formats import read
from segue.generation.take import receipt_of
from segue.judging.learning_curve import METRICS, Curve
from segue.recipes.library import load as load_recipe
from segue.recipes.schema import Recipe
from segue.score import Score

SAMPLE = 24
"""Training pieces looked at for the same fault."""
UNKNOWN = "BUNDLE"


@dataclass(frozen=True)
class Facts:
    """How a take was made; everything may be missing.

    `settings` are the receipt's, `bundle` what made it, `where` its path as a command names it,
    `folder` that of a run which has no bundle yet.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None
    where: str = UNKNOWN
    folder: Path | None = None

    @property
    def made(self) -> bool:
        """Whether it is known that a bundle made it."""
        return bool(self.settings) or self.bundle is not None

    @cached_property
    def run(self) -> Path | None:
        """The run that the bundle lies in, if it lies in one."""
        run = self.bundle.path.parent if self.bundle is not None else self.folder
        return run if run is not None and (run / METRICS).is_file() else None

    @cached_property
    def curve(self) -> Curve:
        """What its training logged."""
        return Curve.of(self.run) if self.run is not None else Curve()

    @property
    def held_out(self) -> Mapping[str, float]:
        """Nats a row of the model and of baselines; empty where the model has no such figure."""
        told = self.bundle.index.get("held_out", {}) if self.bundle else {}
        return dict(told.get("nats", {})) if told.get("unit", "nats") == "nats" else {}

    @cached_property
    def corpus(self) -> Mapping[str, Any]:
        """What the bundle, or a run without one, says of the music it learned from."""
        if self.bundle is not None:
            return dict(self.bundle.index.get("corpus", {}))
        return _object(self.folder / "corpus.json") if self.folder is not None else {}

    @cached_property
    def recipe(self) -> Recipe | None:
        """What it was trained with; None if that is not known."""
        if self.bundle is not None:
            return self.bundle.recipe
        told = self.folder / "recipe.toml" if self.folder is not None else None
        return load_recipe(told) if told is not None and told.is_file() else None

    @property
    def temperature(self) -> float | None:
        """The one the take was drawn at; None where nothing says so."""
        told = self.settings.get("temperature")
        return float(told) if isinstance(told, int | float) else None

    @property
    def training_faults(self) -> Mapping[str, float]:
        """For each symptom the share of training pieces, of a sample, that have it."""
        source = Path(str(self.corpus.get("source", "")))
        if not self.corpus.get("source") or not source.is_dir():
            return {}
        return faults_of(source)

    def bars_seen(self, score: Score) -> float | None:
        """How many bars of such music the model saw at once in training; None if not known."""
        if self.bundle is None or not len(score):
            return None
        rows = self.bundle.index.get("context") or self.bundle.recipe.data.window
        try:
            made = len(self.bundle.encoding.encode(score).rows)
        except SegueError:
            return None
        return float(rows * score.end_bars / made) if made else None

    # -- commands --------------------------------------------------------------------------------

    def play(self, *options: str) -> str:
        """The command that makes such a take again with other options."""
        way = str(self.settings.get("way", "generate"))
        way = way if way in ("generate", "continue") else "generate"
        words = ["segue", way, self.where, *(["PROMPT.mid"] if way == "continue" else [])]
        bars = self.settings.get("bars")
        if isinstance(bars, int | float) and bars and "--bars" not in options:
            words += ["--bars", f"{bars:g}"]
        return shlex.join([*words, *options])

    def train_on(self) -> str:
        """The command that goes on with the run, for twice as many steps as it has made."""
        if self.run is None:
            return shlex.join(["segue", "train", self.source(), "--recipe", self.name])
        steps = max(2 * self.curve.steps, 100)
        return shlex.join(["segue", "train", "--resume", str(self.run), "--max-steps", str(steps)])

    def train_anew(self, *options: str) -> str:
        """The command that trains the recipe anew with other options."""
        return shlex.join(["segue", "train", self.source(), "--recipe", self.name, *options])

    def source(self) -> str:
        """The folder it learned from, or a word for one."""
        return str(self.corpus.get("source") or "FOLDER")

    @property
    def name(self) -> str:
        """The name of its recipe, or a word for one."""
        return self.recipe.name if self.recipe is not None else "RECIPE"


@lru_cache(maxsize=8)
def faults_of(folder: Path) -> Mapping[str, float]:
    """For each symptom that some piece of a folder has, the share of pieces that have it.

    A sample is looked at, and once: takes of one bundle have learned from the same music.
    """
    files = scan(folder).music
    chosen = files[:: max(1, len(files) // SAMPLE)][:SAMPLE]
    counts: dict[str, int] = {}
    looked = 0
    for file in chosen:
        try:
            score = read(folder / file.path)
        except SegueError:
            continue
        looked += 1
        for finding in examine(score):
            counts[finding.symptom] = counts.get(finding.symptom, 0) + 1
    return {name: count / looked for name, count in counts.items()}


def facts_of_take(path: Path, score: Score, bundle: Path | None = None) -> Facts:
    """From the receipt beside a take or in its texts; `bundle` where it lies elsewhere now."""
    receipt = _sidecar(path) or receipt_of(score) or {}
    settings = receipt.get("settings")
    told = bundle or receipt.get("bundle_path")
    loaded = None
    if told is not None:
        try:
            loaded = bundles.load(Path(str(told)))
        except SegueError:
            if bundle is not None:
                raise
    where = str(told) if loaded is not None else str(receipt.get("bundle") or UNKNOWN)
    return Facts(settings if isinstance(settings, Mapping) else {}, loaded, where)


def _sidecar(path: Path) -> dict[str, Any] | None:
    found = _object(path.with_suffix(".json"))
    return found if "settings" in found else None


def _object(file: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
