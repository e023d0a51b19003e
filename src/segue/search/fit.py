"""Whether a space fits a recipe: its keys are there, may be searched, and take their ends."""

from __future__ import annotations

import inspect

import torch

from segue import models, recipes
from segue.errors import RecipeError, nearest
from segue.recipes import Recipe
from segue.search.space import Space

# What a search may not change, and why not.
FIXED = {
    "model.name": "each model has keys of its own: search one at a time",
    "data.objective": "it changes which rows are scored, and losses could not be compared",
    "train.max_steps": "every trial has the same: set it by --trial-steps",
    "train.validate_every": "trials are compared at the same steps: set it by --set",
    "train.held_out_limit": "it changes which rows are scored: set it by --set",
    "train.sample_rows": "it changes no loss",
}
TABLES_FIXED = {
    "encoding": "the corpus is prepared once, in one encoding: prepare and search one at a time",
    "generate": "it changes no loss",
    "reference": "it changes no loss",
}


def check(space: Space, recipe: Recipe, sizes: tuple[int, ...]) -> None:
    """RecipeError if `recipe` lacks a key of `space`, or cannot take the values at its ends.

    `sizes` are the vocabulary sizes of the corpus: the smallest and the largest model are built.
    """
    for dimension in space.dimensions:
        _check_key(dimension.key, space, recipe)
    ends = {d.key: d.ends for d in space.dimensions}
    first = {key: labels[0] for key, labels in ends.items()}
    for key, labels in ends.items():
        for label in labels:
            space.recipe(recipe, {**first, key: label})
    for corner in (0, -1):
        point = {key: labels[corner] for key, labels in ends.items()}
        try:
            with torch.device("meta"):  # sizes without numbers, so the largest costs nothing
                recipes.build_model(space.recipe(recipe, point), sizes)
        except RecipeError as error:
            told = ", ".join(f"{key} = {label}" for key, label in point.items())
            raise RecipeError(f"space {space.name}, at {told}: {error}") from None


def _check_key(key: str, space: Space, recipe: Recipe) -> None:
    table = key.split(".", maxsplit=1)[0]
    why = FIXED.get(key) or TABLES_FIXED.get(table)
    if key == "data.window" and recipe.data.objective == "last":
        why = FIXED["data.objective"]
    if why:
        raise RecipeError(f"space {space.name}: {key} cannot be searched: {why}.")
    allowed = [k for k in keys(recipe) if k not in FIXED]
    if key not in allowed:
        raise RecipeError(
            f"space {space.name}: recipe {recipe.name} has no key {key!r}; {nearest(key, allowed)}."
        )


def keys(recipe: Recipe) -> list[str]:
    """Every key of a recipe's model, data and training, as a space writes it."""
    tables = {"data": type(recipe.data).model_fields, "train": type(recipe.train).model_fields}
    found = [f"{table}.{key}" for table, fields in tables.items() for key in fields]
    model = inspect.signature(models.find(recipe.model.name)).parameters
    return [f"model.{key}" for key in model if key not in ("sizes", "window")] + found
