"""`segue search`: try recipes from a declared space, and write down the best."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from segue.cli import searching
from segue.cli.console import DryRun, Json, note


def command(
    space: Annotated[
        str,
        typer.Option("--space", help="A space's name or TOML file: keys and what to try for each."),
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder of music, or a corpus that `segue prepare` made."),
    ] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="The recipe to change: its name or TOML file.")
    ] = "chorale-lstm",
    trials: Annotated[
        int,
        typer.Option("--trials", "-n", min=1, help="Trials in all, earlier calls included."),
    ] = 20,
    data: Annotated[
        Path | None, typer.Option("--data", help="The same as the argument FOLDER.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The search's folder (default: runs/RECIPE-SPACE)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key of the recipe in every trial and in the best."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Multiply the space's sizes: 0.125 searches at an eighth of the size."),
    ] = None,
    sampler: Annotated[str, typer.Option(help="What draws points: tpe, gp or random.")] = "tpe",
    pruner: Annotated[
        str, typer.Option(help="What gives poor trials up early: median, hyperband or none.")
    ] = "median",
    trial_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of a trial, with at least five looks at held-out music."),
    ] = None,
    trial_minutes: Annotated[
        float | None, typer.Option(min=0.0, help="End each trial after this long; it counts.")
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(min=0.0, help="End this call after this long; the next one goes on."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the points; every trial is trained with it.")
    ] = 0,
    storage: Annotated[
        str | None,
        typer.Option(help="A database URL for several workers (default: SQLite in the folder)."),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(help="The study's name in a shared database (default: RECIPE-SPACE)."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep/--no-keep", help="Keep the checkpoints of every trial, not one."),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Search a space of recipes for the lowest held-out loss.

    The same command again goes on with a search that was stopped.
    """
    from segue.errors import TrainingError
    from segue.recipes import load
    from segue.recipes.builder import require_torch
    from segue.search import require_optuna
    from segue.search.space_file import load as load_space

    require_torch("searching")
    require_optuna()
    source = folder or data
    if source is None:
        raise TrainingError("nothing to learn from came: give a FOLDER of music or a corpus.")
    resolved = load(recipe, settings or [])
    wanted = load_space(space)
    wanted = wanted if scale is None else wanted.scaled(scale)
    where = out or Path("runs") / f"{resolved.name}-{wanted.name}"
    if dry_run:
        searching.tell_plan(source, resolved, wanted, where, trials, as_json)
        return
    # Threads that wait by spinning make training ten times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not as_json:
        note("starting torch, Lightning and Optuna ...")
    from segue.cli.learning import find_corpus
    from segue.search.plan import Place, Plan
    from segue.search.run import search

    corpus, resolved = find_corpus(source, resolved, where, seed)
    plan = Plan(
        recipe=resolved,
        space=wanted,
        corpus=corpus,
        trials=trials,
        seed=seed,
        sampler=sampler,
        pruner=pruner,
        trial_steps=trial_steps,
        trial_minutes=trial_minutes,
        keep=keep,
    )
    with searching.Told(plan) as told:
        result = search(plan, Place(where, storage, study), max_minutes=max_minutes, listener=told)
    searching.report(result, plan, as_json)
    if result.interrupted:
        raise typer.Exit(130)
