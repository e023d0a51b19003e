"""How many parameters a recipe's model has, told in milliseconds."""

from __future__ import annotations

import importlib.util

from segue.recipes.builder import build_model, sizes_of
from segue.recipes.schema import Recipe


def count_parameters(recipe: Recipe, sizes: tuple[int, ...] | None = None) -> int | None:
    """The parameters at vocabulary `sizes` (see `sizes_of`); None where torch is not installed.

    No weight is drawn, so that all recipes can be listed at once. Raises RecipeError as
    `build_model` does.
    """
    if importlib.util.find_spec("torch") is None:
        return None
    from segue.models.base import parameter_count
    from segue.models.weightless import weightless

    with weightless():
        model = build_model(recipe, sizes or sizes_of(recipe))
    return parameter_count(model)
