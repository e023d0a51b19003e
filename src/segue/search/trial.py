"""One trial: a training at one point, given up early where others did better at the same step."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from rich.console import Console

from segue.errors import RecipeError, TrainingError
from segue.search.listener import Listener
from segue.search.plan import Place, Plan
from segue.search.samplers import distribution, ordinal
from segue.search.space import Dimension
from segue.training.run import Options, Outcome, train
from segue.training.watch import Watch


class BrokenOff(Exception):  # noqa: N818 - it is no error
    """A trial that did not come to its end; `again` if its point is to be tried again."""

    def __init__(self, why: str, *, again: bool) -> None:
        super().__init__(why)
        self.again = again


@dataclass
class Objective:
    """What Optuna calls with a trial: gives the held-out loss in nats a row."""

    plan: Plan
    place: Place
    study: optuna.Study
    worker: str
    listener: Listener
    deadline: float | None
    """When the search is over, on the monotonic clock."""
    fallen: list[str] = field(default_factory=list)
    """What the trials said that fell over since the last one that did not."""
    number: int | None = None
    """The trial in progress."""

    def __call__(self, trial: optuna.Trial) -> float:
        """Train. Raises TrialPruned for a trial given up, BrokenOff for one cut off."""
        self.number = trial.number
        if ordinal(self.study, trial.number) >= self.plan.trials:
            raise BrokenOff("enough trials were begun by other workers", again=False)
        trial.set_user_attr("worker", self.worker)
        point = {d.key: _suggested(trial, d.key, distribution(d)) for d in self._dimensions()}
        self.listener.began(trial.number, point)
        began = time.monotonic()
        watch = Watch(lambda step, nats: self._look(trial, step, nats))
        why = ""
        try:
            outcome = self._train(trial.number, point, watch)
        except (TrainingError, RecipeError, MemoryError, RuntimeError) as error:
            # A point that cannot be trained says something about its neighbours: no trial to redo.
            why = _why(error)
            self.fallen.append(why)
            raise optuna.TrialPruned(why) from error
        finally:
            seconds = round(time.monotonic() - began, 3)
            trial.set_user_attr(
                "told", {"why": why, "seconds": seconds, "parameters": watch.parameters}
            )
        self.fallen.clear()
        assert outcome.held_out is not None
        trial.set_user_attr("steps", outcome.steps)
        trial.set_user_attr("held_out", outcome.held_out)
        return float(outcome.held_out["nats"]["model"])

    def _dimensions(self) -> tuple[Dimension, ...]:
        return self.plan.space.dimensions

    def _train(self, number: int, point: dict[str, Any], watch: Watch) -> Outcome:
        folder = self.place.trial(number)
        if folder.exists():
            shutil.rmtree(folder)
        recipe = self.plan.space.recipe(self.plan.trial_recipe, point)
        minutes, cut = self._minutes()
        outcome = train(
            self.plan.corpus,
            recipe,
            folder,
            seed=self.plan.seed,
            options=Options(
                max_minutes=minutes, console=Console(quiet=True), callbacks=[watch], ship=False
            ),
        )
        if outcome.interrupted:
            raise KeyboardInterrupt
        if cut and self._over() and outcome.steps < recipe.train.max_steps:
            raise BrokenOff("the search's time is over", again=True)
        return outcome

    def _minutes(self) -> tuple[float | None, bool]:
        """How long the trial may be, and whether that is less than the plan gives each."""
        allowed = self.plan.trial_minutes
        if self.deadline is None:
            return allowed, False
        left = max(0.0, (self.deadline - time.monotonic()) / 60)
        return (left, True) if allowed is None or left < allowed else (allowed, False)

    def _over(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _look(self, trial: optuna.Trial, step: int, nats: float) -> None:
        self.listener.looked(trial.number, step, nats)
        if not math.isfinite(nats):
            raise TrainingError(f"training diverged: the held-out loss is {nats} at step {step}")
        if step == trial.user_attrs.get("steps"):
            return  # a run that is stopped looks once more where it may have looked already
        trial.set_user_attr("steps", step)
        trial.report(nats, step)
        if step < self.plan.trial_recipe.train.max_steps and trial.should_prune():
            raise optuna.TrialPruned


def _suggested(trial: optuna.Trial, key: str, kind: Any) -> Any:
    if isinstance(kind, optuna.distributions.CategoricalDistribution):
        return trial.suggest_categorical(key, kind.choices)
    if isinstance(kind, optuna.distributions.IntDistribution):
        return trial.suggest_int(key, kind.low, kind.high, step=kind.step, log=kind.log)
    return trial.suggest_float(key, kind.low, kind.high, step=kind.step, log=kind.log)


def _why(error: Exception) -> str:
    """Why a point fell over; whatever has nothing to do with its size or rate is raised."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, RuntimeError) and "memory" not in str(error):
        raise error
    return str(error).strip().splitlines()[0]


def tidy(place: Place, keep: set[int], finished: set[int]) -> None:
    """Take the weights of trials that ended out of their folders, but for those to keep."""
    for number in finished - keep:
        for heavy in ("checkpoints", "bundle"):
            shutil.rmtree(place.trial(number) / heavy, ignore_errors=True)


def remove(folder: Path) -> None:
    """Take a broken-off trial's folder away."""
    shutil.rmtree(folder, ignore_errors=True)
