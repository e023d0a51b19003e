"""The study: Optuna's record of a search in a database, which several workers may share."""

from __future__ import annotations

import datetime
import json
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from segue.errors import TrainingError
from segue.files import write_json
from segue.search import presence
from segue.search.plan import Place, Plan
from segue.search.samplers import PRUNERS, SeededSampler, distribution

HEARTBEAT, GRACE = 15, 90
"""Seconds between two signs of life of a trial, and without one until it is given up."""
LOCK_SECONDS = 60
CREATIONS = 5
DEATHS = 2
"""A trial that took its worker down this often is not tried again."""


@contextmanager
def opened(place: Place, plan: Plan) -> Iterator[optuna.Study]:
    """The study of a search, made if it is not there, with trials of dead workers in the queue.

    Raises TrainingError if the database cannot be used, or holds a search of something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    place.folder.mkdir(parents=True, exist_ok=True)
    url = place.storage or f"sqlite:///{place.folder.resolve() / 'study.db'}"
    with _database_errors(url), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = _connect(url)
        try:
            sampler = SeededSampler(plan.sampler, plan.seed, plan.space)
            study = optuna.create_study(
                storage=storage,
                study_name=place.study or f"{plan.recipe.name}-{plan.space.name}",
                sampler=sampler,
                pruner=PRUNERS[plan.pruner](plan.trial_recipe),
                direction="minimize",
                load_if_exists=True,
            )
            sampler.study = study
            agree(study, plan)
            _mark(place, url, study.study_name)
            bury(study, place)
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _connect(url: str) -> RDBStorage:
    for _ in range(CREATIONS):
        try:
            return RDBStorage(
                url.replace("{", "{{").replace("}", "}}"),
                engine_kwargs=_engine(url),
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=_gave_up,
            )
        except SQLAlchemyError as error:
            # Two workers that begin at once both make the tables; the slower finds them there.
            if "already exists" not in str(error):
                raise
            time.sleep(0.5)
        except (ImportError, RuntimeError) as error:
            # No driver for this kind of database, or tables of another version of Optuna.
            raise TrainingError(f"the database {_shown(url)} cannot be used: {error}") from None
    raise TrainingError(f"the tables of {_shown(url)} are being made by others: try again.")


def _engine(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": LOCK_SECONDS}}
    return {"pool_pre_ping": True}


@contextmanager
def _database_errors(url: str) -> Iterator[None]:
    """One sentence for what a database says, without its password."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        said = str(getattr(cause, "orig", None) or cause).strip().splitlines()
        raise TrainingError(
            f"the study's database {_shown(url)} failed: {said[0] if said else type(cause)}. Give "
            "--storage a database URL that SQLAlchemy can open, such as sqlite:///study.db or "
            "postgresql://user:password@host/name (its driver installed); finished trials are safe."
        ) from None


def _shown(url: str) -> str:
    try:
        return sqlalchemy.make_url(url).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        return "URL"


def agree(study: optuna.Study, plan: Plan) -> None:
    """Write down what the study is of, or see that it is the same: losses are to be compared."""
    facts = json.loads(json.dumps(plan.facts))
    if "facts" not in study.user_attrs:
        study.set_user_attr("facts", facts)
    for key, (before, now) in _differences(study.user_attrs["facts"], facts).items():
        raise TrainingError(
            f"the study {study.study_name} began with {key} = {before} and this call has {now}: "
            "repeat the first call, or begin another with -o (or --study in a shared database)."
        )


def _mark(place: Place, url: str, name: str) -> None:
    """Keep trials of one study in a folder: their numbers would collide."""
    mark = {"study": name, "database": _shown(url)}
    if not place.mark.is_file():
        write_json(place.mark, mark)
    told = json.loads(place.mark.read_text("utf-8"))
    if told != mark:
        raise TrainingError(
            f"{place.folder} holds the search {told['study']} of {told['database']}, and this call "
            f"is for {name} of {mark['database']}: choose another folder with -o."
        )


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found |= _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found[f"{prefix}{key}".removeprefix("recipe.")] = (old, new)
    return found


def bury(study: optuna.Study, place: Place) -> None:
    """Put the trials of workers of this folder that were killed back into the queue."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get("worker", "")
        if not worker and _age(trial) > GRACE:  # killed before it could say whose it is
            study.tell(trial.number, state=TrialState.FAIL)
            continue
        with presence.found_dead(place.workers, worker) as dead:
            if dead:
                study.tell(trial.number, state=TrialState.FAIL)
                requeue(study, trial, died=True)
                shutil.rmtree(place.trial(trial.number), ignore_errors=True)


def _age(trial: FrozenTrial) -> float:
    """Seconds since a trial began, by this machine's clock; Optuna stores local time."""
    assert trial.datetime_start is not None
    return (datetime.datetime.now() - trial.datetime_start).total_seconds()


def _gave_up(study: optuna.Study, trial: FrozenTrial) -> None:
    """What Optuna calls for a trial without a sign of life."""
    requeue(study, trial, died=True)


def requeue(study: optuna.Study, trial: FrozenTrial, *, died: bool) -> None:
    """Have the point of a broken-off trial tried again, unless it took its workers down twice."""
    deaths = int(trial.user_attrs.get("deaths", 0)) + died
    if not trial.params:
        return
    if deaths < DEATHS:
        study.enqueue_trial(trial.params, user_attrs={"deaths": deaths})
        return
    space = study.sampler.space if isinstance(study.sampler, SeededSampler) else None
    assert space is not None
    study.add_trial(
        optuna.trial.create_trial(
            state=TrialState.PRUNED,
            params=trial.params,
            distributions={d.key: distribution(d) for d in space.dimensions},
            user_attrs={"why": f"its worker was killed {deaths} times"},
        )
    )
