"""A search from space to best recipe: it goes on where it was stopped and leaves what it should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import spaces

from music import TINY
from segue import bundles, recipes
from segue.errors import RecipeError, TrainingError
from segue.search import run as searching
from segue.search.plan import Place
from segue.search.report import Result
from segue.search.run import bundle_of, search
from segue.search.table import Row


class Noting:
    """A listener that remembers, and can act at a look."""

    def __init__(self, at_look: Any = None) -> None:
        self.ended_: list[Row] = []
        self.at_look = at_look

    def began(self, number: int, point: dict[str, Any]) -> None:
        pass

    def looked(self, number: int, step: int, nats: float) -> None:
        if self.at_look is not None:
            self.at_look(number, step)

    def ended(self, row: Row, best: Row | None, done: int) -> None:
        self.ended_.append(row)


def losses(result: Result) -> list[tuple[Any, ...]]:
    return [(r.point, r.nats, r.steps, r.state) for r in result.rows if r.state != "broken off"]


@pytest.fixture(scope="module")
def whole(corpus_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A search of three trials in one call."""
    folder = tmp_path_factory.mktemp("search")
    return search(spaces.plan(corpus_path, 3), Place(folder))


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the search of `whole` makes a bundle and pictures: they take longer than its trials."""
    monkeypatch.setattr("segue.search.run._ship", lambda result, plan: None)
    monkeypatch.setattr("segue.search.report.draw", lambda result, plan: [])


def test_the_best_is_the_lowest_of_the_trials(whole: Result) -> None:
    assert (whole.done, whole.reason, whole.interrupted) == (3, "3 trials are done", False)
    assert whole.best is not None
    assert whole.best.loss == min(row.loss for row in whole.rows if row.done)
    assert len({tuple(row.point.items()) for row in whole.rows}) == 3
    assert whole.ranked[0] == whole.best


def test_the_loss_of_a_trial_is_that_of_its_best_look(whole: Result) -> None:
    for row in whole.rows:
        assert [step for step, _ in row.looks] == list(range(1, row.steps + 1))
        if row.done:
            assert row.loss == pytest.approx(min(nats for _, nats in row.looks), rel=2e-3)


def test_the_folder_holds_what_it_should(whole: Result) -> None:
    assert whole.best is not None
    folder = whole.place.folder
    assert {p.name for p in folder.iterdir()} >= {
        "best.toml",
        "pictures",
        "search.json",
        "study.db",
        "trials",
        "trials.json",
    }
    told = json.loads((folder / "trials.json").read_text())["trials"]
    assert [row["trial"] for row in told] == [row.number for row in whole.ranked]
    assert told[0]["nats"] == whole.best.nats


def test_only_the_best_trial_keeps_its_weights(whole: Result) -> None:
    assert whole.best is not None
    kept = {path.parent.name for path in whole.place.trials.glob("*/checkpoints")}
    assert kept == {f"{whole.best.number:04d}"}
    shipped = list(whole.place.trials.glob("*/bundle"))
    assert shipped == [bundle_of(whole)]
    bundle = bundles.load(shipped[0])
    assert bundle.index["held_out"]["nats"]["model"] == whole.best.nats


def test_the_best_recipe_is_the_given_one_with_the_best_point(whole: Result) -> None:
    assert whole.best is not None
    base = recipes.load("chorale-lstm", TINY)
    found = recipes.load(whole.place.best)
    assert found.name == "chorale-lstm-best"
    assert f"trial {whole.best.number}" in found.notes
    assert found.model.options["hidden"] == whole.best.point["model.hidden"]
    assert found.train.lr == whole.best.point["train.lr"]
    same = {"max_steps", "batch", "validate_every", "sample_rows", "warmup"}
    assert found.train.model_dump(include=same) == base.train.model_dump(include=same)
    assert (found.encoding, found.generate) == (base.encoding, base.generate)


def test_two_calls_come_to_what_one_does(whole: Result, corpus_path: Path, tmp_path: Path) -> None:
    first = search(spaces.plan(corpus_path, 1), Place(tmp_path))
    assert first.done == 1
    listener = Noting()
    second = search(spaces.plan(corpus_path, 3), Place(tmp_path), listener=listener)
    assert [row.number for row in listener.ended_] == [1, 2]
    assert losses(second) == losses(whole)


def test_a_call_with_nothing_to_do_trains_nothing(whole: Result, corpus_path: Path) -> None:
    listener = Noting()
    again = search(spaces.plan(corpus_path, 3), whole.place, listener=listener)
    assert listener.ended_ == []
    assert losses(again) == losses(whole)


def test_ctrl_c_breaks_a_trial_off_and_the_next_call_repeats_it(
    whole: Result, corpus_path: Path, tmp_path: Path
) -> None:
    def interrupt(number: int, step: int) -> None:
        if (number, step) == (1, 2):
            os.kill(os.getpid(), signal.SIGINT)

    stopped = search(spaces.plan(corpus_path, 3), Place(tmp_path), listener=Noting(interrupt))
    assert (stopped.interrupted, stopped.done) == (True, 1)
    assert [row.state for row in stopped.rows] == ["done", "broken off", "waiting"]
    assert not (tmp_path / "trials" / "0001").exists()
    assert losses(search(spaces.plan(corpus_path, 3), Place(tmp_path))) == losses(whole)


def test_a_killed_search_goes_on(whole: Result, corpus_path: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(
        '[dimensions]\n"model.hidden" = { low = 4, high = 16, step = 4, size = true }\n'
        '"train.lr" = { low = 0.003, high = 0.03, log = true }\n'
    )
    out = tmp_path / "out"
    command = [sys.executable, "-m", "segue", "search", str(corpus_path), "-o", str(out)]
    command += ["--space", str(tmp_path / "small.toml"), "-n", "3", "--trial-steps", "4"]
    command += ["--seed", "3", *(f"--set={value}" for value in TINY)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    second = out / "trials" / "0001" / "metrics.jsonl"
    waited = time.monotonic() + 120
    while not second.exists() and process.poll() is None and time.monotonic() < waited:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert second.exists()
    result = search(spaces.plan(corpus_path, 3), Place(out))
    assert [row.state for row in result.rows].count("broken off") == 1
    assert losses(result) == losses(whole)


def test_poor_trials_are_pruned(corpus_path: Path, tmp_path: Path) -> None:
    rates = {"train.lr": {"choices": [0.01, 0.02, 0.03, 0.04, 1e-7]}}
    plan = spaces.plan(corpus_path, 5, space=spaces.space(rates), sampler="random", trial_steps=5)
    result = search(plan, Place(tmp_path))
    (pruned,) = (row for row in result.rows if row.state == "pruned")
    assert pruned.point == {"train.lr": 1e-7}
    assert pruned.steps < 5
    assert result.reason == "5 trials are done"


def test_a_point_that_diverges_is_a_trial_and_not_the_end(
    corpus_path: Path, tmp_path: Path
) -> None:
    told = ["train.optimiser=sgd", "train.clip=0"]
    plan = spaces.plan(
        corpus_path,
        2,
        recipe=recipes.load("chorale-lstm", [*TINY, *told]),
        space=spaces.space({"train.lr": {"choices": [1e-3, 1e30]}}),
    )
    result = search(plan, Place(tmp_path))
    states = {row.point["train.lr"]: (row.state, row.why) for row in result.rows}
    assert states[1e-3] == ("done", "")
    assert states[1e30][0] == "pruned"
    assert "training diverged" in states[1e30][1]


def test_a_search_in_which_nothing_trains_ends_with_the_cause(
    corpus_path: Path, tmp_path: Path
) -> None:
    told = ["train.optimiser=sgd", "train.clip=0"]
    plan = spaces.plan(
        corpus_path,
        9,
        recipe=recipes.load("chorale-lstm", [*TINY, *told]),
        space=spaces.space({"train.lr": {"low": 1e29, "high": 1e30}}),
    )
    with pytest.raises(TrainingError, match=r"3 trials in a row .* training diverged"):
        search(plan, Place(tmp_path))


def test_a_search_out_of_time_repeats_the_trial_it_was_in(
    corpus_path: Path, tmp_path: Path
) -> None:
    plan = spaces.plan(corpus_path, 1, trial_steps=10**6)
    result = search(plan, Place(tmp_path), max_minutes=0.03)
    assert result.reason == "0.03 minutes are over"
    assert (result.done, result.best, result.interrupted) == (0, None, False)
    assert [row.state for row in result.rows] == ["broken off", "waiting"]
    assert list((tmp_path / "trials").iterdir()) == []


def test_a_trial_out_of_its_own_time_counts(corpus_path: Path, tmp_path: Path) -> None:
    plan = spaces.plan(corpus_path, 1, trial_steps=10**6, trial_minutes=0.02, keep=True)
    result = search(plan, Place(tmp_path), max_minutes=9)
    assert result.best is not None
    assert 0 < result.best.steps < 10**6


def test_a_space_is_searched_until_it_is_empty(corpus_path: Path, tmp_path: Path) -> None:
    plan = spaces.plan(
        corpus_path, 99, space=spaces.space({"model.layers": {"low": 1, "high": 2}}), trial_steps=1
    )
    result = search(plan, Place(tmp_path))
    assert sorted(row.point["model.layers"] for row in result.rows) == [1, 2]
    assert result.reason == "all 2 points of the space were tried"


def test_two_workers_share_a_database(corpus_path: Path, tmp_path: Path) -> None:
    """While one worker is in its first trial another does what is left of three, and stops."""
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    plan = spaces.plan(corpus_path, 3)
    other: list[Result] = []

    def second_worker(number: int, step: int) -> None:
        if not other:
            other.append(search(plan, Place(tmp_path / "two", url)))

    first = search(plan, Place(tmp_path / "one", url), listener=Noting(second_worker))
    assert other[0].reason == "2 trials are done, and other workers are at the last 1"
    assert [row.number for row in first.rows] == [0, 1, 2]
    assert first.reason == "3 trials are done"
    assert {p.name for p in (tmp_path / "one" / "trials").iterdir()} == {"0000"}
    assert {p.name for p in (tmp_path / "two" / "trials").iterdir()} == {"0001", "0002"}
    assert first.best is not None
    kept = [path.parent.name for path in tmp_path.glob("*/trials/*/checkpoints")]
    assert f"{first.best.number:04d}" in kept


def test_a_recipe_that_does_not_fit_is_told_before_anything_is_written(
    corpus_path: Path, tmp_path: Path
) -> None:
    wrong = spaces.space({"model.heads": {"low": 1, "high": 2}})
    with pytest.raises(RecipeError, match=r"has no key 'model.heads'"):
        search(spaces.plan(corpus_path, 1, space=wrong), Place(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", ["sampler", "pruner"])
def test_an_unknown_sampler_or_pruner_gets_the_nearest(what: str, corpus_path: Path) -> None:
    known = {"sampler": "tpe", "pruner": "median"}[what]
    with pytest.raises(RecipeError, match=f"there is no {what} '{known}s'; did you mean '{known}'"):
        spaces.plan(corpus_path, 1, **{what: f"{known}s"})


def test_a_mistake_in_our_code_is_not_taken_for_a_bad_point(
    corpus_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("segue.search.trial.train", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        search(spaces.plan(corpus_path, 1), Place(tmp_path))


def test_running_out_of_memory_says_something_about_the_point(
    corpus_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 TB")

    monkeypatch.setattr("segue.search.trial.train", full)
    with pytest.raises(TrainingError, match=r"3 trials in a row .* can't allocate memory"):
        search(spaces.plan(corpus_path, 5), Place(tmp_path))
    assert searching.MOST_FALLEN == 3
