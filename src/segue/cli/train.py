"""`segue train`: from a folder of music (or a prepared corpus) to a run with a bundle."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Annotated

import typer

from segue.cli import learning
from segue.cli.console import DryRun, Json, note


def command(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder of music, or a corpus that `segue prepare` made."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", "-r", help="A recipe's name or TOML file (chorale-lstm)."),
    ] = None,
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
    size: Annotated[
        str | None,
        typer.Option(help="One of the recipe's sizes, or auto: what corpus and machine can feed."),
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
    start_from: Annotated[
        Path | None,
        typer.Option("--from", help="Fine-tune this bundle or run instead of starting anew."),
    ] = None,
    lora: Annotated[
        int,
        typer.Option(min=0, help="With --from: learn changes of this low rank; 0 learns all."),
    ] = 0,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with this run from its last checkpoint.")
    ] = None,
    devices: Annotated[
        int, typer.Option(min=1, help="Processes on each machine that share the run.")
    ] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines that share the run.")] = 1,
    strategy: Annotated[
        str, typer.Option(help="How they share it: auto, ddp, or fsdp (GPUs only).")
    ] = "auto",
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile/--no-compile",
            help="Transformers: shorter steps, after a minute at the start; needs a C++ compiler.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train a recipe on a folder of music and write a run with its bundle."""
    from segue.errors import TrainingError
    from segue.recipes.builder import require_torch

    require_torch("training")
    if "OMP_WAIT_POLICY" not in os.environ:
        # Threads that wait long by spinning are ten times slower on a busy machine; threads that
        # never spin are half again as slow on a quiet one (docs/lab_log.md).
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    if not as_json:
        note("starting torch and Lightning ...")
    how = learning.options(max_minutes, devices, nodes, strategy, compiled)
    source = folder or data
    if resume is not None:
        if source or settings or recipe or size or start_from or seed is not None:
            raise TrainingError(
                "--resume goes on with the run's own data, recipe and seed: give it alone, "
                "or with --max-minutes, --max-steps or --compile."
            )
        learning.report(learning.go_on(resume, max_steps, how), as_json)
        return
    if source is None:
        raise TrainingError("nothing to learn from came: give a FOLDER of music, or --resume RUN.")
    if lora and start_from is None:
        raise TrainingError("--lora changes a bundle: say which with --from BUNDLE.")
    overrides = [*(settings or []), *([f"train.max_steps={max_steps}"] if max_steps else [])]
    wish = learning.Wish(source, recipe, tuple(overrides), size, start_from, lora)
    if seed is None:
        # Processes that share a run must not each draw their own.
        seed = random.SystemRandom().randrange(2**31) if devices * nodes == 1 else 0
    if dry_run:
        learning.tell_plan(wish, out, seed, as_json)
    else:
        learning.report(learning.begin(wish, out, seed, how), as_json)
