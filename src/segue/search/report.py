"""What a search leaves for people: the table of trials, the best recipe, and pictures."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import optuna

from segue.files import write_json, write_text
from segue.recipes.library import to_toml
from segue.search import pictures
from segue.search.plan import Place, Plan
from segue.search.table import Row, best, ranked, rows

FEWEST = 4
"""Trials without which nothing can be said about importance."""
TOP = 5
"""How many of the best trials importance asks about, if there are that many to spare."""


@dataclass(frozen=True)
class Result:
    """What a search has come to. `best` is None while no trial was trained to its end."""

    place: Place
    study: str
    rows: list[Row]
    best: Row | None
    wanted: int
    reason: str
    interrupted: bool
    importance: dict[str, float]

    @property
    def done(self) -> int:
        """Trials that count: trained to their end, or pruned."""
        return sum(row.state in ("done", "pruned") for row in self.rows)

    @property
    def ranked(self) -> list[Row]:
        """The trials in the order of the table: the best first, without broken-off ones."""
        return ranked(self.rows)

    @property
    def baselines(self) -> dict[str, float]:
        """The losses that a model has to beat, nats a row."""
        return self.best.baselines if self.best else {}


def result(
    study: optuna.Study, plan: Plan, place: Place, reason: str, *, interrupted: bool
) -> Result:
    """The study as it stands, with its table and best recipe written."""
    found = write_table(study, plan, place)
    return Result(
        place,
        study.study_name,
        found,
        best(found),
        plan.trials,
        reason,
        interrupted,
        importance(study),
    )


def write_table(study: optuna.Study, plan: Plan, place: Place) -> list[Row]:
    """Write trials.json and best.toml from the study; gives its rows."""
    found = rows(study, plan.space)
    write_json(
        place.table, {"study": study.study_name, "trials": [r.as_dict() for r in ranked(found)]}
    )
    leader = best(found)
    if leader is not None:
        told = (
            f"Found by segue search: trial {leader.number}, the best of "
            f"{sum(row.done for row in found)} in the space {plan.space.name}, with "
            f"{leader.nats:.4f} nats a row on held-out music after {leader.steps} steps."
        )
        write_text(place.best, to_toml(plan.best_recipe(leader.labels, told)))
    return found


def importance(study: optuna.Study) -> dict[str, float]:
    """Each key's share in reaching the best losses, adding up to 1, by PED-ANOVA.

    Empty where too few trials are done, or they do not differ.
    """
    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(done) < FEWEST or len({trial.value for trial in done}) == 1:
        return {}
    share = min(0.5, max(0.1, TOP / len(done)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=share)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {} if any(map(math.isnan, found.values())) else dict(found)


def draw(told: Result, plan: Plan) -> list[Any]:
    """Draw the pictures into the search's folder; gives their paths."""
    folder = told.place.folder / "pictures"
    return pictures.draw(folder, told.rows, plan.space, told.importance, told.baselines)
