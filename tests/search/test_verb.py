"""`segue search`: its table, its JSON, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from music import TINY
from segue import recipes
from segue.data import Corpus
from segue.training.run import Options, train

SPACE = '[dimensions]\n"model.hidden" = { low = 4, high = 16, step = 4, size = true }\n'


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SPACE)
    return path


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.search.run._ship", lambda result, plan: None)


def args(space: Path, corpus: Path, out: Path, *more: str) -> list[str]:
    told = [f"--set={value}" for value in TINY if "hidden" not in value]
    told += ["--trial-steps=3", "--seed=1", "-o", str(out)]
    return ["search", str(corpus), "--space", str(space), *told, *more]


def test_a_search_ends_with_a_table_and_a_recipe_that_trains(
    segue: Callable[..., Any], space: Path, corpus_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = segue(*args(space, corpus_path, out, "-n", "2"))
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[1].split() == [
        "trial",
        "model.hidden",
        "nats",
        "a",
        "row",
        "steps",
        "parameters",
        "s",
        "end",
    ]
    assert lines[3].split()[-1] == "best"
    assert lines[4].split()[-1] == "done"
    assert "2 trials are done; the best is trial" in ran.out
    assert f"best recipe: {out / 'best.toml'}" in ran.out
    assert ran.err.count("nats a row") == 2

    best = recipes.load(out / "best.toml", ["train.max_steps=1", "train.sample_rows=0"])
    outcome = train(Corpus.open(corpus_path), best, tmp_path / "run", options=Options(ship=False))
    assert outcome.steps == 1

    told = segue(*args(space, corpus_path, out, "-n", "3", "--json")).json
    assert (told["done"], told["trials"], told["reason"]) == (3, 3, "3 trials are done")
    assert told["best"] == told["rows"][0]
    assert told["best_recipe"] == str(out / "best.toml")
    assert set(told["baselines"]) == {"uniform", "unigram", "bigram"}


def test_a_plan_is_told_and_nothing_written(
    segue: Callable[..., Any], corpus_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ["search", "--data", corpus_path, "--space", "aaa-lstm", "--scale", 0.125, "-o", out]
    plan = segue(*given, "--dry-run", "--json").json
    assert plan["space"]["points"] == 24
    assert plan["space"]["dimensions"]["model.hidden"]["high"] == 128
    shown = segue(*given, "--dry-run").out
    assert "would try 20 of 24 points of the space aaa-lstm" in shown
    assert "low 16, high 128, step 16" in shown
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--space", "aaa-gru"], 5, "there is no space 'aaa-gru'; did you mean 'aaa-lstm'"),
        (["--space", "aaa-lstm", "--recipe", "choral"], 5, "there is no recipe 'choral'"),
        (["--space", "aaa-lstm", "--scale", "0"], 5, "--scale came as 0"),
        (["--space", "aaa-lstm", "--sampler", "bayes"], 5, "there is no sampler 'bayes'"),
        (["--space", "aaa-lstm", "-n", "0"], 2, "Invalid value for '--trials'"),
        ([], 2, "Missing option '--space'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    more: list[str],
    code: int,
    sentence: str,
    segue: Callable[..., Any],
    corpus_path: Path,
    tmp_path: Path,
) -> None:
    ran = segue("search", corpus_path, "-o", tmp_path / "out", *more)
    assert ran.code == code
    assert sentence in ran.err
    assert not (tmp_path / "out").exists()


def test_music_is_needed(segue: Callable[..., Any]) -> None:
    ran = segue("search", "--space", "aaa-lstm")
    assert (ran.code, ran.err.count("\n")) == (7, 1)
    assert "give a FOLDER of music or a corpus" in ran.err


def test_without_optuna_the_extra_is_named(
    segue: Callable[..., Any], corpus_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    ran = segue("search", corpus_path, "--space", "aaa-lstm")
    assert ran.code == 8
    assert "pip install 'segue[search]'" in ran.err
