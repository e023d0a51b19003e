"""The trials of a search as plain rows, the best first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from segue.search.space import Space

STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "broken off",
}
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Row:
    """A trial: its point, and what became of it. `nats` is the held-out loss in nats a row.

    `labels` is the point as the database holds it. A pruned trial's `nats` are those of its last
    look; `looks` holds (step, nats) of each; `held_out` is what the run was judged to be.
    """

    number: int
    state: str
    labels: dict[str, Any]
    point: dict[str, Any]
    nats: float | None
    steps: int
    seconds: float | None
    parameters: int
    why: str
    looks: list[tuple[int, float]]
    held_out: dict[str, Any]

    @property
    def done(self) -> bool:
        """Whether it was trained to its end, so that its loss counts."""
        return self.state == "done"

    @property
    def loss(self) -> float:
        """The nats, or infinity where there are none: it fell over before its first look."""
        return math.inf if self.nats is None else self.nats

    @property
    def baselines(self) -> dict[str, float]:
        """The losses that a model has to beat, of a trial that is done."""
        nats = self.held_out.get("nats", {})
        return {name: value for name, value in nats.items() if name != "model"}

    def as_dict(self) -> dict[str, Any]:
        """What trials.json holds."""
        return {
            "trial": self.number,
            "state": self.state,
            "set": self.point,
            "nats": self.nats,
            "steps": self.steps,
            "seconds": self.seconds,
            "parameters": self.parameters,
            "why": self.why,
            "looks": [{"step": step, "nats": nats} for step, nats in self.looks],
        }


def rows(study: optuna.Study, space: Space) -> list[Row]:
    """Every trial in the order it was begun."""
    return [_row(trial, space) for trial in study.get_trials(deepcopy=False)]


def _row(trial: FrozenTrial, space: Space) -> Row:
    attrs = trial.user_attrs
    told = attrs.get("told", {})
    labels = trial.params or trial.system_attrs.get("fixed_params", {})
    return Row(
        number=trial.number,
        state=STATES[trial.state],
        labels=dict(labels),
        point={d.key: d.value(labels[d.key]) for d in space.dimensions if d.key in labels},
        nats=trial.value,
        steps=int(attrs.get("steps", 0)),
        seconds=told.get("seconds"),
        parameters=int(told.get("parameters", 0)),
        why=attrs.get("why") or told.get("why", ""),
        looks=sorted(trial.intermediate_values.items()),
        held_out=attrs.get("held_out", {}),
    )


def ranked(found: list[Row]) -> list[Row]:
    """Done trials by loss, then pruned ones by how far they came, then those not yet over."""
    order = {"done": 0, "pruned": 1, "running": 2, "waiting": 3}

    def place(row: Row) -> tuple[float, ...]:
        steps = 0 if row.done else -row.steps
        return order[row.state], steps, row.loss, row.number

    return sorted((row for row in found if row.state in order), key=place)


def best(found: Iterable[Row]) -> Row | None:
    """The trial with the lowest loss among those trained to their end; the first of equals."""
    done = (row for row in found if row.done)
    return min(done, key=lambda row: (row.loss, row.number), default=None)
