"""Spaces: read from TOML, scaled, put into recipes; wrong ones are refused in one sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch

from segue import recipes
from segue.errors import RecipeError
from segue.search import fit, space_file
from segue.search.space import Choice, Range, Space

COUNT = 1
SIZES = (5, 7, 9, 4, 6)


def space(text: str) -> Space:
    return space_file.parse(tomllib.loads(text), "mine")


def one(text: str) -> Any:
    """The only dimension of a space, its key `train.lr`."""
    return space(f'[dimensions]\n"train.lr" = {text}').dimensions[0]


def test_the_number_of_spaces_is_known() -> None:
    assert len(space_file.names()) == COUNT


@pytest.mark.parametrize("name", space_file.names())
def test_every_space_fits_the_small_recipe(name: str) -> None:
    found = space_file.load(name)
    assert found.summary
    fit.check(found, recipes.load("chorale-lstm"), SIZES)


@pytest.mark.parametrize("name", recipes.names())
def test_every_model_can_be_built_without_numbers(name: str) -> None:
    """The check of a space builds its largest model that way."""
    recipe = recipes.load(name)
    with torch.device("meta"):
        model = recipes.build_model(recipe, recipes.sizes_of(recipe))
    assert all(p.is_meta for p in model.parameters())


def test_aaa_lstm_is_the_search_of_the_seed() -> None:
    found = space_file.load("aaa-lstm")
    layers, hidden = found.dimensions
    assert layers == Range("model.layers", 1, 3)
    assert hidden == Range("model.hidden", 128, 1024, step=128, size=True)
    assert [hidden.label(i) for i in range(8)] == [128, 256, 384, 512, 640, 768, 896, 1024]
    assert found.points == 3 * 8


def test_the_number_of_layers_is_the_number_that_is_built() -> None:
    """The seed's code built one layer more than the number it chose."""
    found = space_file.load("aaa-lstm").scaled(0.125)
    for layers in (1, 2, 3):
        labels = {"model.layers": layers, "model.hidden": 16}
        recipe = found.recipe(recipes.load("chorale-lstm"), labels)
        model: Any = recipes.build_model(recipe, SIZES, seed=0)
        assert [layer.hidden_size for layer in model.layers] == [16] * layers


def test_scaling_changes_sizes_and_keeps_their_number() -> None:
    layers, hidden = space_file.load("aaa-lstm").scaled(0.125).dimensions
    assert layers == Range("model.layers", 1, 3)
    assert hidden == Range("model.hidden", 16, 128, step=16, size=True)
    odd = space_file.load("aaa-lstm").scaled(0.1).dimensions[1]
    assert isinstance(odd, Range)
    assert (odd.low, odd.step, odd.points) == (13, 13, 8)


def test_scaling_reaches_into_lists_and_never_below_one() -> None:
    found = Choice("model.hidden", ([512, 256], [8, 8], [4, 4]), size=True).scaled(0.125)
    assert found.choices == ([64, 32], [1, 1])


def test_tables_and_quoted_keys_mean_the_same() -> None:
    quoted = space('[dimensions]\n"model.layers" = { low = 1, high = 2 }')
    nested = space("[dimensions.model]\nlayers = { low = 1, high = 2 }")
    dotted = space("[dimensions]\nmodel.layers.low = 1\nmodel.layers.high = 2")
    assert quoted == nested == dotted


def test_whole_numbers_are_a_whole_range() -> None:
    whole, part = one("{ low = 1, high = 5 }"), one("{ low = 1.0, high = 5 }")
    assert (whole.whole, whole.points) == (True, 5)
    assert (part.whole, part.points) == (False, None)
    assert one("{ low = 0.0, high = 0.5, step = 0.1 }").points == 6


