"""`segue recipes`: every recipe in one list, with its size, and one of them in full."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from segue import recipes


@pytest.fixture
def listed(segue: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in segue("recipes", "ls", "--json").json["recipes"]}


def test_every_recipe_is_listed_with_its_family_and_one_line(
    listed: dict[str, dict[str, Any]],
) -> None:
    assert sorted(listed) == recipes.names()
    for name, row in listed.items():
        recipe = recipes.load(name)
        assert (row["family"], row["summary"]) == (recipe.family, recipe.summary)
        assert "\n" not in row["summary"]


def test_parameters_are_those_that_the_sources_state(listed: dict[str, dict[str, Any]]) -> None:
    stated = {name: recipes.load(name).reference for name in recipes.names()}
    for name, reference in stated.items():
        assert listed[name]["parameters"] > 0
        if reference is not None:
            assert listed[name]["parameters"] == reference.parameters
            assert listed[name]["vocabulary"] == list(recipes.sizes_of(recipes.load(name)))
    assert listed["skuldur-2017"]["parameters"] == 5_472_864


def test_the_list_is_made_without_torch_too(
    segue: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    ran = segue("recipes", "ls")
    assert ran.code == 0
    line = next(text for text in ran.out.splitlines() if "skuldur-2017" in text)
    assert line.split()[:4] == ["skuldur-2017", "recurrent", "note_chord", "-"]


def test_a_recipe_is_shown_with_layers_settings_and_what_to_do_next(
    segue: Callable[..., Any],
) -> None:
    shown = segue("recipes", "show", "luiss-3").out
    assert "66,560" in shown
    assert "392,097 parameters in all, at a vocabulary of 352 symbols" in shown
    assert "its encoding, note_chord, loses: " in shown
    assert "\nheld_out_limit = 2048\n" in shown
    assert shown.count("Reported loss 4.84") == 1
    assert shown.rstrip().endswith("segue train FOLDER --recipe luiss-3")


def test_a_recipe_is_shown_as_it_is_changed(segue: Callable[..., Any]) -> None:
    told = segue("recipes", "show", "luiss-1", "--set", "model.bidirectional=true", "--json").json
    assert told["parameters"] == 7_577_184


def test_many_columns_alike_are_counted_not_listed(segue: Callable[..., Any]) -> None:
    assert "25 columns of 2 symbols" in segue("recipes", "show", "blues-lstm").out


def test_an_unknown_recipe_is_refused_with_the_nearest(segue: Callable[..., Any]) -> None:
    ran = segue("recipes", "show", "luis-3")
    assert ran.code == 5
    assert "did you mean 'luiss-3'" in ran.err
