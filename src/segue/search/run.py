"""A search from plan to best recipe: trials until enough are done, in as many calls as it takes."""

from __future__ import annotations

import time
from pathlib import Path

import optuna
import torch
from optuna.trial import TrialState

from segue.errors import TrainingError
from segue.search import presence, report
from segue.search.listener import Listener, Silence
from segue.search.plan import Place, Plan
from segue.search.report import Result
from segue.search.study import agree, bury, opened, requeue
from segue.search.table import FINISHED, Row, best, rows
from segue.search.trial import BrokenOff, Objective, remove, tidy
from segue.training.folder import RunFolder
from segue.training.setup import Setup
from segue.training.shipping import ship

MOST_FALLEN = 3
"""Trials in a row that cannot be trained, with none that could, before the search gives up."""
BY_HAND = "stopped by hand"


def search(
    plan: Plan,
    place: Place,
    *,
    max_minutes: float | None = None,
    listener: Listener | None = None,
) -> Result:
    """Go on with the search in `place`, or begin it, until the plan's trials are done.

    Stops early after `max_minutes` and on Ctrl-C; the trial in progress is then tried again by the
    next call. Writes the table, the best recipe with its bundle, and the pictures. Raises
    RecipeError if the space does not fit the recipe, TrainingError if the study is of something
    else, its database fails, or no point can be trained.
    """
    plan.check()
    deadline = None if max_minutes is None else time.monotonic() + 60 * max_minutes
    with opened(place, plan) as study, presence.at_work(place.workers) as worker:
        objective = Objective(plan, place, study, worker, listener or Silence(), deadline)
        reason = ""
        while not reason:
            reason = _enough(study, plan, place) or _out_of_time(deadline, max_minutes)
            if not reason:
                agree(study, plan)
                reason = _one(objective)
        result = report.result(study, plan, place, reason, interrupted=reason == BY_HAND)
    if not result.interrupted:
        with presence.alone(place.workers, "report"):
            _ship(result, plan)
            report.draw(result, plan)
            _tidy(result.rows, plan, place)
    return result


def _enough(study: optuna.Study, plan: Plan, place: Place) -> str:
    """Why no further trial is to be begun; empty if one is."""
    bury(study, place)
    trials = study.get_trials(deepcopy=False)
    finished = sum(t.state in FINISHED for t in trials)
    if finished >= plan.trials:
        return f"{finished} trials are done"
    running = sum(t.state == TrialState.RUNNING for t in trials)
    if finished + running >= plan.trials:
        return f"{finished} trials are done, and other workers are at the last {running}"
    points = plan.space.points
    tried = {tuple(sorted(t.params.items())) for t in trials if t.state in FINISHED}
    if points is not None and len(tried) + running >= points:
        return f"all {points} points of the space were tried"
    return ""


def _out_of_time(deadline: float | None, max_minutes: float | None) -> str:
    if deadline is None or time.monotonic() < deadline:
        return ""
    return f"{max_minutes:g} minutes are over"


def _one(objective: Objective) -> str:
    """One trial, with all that it leaves in order; why the search is to stop, or nothing."""
    study, plan, place = objective.study, objective.plan, objective.place
    objective.number = None
    try:
        study.optimize(objective, n_trials=1)
    except KeyboardInterrupt:
        _break_off(objective, again=True)
        return BY_HAND
    except BrokenOff as cut:
        _break_off(objective, again=cut.again)
        return ""
    except ValueError as error:
        # A machine that slept too long was taken for dead, and its trial queued for another.
        if not str(error).startswith("Cannot tell a FAIL trial"):
            raise
        return ""
    if len(objective.fallen) >= MOST_FALLEN and best(rows(study, plan.space)) is None:
        raise TrainingError(
            f"{len(objective.fallen)} trials in a row could not be trained, and none could: "
            f"{objective.fallen[-1]}"
        )
    found = report.write_table(study, plan, place)
    _tidy(found, plan, place)
    (row,) = (row for row in found if row.number == objective.number)
    done = sum(row.state in ("done", "pruned") for row in found)
    objective.listener.ended(row, best(found), done)
    return ""


def _tidy(found: list[Row], plan: Plan, place: Place) -> None:
    """Leave weights in the best trial's folder only, unless all are to be kept."""
    if plan.keep:
        return
    leader = best(found)
    finished = {row.number for row in found if row.state in ("done", "pruned")}
    tidy(place, {leader.number} if leader else set(), finished)


def _break_off(objective: Objective, *, again: bool) -> None:
    if objective.number is None:
        return
    trial = objective.study.get_trials(deepcopy=False)[objective.number]
    if again:
        requeue(objective.study, trial, died=False)
    remove(objective.place.trial(objective.number))


def _ship(result: Result, plan: Plan) -> None:
    """Make the best trial's bundle, where its weights are: in the folder of whoever trained it."""
    if result.best is None:
        return
    folder = RunFolder(result.place.trial(result.best.number))
    if folder.best.is_file() and not folder.bundle.exists():
        recipe = plan.space.recipe(plan.trial_recipe, result.best.labels)
        setup = Setup(folder, plan.corpus, recipe, plan.seed)
        model = setup.model(fresh=False)
        saved = torch.load(folder.best, map_location="cpu", weights_only=False)
        weights = {
            key.removeprefix("model."): value
            for key, value in saved["state_dict"].items()
            if key.startswith("model.")
        }
        model.load_state_dict(weights)
        ship(setup, model.eval(), result.best.held_out)


def bundle_of(result: Result) -> Path | None:
    """The best trial's bundle, if it is in this folder."""
    if result.best is None:
        return None
    folder = RunFolder(result.place.trial(result.best.number)).bundle
    return folder if folder.exists() else None
