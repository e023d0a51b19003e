"""`segue doctor`: what is wrong with takes, runs or any music, why, and what to try."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli import playing
from segue.cli.console import Json, emit_json, note, progress

if TYPE_CHECKING:
    from segue.judging.doctor import Report

ILL = 1
"""What `--strict` leaves with when something was found."""


def command(
    paths: Annotated[
        list[Path], typer.Argument(help="Takes or other music files, folders of them, or runs.")
    ],
    bundle: Annotated[
        Path | None,
        typer.Option(help="The bundle that made the takes (default: what their receipts say)."),
    ] = None,
    takes: Annotated[int, typer.Option(min=1, max=64, help="How many takes a run plays.")] = 4,
    bars: Annotated[int, typer.Option(min=4, max=4096, help="How long they are.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first of them.")] = 0,
    engine: playing.EngineName = "auto",
    plots: Annotated[
        Path | None,
        typer.Option(help="A folder to draw runs' training curves and ill pieces' bars into."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict/--no-strict", help="Leave with 1 if anything was found.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find loops, silence, collapse, drift, wandering and hanging notes, and say what to try.

    For a run it also reads the log of its training, and plays takes as its recipe would.
    """
    from segue.cli import diagnosing

    reports = [_report(path, bundle, takes, bars, seed, engine) for path in paths]
    if as_json:
        emit_json({"reports": [report.as_dict() for report in reports]})
    else:
        for report in reports:
            diagnosing.show(report)
    for picture in _draw(paths, plots) if plots else ():
        note(f"wrote {picture}")
    if strict and not all(report.healthy for report in reports):
        raise typer.Exit(ILL)


def _report(
    path: Path, bundle: Path | None, takes: int, bars: int, seed: int, engine: str
) -> Report:
    from segue.judging import doctor

    if not path.is_dir() and not doctor.is_run(path):
        return doctor.Report(str(path), (), (doctor.file(path, bundle),))
    if doctor.is_run(path):
        with progress() as bar:
            task: Any = bar.add_task(f"playing {path.name}", total=None)
            return doctor.run(
                path,
                takes=takes,
                bars=bars,
                seed=seed,
                engine=engine,
                told=lambda count: bar.update(task, completed=count),
            )
    return _folder(path, bundle)


def _folder(path: Path, bundle: Path | None) -> Report:
    """Every piece of a folder; what cannot be read is told and left out."""
    from segue.cli.console import track
    from segue.data.scan import scan
    from segue.errors import SegueError
    from segue.judging import doctor

    found = scan(path)
    patients = []
    for file in track(found.music, "looking", len(found.music)):
        try:
            patients.append(doctor.file(found.root / file.path, bundle, name=file.path))
        except SegueError as error:
            note(f"left out: {error}")
    return doctor.Report(str(path), (), tuple(patients))


def _draw(paths: list[Path], folder: Path) -> list[Path]:
    """Of a run its training curve beside the baselines; of a file its self-similarity."""
    from segue.evaluation import plots
    from segue.formats import read
    from segue.judging import doctor

    written = []
    for path in paths:
        if not path.is_dir():
            picture = folder / f"{path.stem}-self-similarity.png"
            written.append(plots.self_similarity(read(path), picture, title=path.stem))
        elif doctor.is_run(path):
            facts = doctor.facts_of_run(path)
            written.append(_curve(facts, folder / f"{path.resolve().name}-training.png"))
    return written


def _curve(facts: Any, picture: Path) -> Path:
    from segue.evaluation import plots

    levels = {name: value for name, value in facts.held_out.items() if name != "model"}
    levels.pop("uniform", None)
    return plots.training_curves(
        picture, facts.curve.lines(), levels=levels, title=f"Training of {facts.name}"
    )
