"""`segue train`: from a folder of music (or a prepared corpus) to a run with a bundle."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import DryRun, Json, emit_json, note

if TYPE_CHECKING:
    from segue.data import Corpus
    from segue.recipes import Recipe


def command(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder of music, or a corpus that `segue prepare` made."),
    ] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="A recipe's name or TOML file.")
    ] = "chorale-lstm",
    data: Annotated[
        Path | None, typer.Option("--data", help="The same as the argument FOLDER.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The run folder to write (default: runs/RECIPE)."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a key of the recipe, such as train.lr=3e-4."),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after this long, then make the bundle.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="Stop at this step (sets train.max_steps).")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Draws weights, windows and dropout (default: random)."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run from its last checkpoint.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train a recipe on a folder of music and write a run with its bundle."""
    from segue.errors import TrainingError
    from segue.recipes.builder import require_torch

    require_torch("training")
    _prepare_torch()
    source = folder or data
    if resume is not None:
        if source is not None or settings or seed is not None:
            raise TrainingError(
                "--resume goes on with the run's own data, recipe and seed: give it alone, "
                "or with --max-minutes or --max-steps."
            )
        _report(_resume(resume, max_minutes, max_steps), as_json)
        return
    if source is None:
        raise TrainingError("nothing to learn from came: give a FOLDER of music, or --resume RUN.")
    from segue.recipes import load

    overrides = [*(settings or []), *([f"train.max_steps={max_steps}"] if max_steps else [])]
    resolved = load(recipe, overrides)
    run = out or Path("runs") / resolved.name
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    if dry_run:
        _tell_plan(source, resolved, run, seed, as_json)
        return
    _report(_begin(source, resolved, run, seed, max_minutes), as_json)


def _prepare_torch() -> None:
    """Say that torch and Lightning are coming: importing them takes seconds."""
    # Threads that wait by spinning make training ten times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    note("starting torch and Lightning ...")


def _begin(source: Path, recipe: Recipe, run: Path, seed: int, max_minutes: float | None) -> Any:
    from segue.cli import console
    from segue.training.run import train

    corpus = _corpus(source, recipe, run, seed)
    note(f"seed {seed}, recipe {recipe.name}, run {run}")
    return train(corpus, recipe, run, seed=seed, max_minutes=max_minutes, console=console.err)


def _resume(run: Path, max_minutes: float | None, max_steps: int | None) -> Any:
    from segue.cli import console
    from segue.training.run import resume

    return resume(run, max_minutes=max_minutes, max_steps=max_steps, console=console.err)


def _corpus(source: Path, recipe: Recipe, run: Path, seed: int) -> Corpus:
    """The corpus at `source`, or one made from the music there, inside the run folder."""
    from segue.cli.console import progress
    from segue.data import Corpus, prepare, verdict
    from segue.errors import TrainingError
    from segue.recipes import build_encoding

    encoding = build_encoding(recipe)
    if (source / "corpus.json").is_file():
        corpus = Corpus.open(source)
        if corpus.encoding.name != encoding.name:
            raise TrainingError(
                f"{source} was prepared with the encoding {corpus.encoding.name}; recipe "
                f"{recipe.name} needs {encoding.name}: prepare it again with --encoding "
                f"{encoding.name}, or give the folder of music itself."
            )
    else:
        with progress() as bar:
            task = bar.add_task("reading music")

            def told(done: int, total: int, notes: int) -> None:
                bar.update(task, completed=done, total=total)

            corpus = prepare(source, run / "corpus", encoding, seed=seed, progress=told)
    for sentence in verdict(corpus):
        note(sentence)
    return corpus


def _tell_plan(source: Path, recipe: Recipe, run: Path, seed: int, as_json: bool) -> None:
    plan = {
        "data": str(source),
        "run": str(run),
        "seed": seed,
        "recipe": recipe.model_dump(mode="json"),
    }
    if as_json:
        emit_json(plan)
    else:
        from segue.cli import console
        from segue.recipes.library import to_toml

        console.out.print(f"would train on {source} into {run} with seed {seed}:\n")
        console.out.print(to_toml(recipe))


def _report(outcome: Any, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "run": outcome.run,
                "steps": outcome.steps,
                "reason": outcome.reason,
                "interrupted": outcome.interrupted,
                "held_out": outcome.held_out,
                "bundle": outcome.bundle.path if outcome.bundle else None,
            }
        )
    elif outcome.interrupted:
        note(f"Saved at step {outcome.steps}; go on with `segue train --resume {outcome.run}`.")
    else:
        _show(outcome)
    if outcome.interrupted:
        raise typer.Exit(130)


def _show(outcome: Any) -> None:
    from segue.cli import console

    held_out = outcome.held_out
    rows = console.table("held-out loss", ">nats a row", ">perplexity a row")
    import math

    for name, value in sorted(held_out["nats"].items(), key=lambda item: -item[1]):
        rows.add_row(name, f"{value:.4f}", f"{math.exp(value):,.2f}")
    console.out.print(rows)
    nats = held_out["nats"]
    floor = {k: v for k, v in nats.items() if k != "model"}
    best = min(floor, key=lambda k: floor[k])
    gap = floor[best] - nats["model"]
    console.out.print(
        f"{outcome.reason}; {held_out['rows']:,} held-out rows ({held_out['split']}); the model is "
        + (f"{gap:.3f} nats under" if gap > 0 else f"{-gap:.3f} nats over")
        + f" the best baseline ({best})."
        + ("" if gap > 0 else " It has not learned yet: train longer or on more music.")
    )
    console.out.print(f"bundle: {outcome.bundle.path}")
    console.out.print(f"next: segue generate {outcome.run} -n 4 --bars 16 -o out/")
