"""Recipes: every one on disk loads and builds; wrong ones are refused in one sentence."""

from pathlib import Path

import pytest

from segue import recipes
from segue.errors import RecipeError
from segue.models.base import parameter_count
from segue.recipes.counting import count_parameters
from segue.recipes.library import to_toml

COUNT = 40


def test_the_number_of_recipes_is_known() -> None:
    assert len(recipes.names()) == COUNT


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_builds_with_the_count_it_states(name: str) -> None:
    """Built without weights: drawing those of the largest takes half a minute."""
    recipe = recipes.load(name)
    parameters = count_parameters(recipe)
    assert parameters
    if recipe.reference is not None:
        assert parameters == recipe.reference.parameters


@pytest.mark.parametrize("name", recipes.names())
def test_a_resolved_recipe_reads_back_the_same(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name, ["train.lr=3e-4", "train.held_out_limit=7"])
    (tmp_path / "recipe.toml").write_text(to_toml(recipe))
    assert recipes.load(tmp_path / "recipe.toml") == recipe


def test_skuldur_2017_is_the_original() -> None:
    recipe = recipes.load("skuldur-2017")
    model = recipes.build_model(recipe, (352,), seed=0)
    assert parameter_count(model) == 5_472_864
    assert (recipe.data.window, recipe.data.objective) == (100, "last")
    assert (recipe.train.optimiser, recipe.train.batch) == ("rmsprop", 64)


def test_overrides_change_one_key() -> None:
    recipe = recipes.load("chorale-lstm", ["train.lr=3e-4", "model.hidden=64"])
    assert recipe.train.lr == 3e-4
    assert recipe.model.options["hidden"] == 64


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("train.lrr=1", "unknown key 'train.lrr'; did you mean 'lr'"),
        ("train.lr=fast", "train.lr came as 'fast'"),
        ("train.lr=-1", "train.lr came as -1"),
        ("train.lr", "has no '='"),
        ("speed=3", "unknown key 'speed'"),
        ("name.x=3", "'name' is not a table"),
    ],
)
def test_wrong_overrides_are_refused(override: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        recipes.load("chorale-lstm", [override])


def test_an_unknown_recipe_gets_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match="did you mean 'skuldur-2017'"):
        recipes.load("skuldr-2017")


def test_an_unknown_model_option_gets_the_nearest_name() -> None:
    recipe = recipes.load("chorale-lstm", ["model.hiden=3"])
    with pytest.raises(RecipeError, match="did you mean 'hidden'"):
        recipes.build_model(recipe, (3, 3, 3, 3, 3))


def test_the_same_seed_draws_the_same_weights() -> None:
    recipe = recipes.load("chorale-lstm", ["model.hidden=8", "model.embedding=8"])
    first, again, other = (recipes.build_model(recipe, (3,) * 5, seed=s) for s in (1, 1, 2))
    pairs = zip(first.parameters(), again.parameters(), strict=True)
    assert all(bool((a == b).all()) for a, b in pairs)
    assert any(
        bool((a != b).any()) for a, b in zip(first.parameters(), other.parameters(), strict=True)
    )
