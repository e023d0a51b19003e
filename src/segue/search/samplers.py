"""Which point to try next, and which trials to give up early: Optuna's, seeded trial by trial."""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import optuna
import torch
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from segue.errors import MissingExtraError
from segue.recipes import Recipe
from segue.search.space import Choice, Dimension, Space

STARTUP = 5
"""Trials drawn at random before a sampler begins to learn: a search is tens of trials."""
REDRAWS = 20
"""Draws of a point that was tried already, before one that was not is drawn at random."""
MOST_POINTS = 100_000
"""Spaces up to this size are listed to find a point that was not tried."""

FAILED, WAITING = TrialState.FAIL, TrialState.WAITING


def _tpe(seed: int) -> BaseSampler:
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)


def _gp(seed: int) -> BaseSampler:
    if importlib.util.find_spec("scipy") is None:
        raise MissingExtraError("searching with --sampler gp", "scipy", "search")
    return optuna.samplers.GPSampler(
        seed=seed, n_startup_trials=STARTUP, warn_independent_sampling=False
    )


def _random(seed: int) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {"tpe": _tpe, "gp": _gp, "random": _random}


def _median(recipe: Recipe) -> optuna.pruners.BasePruner:
    # The first look says little: a small model is ahead until a large one has warmed up.
    return optuna.pruners.MedianPruner(
        n_startup_trials=STARTUP - 1, n_warmup_steps=recipe.train.validate_every + 1
    )


def _hyperband(recipe: Recipe) -> optuna.pruners.BasePruner:
    return optuna.pruners.HyperbandPruner(
        min_resource=recipe.train.validate_every, max_resource=recipe.train.max_steps
    )


def _none(recipe: Recipe) -> optuna.pruners.BasePruner:
    return optuna.pruners.NopPruner()


PRUNERS: dict[str, Callable[[Recipe], optuna.pruners.BasePruner]] = {
    "median": _median,
    "hyperband": _hyperband,
    "none": _none,
}


def distribution(dimension: Dimension) -> BaseDistribution:
    """The dimension as Optuna writes it."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.labels)
    if dimension.whole:
        step = int(dimension.step or 1)
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
    return FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


def ordinal(study: optuna.Study, number: int) -> int:
    """A trial's place among the trials that count: those before it that were not broken off.

    A trial that was broken off and its repetition are one, so a search that was killed and went
    on draws what it would have drawn.
    """
    broken = (t for t in study.get_trials(deepcopy=False, states=(FAILED,)) if t.number < number)
    return number - sum(1 for _ in broken)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The GP sampler's matrices are tiny: threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class SeededSampler(BaseSampler):  # type: ignore[misc] # Optuna's types are not read
    """A sampler made anew for each trial, from the search's seed and the trial's ordinal.

    A resumed search and each of several workers draw new points, not their first ones again. A
    point that was tried is drawn again: a trial with the same seed would give the same loss.
    """

    def __init__(self, kind: str, seed: int, space: Space) -> None:
        self.kind = kind
        self.seed = seed
        self.space = space
        self.study: optuna.Study | None = None
        """The whole study: pruners may show a sampler a part of it."""

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """All dimensions: a point is drawn as a whole."""
        return {d.key: distribution(d) for d in self.space.dimensions}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A point by labels."""
        if "fixed_params" in trial.system_attrs:
            return {}
        whole = self.study or study
        place = ordinal(whole, trial.number)
        tried = self._tried(whole, trial)
        for attempt in range(REDRAWS):
            point = self._draw(study, trial, search_space, (self.seed, place, attempt))
            if self._place(point) not in tried:
                return point
        return self._untried(tried, (self.seed, place)) or point

    def _draw(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
        entropy: tuple[int, ...],
    ) -> dict[str, Any]:
        inner = SAMPLERS[self.kind](int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        together = inner.infer_relative_search_space(study, trial)
        with _one_thread():
            point = inner.sample_relative(study, trial, together)
        for key, kind in search_space.items():
            if key not in point:
                point[key] = inner.sample_independent(study, trial, key, kind)
        return point

    def _tried(self, study: optuna.Study, trial: FrozenTrial) -> set[tuple[float, ...]]:
        others = (t for t in study.get_trials(deepcopy=False) if t.number != trial.number)
        points = (
            t.system_attrs.get("fixed_params", {}) if t.state == WAITING else t.params
            for t in others
            if t.state != FAILED
        )
        return {self._place(p) for p in points if len(p) == len(self.space.dimensions)}

    def _place(self, point: Mapping[str, Any]) -> tuple[float, ...]:
        return tuple(d.index(point[d.key]) for d in self.space.dimensions)

    def _untried(
        self, tried: set[tuple[float, ...]], entropy: tuple[int, ...]
    ) -> dict[str, Any] | None:
        counts = [d.points for d in self.space.dimensions]
        if any(count is None for count in counts):
            return None
        known = [count for count in counts if count is not None]
        if math.prod(known) > MOST_POINTS:
            return None
        left = [p for p in itertools.product(*map(range, known)) if p not in tried]
        if not left:
            return None
        chosen = left[int(np.random.default_rng(entropy).integers(len(left)))]
        return {d.key: d.label(i) for d, i in zip(self.space.dimensions, chosen, strict=True)}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Not met: `sample_relative` draws every dimension."""
        raise AssertionError(param_name)
