"""A small space and plan that tests of a search share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from music import TINY
from segue import recipes
from segue.data import Corpus
from segue.search import space_file
from segue.search.plan import Plan
from segue.search.space import Space

SMALL = {
    "model.hidden": {"low": 4, "high": 16, "step": 4, "size": True},
    "train.lr": {"low": 0.003, "high": 0.03, "log": True},
}
FINITE = {
    "model.layers": {"low": 1, "high": 3},
    "train.schedule": {"choices": ["constant", "cosine"]},
    "data.transpose": {"choices": [[0, 0], [-2, 2]]},
}


def space(dimensions: dict[str, Any] | None = None) -> Space:
    return space_file.parse({"dimensions": dimensions or SMALL}, "small")


def plan(corpus: Path, trials: int, **changes: Any) -> Plan:
    told = {
        "recipe": recipes.load("chorale-lstm", TINY),
        "space": space(),
        "corpus": Corpus.open(corpus),
        "seed": 3,
        "trial_steps": 4,
        **changes,
    }
    return Plan(trials=trials, **told)
