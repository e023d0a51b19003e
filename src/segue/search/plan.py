"""What a search is told to do: the recipe, the space, the corpus, and how long trials are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from segue.data import Corpus
from segue.errors import RecipeError, nearest
from segue.recipes import Recipe
from segue.search import fit
from segue.search.samplers import PRUNERS, SAMPLERS
from segue.search.space import Space

LOOKS = 5
"""Looks at held-out data in a trial with a number of steps of its own."""


@dataclass(frozen=True)
class Plan:
    """A search: `trials` trainings of `recipe` at points of `space`, judged on `corpus`.

    Every trial has the same seed, so that points are compared and not luck. `trial_steps` and
    `trial_minutes` bound a trial; `keep` keeps every trial's checkpoints, which otherwise only the
    best trial has.
    """

    recipe: Recipe
    space: Space
    corpus: Corpus
    trials: int
    seed: int = 0
    sampler: str = "tpe"
    pruner: str = "median"
    trial_steps: int | None = None
    trial_minutes: float | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        for name, table in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
            given = getattr(self, name)
            if given not in table:
                raise RecipeError(f"there is no {name} {given!r}; {nearest(given, table)}.")

    def check(self) -> None:
        """RecipeError if the recipe cannot be trained at the ends of the space."""
        fit.check(self.space, self.trial_recipe, self.corpus.encoding.layout.sizes)

    @cached_property
    def trial_recipe(self) -> Recipe:
        """The recipe as trials train it: their own number of steps, and no takes on the way."""
        table: dict[str, Any] = {"sample_rows": 0}
        if self.trial_steps is not None:
            every = min(self.recipe.train.validate_every, math.ceil(self.trial_steps / LOOKS))
            table |= {"max_steps": self.trial_steps, "validate_every": every}
        train = self.recipe.train.model_copy(update=table)
        return self.recipe.model_copy(update={"train": train, "reference": None})

    def best_recipe(self, labels: dict[str, Any], told: str) -> Recipe:
        """The recipe at a point, with its own number of steps, and `told` among its notes."""
        found = self.space.recipe(self.recipe, labels)
        changes: dict[str, Any] = {
            "name": f"{self.recipe.name}-best",
            "notes": "\n".join(filter(None, (found.notes.rstrip(), told))),
        }
        if any(key.startswith("model.") for key in labels):
            # The count and the sizes that the recipe states are of other models.
            changes |= {"reference": None, "sizes": {}}
        return found.model_copy(update=changes)

    @property
    def facts(self) -> dict[str, Any]:
        """What all trials of a study share; two calls with the same facts may share a study."""
        recipe = self.trial_recipe.model_dump(
            mode="json", exclude_none=True, include={"encoding", "model", "data", "train"}
        )
        return {
            "recipe": recipe,
            "space": self.space.as_dict(),
            "corpus": self.corpus.hash,
            "seed": self.seed,
            "trial_minutes": self.trial_minutes,
        }


@dataclass(frozen=True)
class Place:
    """Where a search is kept: its folder, and the database and study that workers share."""

    folder: Path
    storage: str | None = None
    study: str | None = None

    @property
    def trials(self) -> Path:
        """The run folders."""
        return self.folder / "trials"

    def trial(self, number: int) -> Path:
        """A trial's run folder."""
        return self.trials / f"{number:04d}"

    @property
    def workers(self) -> Path:
        """The locks of those at work."""
        return self.folder / "workers"

    @property
    def best(self) -> Path:
        """The best recipe."""
        return self.folder / "best.toml"

    @property
    def table(self) -> Path:
        """Every trial as JSON."""
        return self.folder / "trials.json"

    @property
    def mark(self) -> Path:
        """Which study the folder belongs to."""
        return self.folder / "search.json"