def test_a_point_becomes_a_recipe() -> None:
    found = space(
        """
        [dimensions]
        "train.lr" = { low = 1e-4, high = 1e-2, log = true }
        "data.transpose" = { choices = [[0, 0], [-5, 6]] }
        "train.schedule" = { choices = ["constant", "cosine"] }
        """
    )
    labels = {"train.lr": 3e-3, "data.transpose": "[-5, 6]", "train.schedule": "constant"}
    recipe = found.recipe(recipes.load("chorale-lstm"), labels)
    assert recipe.train.lr == 3e-3
    assert recipe.data.transpose == (-5, 6)
    assert recipe.train.schedule == "constant"
    assert recipe.model == recipes.load("chorale-lstm").model
    assert found.points is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("3", "train.lr came as 3; write it as"),
        ("{ lo = 1, high = 2 }", "train.lr has no 'lo'; did you mean 'low'?"),
        ("{ low = 1 }", "train.lr needs both ends"),
        ("{ low = 2, high = 1 }", "low = 2 is over high = 1"),
        ("{ low = 'a', high = 1 }", "low came as 'a'; write a number"),
        ("{ low = true, high = 1 }", "low came as True; write a number"),
        ("{ low = 1.0, high = inf }", "high came as inf; write a number"),
        ("{ low = 0.0, high = 1.0, log = true }", "log = true needs low over 0"),
        ("{ low = 1, high = 5, step = 2, log = true }", "log = true and step exclude each other"),
        ("{ low = 1, high = 6, step = 2 }", "do not meet high = 6; write 5 or 7"),
        ("{ low = 1, high = 5, step = 0 }", "step came as 0; it is over 0"),
        ("{ low = 1, high = 5, step = 0.5 }", "write a whole one"),
        ("{ low = 1, high = 5, log = 1 }", "log came as 1; write true or false"),
        ("{ low = 0.1, high = 0.5, size = true }", "size = true is for whole numbers over 0"),
        ("{ choices = [] }", "choices came as"),
        ("{ choices = 3 }", "choices came as 3; write a list"),
        ("{ choices = [1, 1] }", "write each value once"),
        ("{ choices = [1.5], size = true }", "size = true is for whole numbers"),
        ("{ choices = [{ a = 1 }] }", "is none of: number, word"),
        ("{ choices = [1], low = 1 }", "train.lr has no 'low'"),
    ],
)
def test_a_wrong_dimension_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RecipeError) as raised:
        one(text)
    assert sentence in str(raised.value)
    assert str(raised.value).startswith("space mine")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no dimensions; write a table"),
        ("[dimensions]", "has no dimensions; write a table"),
        ("[dimension]\na = 1", "unknown key 'dimension'; did you mean 'dimensions'"),
        (
            '[dimensions]\n"model.layers" = { low = 1, high = 2 }\nmodel.layers.low = 1\n'
            "model.layers.high = 3",
            "model.layers is there twice",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match="space mine") as raised:
        space(text)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("key", "values", "sentence"),
    [
        (
            "model.hiden",
            "{ low = 8, high = 16 }",
            "has no key 'model.hiden'; did you mean 'model.h",
        ),
        ("hidden", "{ low = 8, high = 16 }", "has no key 'hidden'; did you mean 'model.hidden'"),
        ("model.layers.a", "{ low = 1, high = 2 }", "has no key 'model.layers.a'"),
        ("train.lr", "{ low = -1.0, high = 0.1 }", "train.lr came as -1.0"),
        ("train.optimiser", "{ choices = ['adam', 'adagrad'] }", "came as 'adagrad'"),
        ("model.hidden", "{ choices = [8, 'wide'] }", "at model.hidden = wide: recipe"),
        ("model.name", "{ choices = ['note-lstm'] }", "each model has keys of its own"),
        ("encoding.steps_per_beat", "{ low = 4, high = 8 }", "the corpus is prepared once"),
        ("generate.temperature", "{ low = 0.5, high = 1.0 }", "it changes no loss"),
        ("train.max_steps", "{ low = 10, high = 20 }", "set it by --trial-steps"),
        ("data.objective", "{ choices = ['every', 'last'] }", "which rows are scored"),
    ],
)
def test_a_space_that_does_not_fit_is_one_sentence(key: str, values: str, sentence: str) -> None:
    wrong = space(f'[dimensions]\n"{key}" = {values}')
    with pytest.raises(RecipeError) as raised:
        fit.check(wrong, recipes.load("chorale-lstm"), SIZES)
    assert sentence in str(raised.value)


def test_a_window_cannot_be_searched_where_it_decides_what_is_scored() -> None:
    windows = space('[dimensions]\n"data.window" = { low = 8, high = 16 }')
    fit.check(windows, recipes.load("chorale-lstm"), SIZES)
    with pytest.raises(RecipeError, match=r"data.window cannot be searched"):
        fit.check(windows, recipes.load("skuldur-2017"), (5,))


def test_an_unknown_space_gets_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'aaa-lstm'"):
        space_file.load("aaa-gru")
    with pytest.raises(RecipeError, match="does not exist"):
        space_file.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[dimensions")
    with pytest.raises(RecipeError, match="is not TOML"):
        space_file.load(tmp_path / "bad.toml")


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_is_over_zero(factor: float) -> None:
    with pytest.raises(RecipeError, match="--scale came as"):
        space_file.load("aaa-lstm").scaled(factor)


def test_a_scale_needs_sizes() -> None:
    with pytest.raises(RecipeError, match="nothing to scale"):
        space('[dimensions]\n"train.lr" = { low = 0.1, high = 0.2 }').scaled(0.5)
