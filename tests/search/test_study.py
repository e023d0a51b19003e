"""The study: shared by those who search the same, given back by those who died."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest
import spaces
from optuna.trial import TrialState

from segue.errors import TrainingError
from segue.search import presence
from segue.search.plan import Place, Plan
from segue.search.report import importance
from segue.search.samplers import distribution
from segue.search.study import DEATHS, GRACE, bury, opened
from segue.search.table import rows


@pytest.fixture
def plan(corpus_path: Path) -> Plan:
    return spaces.plan(corpus_path, 5)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "search")


@pytest.fixture
def study(plan: Plan, place: Place) -> Iterator[optuna.Study]:
    with opened(place, plan) as made:
        yield made


@pytest.fixture(autouse=True)
def _ask_outside_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optuna.study.study.is_heartbeat_enabled", lambda storage: False)


def begun(study: optuna.Study, plan: Plan, worker: str = "") -> optuna.Trial:
    """A trial that is running."""
    trial = study.ask({d.key: distribution(d) for d in plan.space.dimensions})
    if worker:
        trial.set_user_attr("worker", worker)
    return trial


def die(place: Place, token: str) -> str:
    """What a killed worker leaves: its file, without its lock."""
    place.workers.mkdir(parents=True, exist_ok=True)
    (place.workers / f"{token}.lock").touch()
    return token


def test_a_worker_is_found_dead_when_its_lock_is_gone_and_only_once(tmp_path: Path) -> None:
    with presence.at_work(tmp_path) as token, presence.found_dead(tmp_path, token) as dead:
        assert not dead
    assert list(tmp_path.iterdir()) == []
    with presence.found_dead(tmp_path, token) as dead:
        assert not dead  # it left in good order
    (tmp_path / "killed.lock").touch()
    with presence.found_dead(tmp_path, "killed") as dead:
        assert dead
        with presence.found_dead(tmp_path, "killed") as again:
            assert not again
    with presence.found_dead(tmp_path, "killed") as dead:
        assert not dead


def test_the_trial_of_a_killed_worker_is_tried_again(
    study: optuna.Study, plan: Plan, place: Place
) -> None:
    lost = begun(study, plan, die(place, "killed"))
    place.trial(lost.number).mkdir(parents=True)
    bury(study, place)
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert not place.trial(lost.number).exists()
    again = begun(study, plan)
    assert again.params == lost.params


def test_a_trial_that_kills_its_workers_is_given_up(
    study: optuna.Study, plan: Plan, place: Place
) -> None:
    for death in range(DEATHS):
        begun(study, plan, die(place, f"killed-{death}"))
        bury(study, place)
    *_, last = rows(study, plan.space)
    assert (last.state, last.why) == ("pruned", "its worker was killed 2 times")
    assert [row.state for row in rows(study, plan.space)] == ["broken off", "broken off", "pruned"]
    other = begun(study, plan)
    assert other.params != study.trials[0].params


def test_a_trial_at_work_is_left_alone(study: optuna.Study, plan: Plan, place: Place) -> None:
    with presence.at_work(place.workers) as worker:
        begun(study, plan, worker)
        begun(study, plan, "a worker of another folder")
        begun(study, plan)
        bury(study, place)
        assert [t.state for t in study.trials] == [TrialState.RUNNING] * 3


def test_a_trial_nobody_owns_is_dropped_in_time(
    study: optuna.Study, plan: Plan, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker was killed after Optuna had made it and before it had drawn a point."""
    study.ask()
    bury(study, place)
    assert study.trials[0].state == TrialState.RUNNING

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=GRACE + 5)

    monkeypatch.setattr("segue.search.study.datetime.datetime", Later)
    bury(study, place)
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_a_trial_without_a_heartbeat_is_tried_again(
    study: optuna.Study, plan: Plan, place: Place
) -> None:
    """As Optuna finds it in a shared database, where no lock can be seen."""
    lost = begun(study, plan, "on another machine")
    storage: Any = study._storage
    storage.record_heartbeat(lost._trial_id)
    with sqlite3.connect(place.folder / "study.db") as database:
        database.execute("UPDATE trial_heartbeats SET heartbeat = datetime('now', '-1 hour')")
    database.close()
    optuna.storages.fail_stale_trials(study)
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert study.trials[1].system_attrs["fixed_params"] == lost.params


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 4}, "began with seed = 3 and this call has 4"),
        ({"trial_steps": 5}, "began with train.max_steps = 4 and this call has 5"),
        ({"trial_minutes": 1.0}, "began with trial_minutes = None and this call has 1.0"),
        ({"space": spaces.space().scaled(0.5)}, "began with space.model.hidden.high = 16"),
    ],
)
def test_a_study_of_something_else_is_not_gone_on_with(
    changes: dict[str, Any], sentence: str, study: optuna.Study, corpus_path: Path, place: Place
) -> None:
    with (
        pytest.raises(TrainingError) as raised,
        opened(place, spaces.plan(corpus_path, 9, **changes)),
    ):
        pass
    assert sentence in str(raised.value)
    assert "-o" in str(raised.value)


def test_sampler_pruner_and_number_may_change(
    study: optuna.Study, corpus_path: Path, place: Place
) -> None:
    with opened(place, spaces.plan(corpus_path, 9, sampler="random", pruner="none")) as again:
        assert again.study_name == study.study_name


def test_a_folder_holds_one_search(study: optuna.Study, plan: Plan, place: Place) -> None:
    other = Place(place.folder, f"sqlite:///{place.folder / 'other.db'}")
    told = r"holds the search .* choose another folder"
    with pytest.raises(TrainingError, match=told), opened(other, plan):
        pass


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://me:secret@host/x", "failed: Can't load plugin"),
        ("no url", "failed: Could not parse"),
        ("sqlite:////proc/none/study.db", "failed: unable to open database file"),
        ("postgresql+none://me:secret@host/x", "Can't load plugin"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(
    url: str, sentence: str, plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError) as raised, opened(Place(tmp_path, url), plan):
        pass
    assert sentence in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_damaged_database_is_one_sentence(plan: Plan, place: Place) -> None:
    place.folder.mkdir()
    (place.folder / "study.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(TrainingError, match="file is not a database"), opened(place, plan):
        pass


def test_importance_is_the_share_of_the_key_that_decides() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(40):
        trial = study.ask()
        rate = trial.suggest_float("train.lr", 0.0, 1.0)
        trial.suggest_float("model.dropout", 0.0, 1.0)
        study.tell(trial, (rate - 0.3) ** 2)
    shares = importance(study)
    assert list(shares) == ["train.lr", "model.dropout"]
    assert shares["train.lr"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("losses", [[], [1.0, 2.0, 3.0], [1.0] * 9])
def test_importance_is_silent_where_nothing_can_be_said(losses: list[float]) -> None:
    study = optuna.create_study()
    for loss in losses:
        trial = study.ask()
        trial.suggest_float("train.lr", 0.0, 1.0)
        study.tell(trial, loss)
    assert importance(study) == {}


def test_one_worker_at_a_time_has_its_turn(tmp_path: Path) -> None:
    order: list[str] = []
    with presence.alone(tmp_path, "report"):
        other = threading.Thread(target=_in_turn, args=(tmp_path, order))
        other.start()
        other.join(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def _in_turn(folder: Path, order: list[str]) -> None:
    with presence.alone(folder, "report"):
        order.append("second")
