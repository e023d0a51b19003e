"""From a recipe to its parts: the encoding, and the model where torch is installed."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from segue import encodings
from segue.encodings.base import Encoding
from segue.errors import DataError, MissingExtraError, RecipeError, nearest
from segue.recipes.schema import Recipe

if TYPE_CHECKING:
    from segue.data.filters import Filters
    from segue.models.base import Model


def build_encoding(recipe: Recipe) -> Encoding:
    """The recipe's encoding, not yet fitted; RecipeError for an unknown name or option."""
    try:
        return encodings.get(recipe.encoding.name, **recipe.encoding.options)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"recipe {recipe.name}: [encoding] {error}") from None


def build_filters(recipe: Recipe) -> Filters:
    """What the recipe asks of a piece; RecipeError for values that make no sense."""
    from segue.data.filters import Filters

    try:
        return Filters(**recipe.data.filter.model_dump())
    except DataError as error:
        raise RecipeError(f"recipe {recipe.name}: [data.filter] {error}") from None


def build_model(recipe: Recipe, sizes: tuple[int, ...], seed: int | None = None) -> Model:
    """The recipe's model for rows with columns of these vocabulary `sizes`.

    With a `seed` the weights are drawn from it, whatever was drawn before. Raises RecipeError for
    an unknown model or option, MissingExtraError without torch.
    """
    require_torch("building a model")
    import torch

    from segue import models

    cls = models.find(recipe.model.name)
    options = recipe.model.options
    asked = inspect.signature(cls).parameters
    allowed = [p for p in asked if p not in ("sizes", "window", *_FACTS)]
    for key in options:
        if key not in allowed:
            raise RecipeError(
                f"recipe {recipe.name}: [model] has no {key!r}; {nearest(key, allowed)}."
            )
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        try:
            facts = _facts(recipe, asked)
            model: Model = cls(sizes=sizes, window=recipe.data.window, **facts, **options)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"recipe {recipe.name}: [model] {error}") from None
    return model


_FACTS: dict[str, Callable[[Any], Any]] = {
    "seconds": lambda encoding: encoding.seconds.tolist(),
    "waits": lambda encoding: encoding.waits.tolist(),
    "clock": lambda encoding: encoding.clock,
    "types": lambda encoding: [
        (block.name, *numbers)
        for block, numbers in zip(
            encoding.layout.columns[0].blocks, encoding.grammar().numbers, strict=False
        )
    ],
}
"""What a model may ask of the encoding, by the name of a parameter: what time symbols last, what
wait symbols last, how rows of notes tell the time, and each type of event with its first number and
the one past its last."""


def _facts(recipe: Recipe, asked: Iterable[str]) -> dict[str, Any]:
    """What the encoding tells the model; RecipeError if it cannot."""
    wanted = [name for name in asked if name in _FACTS]
    if not wanted:
        return {}
    encoding = build_encoding(recipe)
    try:
        return {name: _FACTS[name](encoding) for name in wanted}
    except AttributeError:
        raise RecipeError(
            f"recipe {recipe.name}: the model {recipe.model.name} asks for {' and '.join(wanted)}, "
            f"which the encoding {encoding.name} does not have: change one of the two."
        ) from None


def sizes_of(recipe: Recipe) -> tuple[int, ...]:
    """The vocabulary sizes to state counts at: the recipe's reference, else the encoding's own."""
    if recipe.reference is not None and recipe.reference.sizes:
        return recipe.reference.sizes
    return build_encoding(recipe).layout.sizes


def require_torch(job: str) -> None:
    """MissingExtraError if torch cannot be imported."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError(job, "torch", "train")


def describe(recipe: Recipe, sizes: tuple[int, ...]) -> dict[str, Any]:
    """What `segue recipes show` prints: layers with parameter counts, and what the encoding keeps.

    Counts follow Keras where the systems do: non-trainable batch-norm statistics are included,
    the second bias of a recurrent layer is not (see `models.base.parameter_count`).
    """
    from segue.models.base import layer_table, parameter_count

    model = build_model(recipe, sizes, seed=0)
    encoding = build_encoding(recipe)
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "system": recipe.system,
        "family": recipe.family,
        "notes": recipe.notes,
        "vocabulary": list(sizes),
        "parameters": parameter_count(model),
        "layers": layer_table(model),
        "keeps": list(encoding.keeps),
        "loses": list(encoding.loses),
        "recipe": recipe.model_dump(mode="json", exclude_none=True),
    }
