"""Sizes: named overrides, and the largest that corpus and machine can take."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue import recipes
from segue.data import Corpus
from segue.errors import RecipeError
from segue.training.sizing import apply_size, fitting


def test_a_size_is_its_overrides() -> None:
    recipe = recipes.load("chorale-lstm")
    assert apply_size(recipe, "small").model.options["hidden"] == 128
    assert apply_size(recipe, "base").model == recipe.model


def test_an_unknown_size_gets_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'small'"):
        apply_size(recipes.load("chorale-lstm"), "smal")
    with pytest.raises(RecipeError, match="has only the one it states"):
        apply_size(recipes.load("skuldur-2017"), "small")


def test_a_small_corpus_gets_a_small_model(corpus_path: Path) -> None:
    corpus = Corpus.open(corpus_path)
    chosen, looked_at = fitting(recipes.load("chorale-lstm"), corpus, None)
    assert [s.parameters for s in looked_at] == sorted(s.parameters for s in looked_at)
    assert chosen.name == looked_at[0].name


def test_less_time_means_a_smaller_model(corpus_path: Path) -> None:
    corpus = Corpus.open(corpus_path)
    corpus.facts["splits"]["train"]["notes"] = 10**9
    corpus.facts["splits"]["train"]["rows"] = 10**9
    recipe = recipes.load("chorale-lstm")
    plenty, _ = fitting(recipe, corpus, 1e6)
    little, _ = fitting(recipe, corpus, 1e-6)
    assert plenty.name == "huge"
    assert little.parameters < plenty.parameters
