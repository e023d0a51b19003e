"""`--size auto`: the largest of a recipe's sizes that corpus and machine can take."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from segue.data import Corpus
from segue.data.verdict import parameters_fed
from segue.errors import RecipeError, nearest
from segue.models.base import parameter_count
from segue.recipes import Recipe, build_model, resolve

AUTO = "auto"
CORE_RATE = 60e9
"""Operations a second that one core sustains in training a small network (fp32, measured)."""
GPU_RATE = 20e12
DEFAULT_MINUTES = 30.0
"""How long `auto` lets a run's own number of steps take, without --max-minutes."""


@dataclass(frozen=True)
class Sized:
    """A recipe at one size, and what decided it."""

    name: str
    recipe: Recipe
    parameters: int
    minutes: float


def apply_size(recipe: Recipe, name: str) -> Recipe:
    """`recipe` at the size `name`; RecipeError for one it does not have."""
    if name not in recipe.sizes:
        allowed = [*recipe.sizes, AUTO] if recipe.sizes else []
        known = nearest(name, allowed) if allowed else "it has only the one it states"
        raise RecipeError(f"recipe {recipe.name} has no size {name!r}; {known}.")
    return resolve(recipe.model_dump(mode="json", exclude_none=True), recipe.sizes[name])


def fitting(recipe: Recipe, corpus: Corpus, minutes: float | None) -> tuple[Sized, list[Sized]]:
    """The largest size within both bounds (else the smallest), and all that were looked at.

    A size fits the corpus if its parameters are at most what `data.verdict` says the training
    split can feed, and the machine if its steps, at six operations a parameter and row (Kaplan
    et al. 2020), take at most `minutes`.
    """
    if not recipe.sizes:
        raise RecipeError(f"recipe {recipe.name} has no sizes to choose from: leave --size out.")
    most = parameters_fed(corpus.facts)[1]
    limit = DEFAULT_MINUTES if minutes is None else minutes
    looked_at = [_sized(name, recipe, corpus) for name in recipe.sizes]
    looked_at.sort(key=lambda sized: sized.parameters)
    fit = [s for s in looked_at if s.parameters <= most and s.minutes <= limit]
    return (fit or looked_at[:1])[-1], looked_at


def _sized(name: str, recipe: Recipe, corpus: Corpus) -> Sized:
    sized = apply_size(recipe, name)
    parameters = parameter_count(build_model(sized, corpus.encoding.layout.sizes, seed=0))
    rows = sized.train.max_steps * sized.train.batch * sized.data.window
    rate = GPU_RATE if torch.cuda.is_available() else CORE_RATE * (os.cpu_count() or 1)
    return Sized(name, sized, parameters, 6 * parameters * rows / rate / 60)
