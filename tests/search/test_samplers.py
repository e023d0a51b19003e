"""Samplers: a point depends on the seed and the trials before it, and none is drawn twice."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
import spaces
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from segue.errors import MissingExtraError
from segue.search.samplers import SAMPLERS, SeededSampler, distribution, ordinal
from segue.search.space import Choice, Range, Space

GRID = spaces.space(spaces.FINITE)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def study(kind: str, seed: int, space: Space = GRID) -> optuna.Study:
    sampler = SeededSampler(kind, seed, space)
    made = optuna.create_study(sampler=sampler)
    sampler.study = made
    return made


def draw(of: optuna.Study, space: Space = GRID) -> dict[str, Any]:
    """One trial, its loss a sum that the fewest layers make smallest."""
    trial = of.ask({d.key: distribution(d) for d in space.dimensions})
    of.tell(trial, float(trial.params.get("model.layers", 0)))
    return dict(trial.params)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_the_same_seed_draws_the_same_points_in_one_go_or_two(kind: str) -> None:
    whole, parts = study(kind, 1), study(kind, 1)
    points = [draw(whole) for _ in range(6)]
    again = [draw(parts) for _ in range(3)]
    fresh = SeededSampler(kind, 1, GRID)
    fresh.study = parts
    parts.sampler = fresh
    again += [draw(parts) for _ in range(3)]
    assert again == points


def test_another_seed_draws_other_points() -> None:
    one, two = study("tpe", 1), study("tpe", 2)
    assert [draw(one) for _ in range(4)] != [draw(two) for _ in range(4)]


@pytest.mark.parametrize("kind", ["tpe", "random"])
def test_no_point_is_drawn_twice(kind: str) -> None:
    of = study(kind, 5)
    points = [tuple(draw(of).values()) for _ in range(GRID.points or 0)]
    assert len(set(points)) == 12


def test_a_broken_off_trial_and_its_repetition_are_one() -> None:
    whole, broken = study("tpe", 1), study("tpe", 1)
    points = [draw(whole) for _ in range(5)]
    again = [draw(broken) for _ in range(2)]
    killed = broken.ask({d.key: distribution(d) for d in GRID.dimensions})
    broken.tell(killed, state=TrialState.FAIL)
    broken.enqueue_trial(killed.params)
    again += [draw(broken) for _ in range(3)]
    assert again == points
    assert [ordinal(broken, t.number) for t in broken.trials] == [0, 1, 2, 2, 3, 4]


def test_two_workers_that_ask_at_once_get_different_points() -> None:
    of = study("tpe", 1)
    kinds = {d.key: distribution(d) for d in GRID.dimensions}
    assert of.ask(kinds).params != of.ask(kinds).params


@pytest.mark.parametrize(("kind", "trials"), [("tpe", 30), ("gp", 8)])
def test_samplers_learn(kind: str, trials: int) -> None:
    """After a random start they stay where the loss is low; chance would come to a half."""
    space = Space("line", "", (Range("model.layers", 0.0, 1.0),))
    of = study(kind, 1, space)
    drawn = [float(draw(of, space)["model.layers"]) for _ in range(trials)]
    assert sum(drawn[5:]) / len(drawn[5:]) < 0.25


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (Range("a.b", 1, 3), IntDistribution(1, 3)),
        (Range("a.b", 8, 64, step=8), IntDistribution(8, 64, step=8)),
        (Range("a.b", 8, 64, log=True), IntDistribution(8, 64, log=True)),
        (Range("a.b", 0.1, 1, log=True), FloatDistribution(0.1, 1, log=True)),
        (Range("a.b", 0.0, 0.5, step=0.1), FloatDistribution(0.0, 0.5, step=0.1)),
        (Choice("a.b", ([1, 2], 3, "x")), CategoricalDistribution(["[1, 2]", 3, "x"])),
    ],
)
def test_a_dimension_is_a_distribution(dimension: Any, expected: Any) -> None:
    assert distribution(dimension) == expected


def test_the_gp_sampler_without_scipy_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'scipy'.*segue\[search\]"):
        SAMPLERS["gp"](1)
