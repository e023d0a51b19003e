"""What `segue search` says: the plan, each trial as it ends, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segue.cli.console import emit_json, note

if TYPE_CHECKING:
    from rich.progress import Progress

    from segue.recipes import Recipe
    from segue.search.plan import Plan
    from segue.search.report import Result
    from segue.search.space import Space
    from segue.search.table import Row


class Told:
    """Tells the search on stderr: a bar over the trials, and a line for each."""

    def __init__(self, plan: Plan) -> None:
        from segue.cli.console import progress

        self.plan = plan
        self.bar: Progress = progress()
        self.task = self.bar.add_task("searching", total=plan.trials)

    def __enter__(self) -> Told:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def began(self, number: int, point: dict[str, Any]) -> None:
        """Name the trial and its point."""
        self.bar.update(self.task, description=f"trial {number}: {_point(point)}")

    def looked(self, number: int, step: int, nats: float) -> None:
        """Say how far it is."""
        steps = self.plan.trial_recipe.train.max_steps
        self.bar.update(
            self.task, description=f"trial {number}: step {step} of {steps}, {nats:.3f} nats a row"
        )

    def ended(self, row: Row, best: Row | None, done: int) -> None:
        """A line with what came out."""
        self.bar.update(self.task, completed=done)
        what = row.state if row.nats is None else f"{row.nats:.4f} nats a row"
        what += f", pruned at step {row.steps}" if row.state == "pruned" else ""
        leader = f"; best {best.nats:.4f}, trial {best.number}" if best else ""
        why = f" ({row.why})" if row.why else ""
        note(
            f"trial {row.number} ({done} of {self.plan.trials}): {_point(row.point)}: "
            f"{what}{why}, {row.seconds:.1f} s{leader}"
        )


def _point(point: dict[str, Any]) -> str:
    return ", ".join(f"{key.split('.')[-1]} {_value(value)}" for key, value in point.items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def tell_plan(
    source: Path, recipe: Recipe, space: Space, where: Path, trials: int, as_json: bool
) -> None:
    """What would be done."""
    plan = {
        "data": str(source),
        "search": str(where),
        "trials": trials,
        "space": {"name": space.name, "points": space.points, "dimensions": space.as_dict()},
        "recipe": recipe.model_dump(mode="json"),
    }
    if as_json:
        emit_json(plan)
        return
    from segue.cli import console

    points = "endless" if space.points is None else f"{space.points:,}"
    console.out.print(
        f"would try {trials} of {points} points of the space {space.name} on {source}, into "
        f"{where}, from the recipe {recipe.name}:\n"
    )
    shown = console.table("key", "values")
    for key, told in space.as_dict().items():
        shown.add_row(key, ", ".join(f"{k} {v}" for k, v in told.items() if v not in (None, False)))
    console.out.print(shown)


def report(result: Result, plan: Plan, as_json: bool) -> None:
    """The table of trials, the best recipe, and where to find what."""
    from segue.search.run import bundle_of

    if as_json:
        best = result.best
        emit_json(
            {
                "search": result.place.folder,
                "study": result.study,
                "done": result.done,
                "trials": plan.trials,
                "reason": result.reason,
                "interrupted": result.interrupted,
                "best": best.as_dict() if best else None,
                "best_recipe": result.place.best if best else None,
                "bundle": bundle_of(result),
                "baselines": result.baselines,
                "importance": result.importance,
                "rows": [row.as_dict() for row in result.ranked],
            }
        )
        return
    if result.done:
        _show_table(result, plan)
    _show_verdict(result, bundle_of(result))


def _show_table(result: Result, plan: Plan) -> None:
    from segue.cli import console

    keys = [dimension.key for dimension in plan.space.dimensions]
    shown = console.table(
        ">trial", *(f">{key}" for key in keys), ">nats a row", ">steps", ">parameters", ">s", "end"
    )
    for row in result.ranked:
        first = result.best is not None and row.number == result.best.number
        shown.add_row(
            str(row.number),
            *(_value(row.point[key]) if key in row.point else "" for key in keys),
            "" if row.nats is None else f"{row.nats:.4f}",
            str(row.steps),
            f"{row.parameters:,}" if row.parameters else "",
            "" if row.seconds is None else f"{row.seconds:.1f}",
            "best" if first else row.state + (f": {row.why}" if row.why else ""),
            style="bold" if first else None,
        )
    console.out.print(shown)


def _show_verdict(result: Result, bundle: Path | None) -> None:
    from segue.cli import console

    def say(sentence: str) -> None:
        console.out.print(sentence, soft_wrap=True)  # a path broken in two cannot be copied

    if result.interrupted:
        note(f"{result.done} of {result.wanted} trials are done; the same command goes on.")
        return
    best = result.best
    if best is None:
        say(
            f"{result.reason}; none was trained to its end: give the search more time, "
            "or each trial fewer steps (--trial-steps)."
        )
        return
    say(f"{result.reason}; the best is trial {best.number} with {best.loss:.4f} nats a row.")
    floor = min(result.baselines, key=lambda name: result.baselines[name], default=None)
    if floor is not None and best.loss > result.baselines[floor]:
        say(
            f"It is over the {floor} baseline ({result.baselines[floor]:.4f}): "
            "trials this short say little; give them more steps."
        )
    if result.importance:
        told = (f"{key} {share:.0%}" for key, share in result.importance.items())
        say(f"What mattered: {', '.join(told)}.")
    say(f"best recipe: {result.place.best}")
    if bundle is not None:
        say(f"its bundle after {best.steps} steps: {bundle}")
    say(f"pictures: {result.place.folder / 'pictures'}")
    say(f"next: segue train FOLDER --recipe {result.place.best}")
