"""`segue convert`: any format into any other, a file or a whole folder."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import DryRun, Json, emit_json, note, plain, table, track

if TYPE_CHECKING:
    from segue.cli.conversion import Converted, Job
    from segue.workers import Outcome

# How many reasons are worth a screen; `--json` has them all.
SHOWN = 40


class Colour(enum.StrEnum):
    """What the colour of a note tells."""

    TRACK = "track"
    VELOCITY = "velocity"


class Synth(enum.StrEnum):
    """What makes the sound."""

    SOUNDFONT = "soundfont"
    NES = "nes"


def command(
    source: Annotated[Path, typer.Argument(help="A music file, or a folder of them.")],
    target: Annotated[
        Path | None,
        typer.Argument(help="The file to write (or, with --to, the folder to write into)."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="The format to write: a suffix or a name, such as mid, wav, sheet.svg."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to write into, with --to.")
    ] = None,
    soundfont: Annotated[
        Path | None, typer.Option(help="Sound: the .sf2 or .sf3 file to play with.")
    ] = None,
    synth: Annotated[
        Synth | None,
        typer.Option(help="Sound: a SoundFont (the default) or the voices of the NES."),
    ] = None,
    colour: Annotated[
        Colour | None, typer.Option(help="Piano roll: what the colour of a note tells.")
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(help="Piano roll: a second music file, drawn in red over the first."),
    ] = None,
    tune: Annotated[
        str | None,
        typer.Option(help="ABC: the tune to read, by its number (X:); the first without it."),
    ] = None,
    chords: Annotated[
        bool,
        typer.Option(
            "--chords/--no-chords", help="ABC: play chord symbols, on a track of their own."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Folders: how many processes (default: one a processor)."),
    ] = None,
    seconds_per_file: Annotated[
        float, typer.Option(min=0.1, help="Folders: give a file up after this long.")
    ] = 300.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Convert music from one format to another.

    `segue convert jig.abc jig.mid` converts a file; `segue convert FOLDER --to musicxml -o OUT`
    converts every music file under a folder, in parallel, into the same tree under OUT. A file
    that cannot be converted is listed with the reason and the others go on; files that are
    already there are replaced. Damaged files are repaired where that is possible, and what was
    repaired is said.
    """
    given = {"soundfont": soundfont, "synth": synth, "colour": colour, "overlay": overlay}
    options = {name: value for name, value in given.items() if value is not None}
    reading: dict[str, Any] = {} if tune is None else {"tune": tune}
    reading |= {"chords": True} if chords else {}
    if not source.is_dir():
        _one(_job(source, target, to, out, options, reading), dry_run=dry_run, as_json=json)
        return
    jobs = _jobs(source, out or target, to, options, reading)
    if dry_run:
        _say_plan(jobs, as_json=json)
    else:
        _many(jobs, source, workers, seconds_per_file, as_json=json)


def _job(
    source: Path,
    target: Path | None,
    to: str | None,
    out: Path | None,
    options: dict[str, Any],
    reading: dict[str, Any],
) -> Job:
    from segue.cli.conversion import Job, check_options, check_reading, plan, suffix_for

    folder = out or target
    if to is None:
        if target is None or out is not None:
            raise typer.BadParameter("name the file to write, or a format with --to.")
        if target.is_dir():
            raise typer.BadParameter(f"{target} is a folder: name the format with --to.")
        place = target
    else:
        ((_, place),) = plan(source.parent, [source.name], folder or source.parent, suffix_for(to))
    check_options(place, options)
    check_reading(source, reading)
    return Job(source, place, options, reading)


def _jobs(
    source: Path,
    out: Path | None,
    to: str | None,
    options: dict[str, Any],
    reading: dict[str, Any],
) -> list[Job]:
    from segue.cli.conversion import Job, check_options, plan, suffix_for
    from segue.data.scan import scan
    from segue.formats.table import format_of

    if to is None or out is None:
        raise typer.BadParameter(f"{source} is a folder: say --to FORMAT and -o FOLDER.")
    if "overlay" in options:
        raise typer.BadParameter("--overlay is for one file, not for a folder.")
    if "tune" in reading:
        raise typer.BadParameter("--tune is for one file, not for a folder.")
    suffix = suffix_for(to)
    check_options(Path(f"x{suffix}"), options)
    found = scan(source, leave_out=out)
    pairs = plan(found.root, [file.path for file in found.music], out, suffix)
    own = {origin: reading if format_of(origin).name == "abc" else {} for origin, _ in pairs}
    return [Job(origin, place, options, own[origin]) for origin, place in pairs]


def _say_plan(jobs: list[Job], *, as_json: bool) -> None:
    from segue.cli import console

    if as_json:
        emit_json({"files": [{"file": job.source, "to": job.target} for job in jobs]})
        return
    for job in jobs:
        console.out.print(f"{job.source} -> {job.target}", soft_wrap=True)


def _one(job: Job, *, dry_run: bool, as_json: bool) -> None:
    from segue.cli import console
    from segue.cli.conversion import convert

    if dry_run:
        _say_plan([job], as_json=as_json)
        return
    done = convert(job)
    if as_json:
        emit_json({"file": job.source, "to": job.target, **plain(done)})
        return
    console.out.print(
        f"{job.target}: {done.notes:,} notes, {done.seconds:,.1f} seconds.", soft_wrap=True
    )
    for repair in done.repairs:
        note(f"Repaired: {repair}")


def _many(
    jobs: list[Job], root: Path, workers: int | None, seconds: float, *, as_json: bool
) -> None:
    from segue.cli.conversion import convert
    from segue.workers import BUG, CRASHED, DONE, each

    running = each(convert, jobs, workers=workers, seconds=seconds)
    outcomes = sorted(track(running, "Converting", len(jobs)), key=lambda o: o.index)
    if as_json:
        emit_json(_report(jobs, root, outcomes))
    else:
        _summary(jobs, root, outcomes)
    statuses = {outcome.status for outcome in outcomes}
    if statuses & {BUG, CRASHED}:
        raise typer.Exit(70)
    if DONE not in statuses:
        raise typer.Exit(3)


def _report(jobs: list[Job], root: Path, outcomes: list[Outcome[Converted]]) -> dict[str, Any]:
    files = []
    for outcome in outcomes:
        job = jobs[outcome.index]
        row: dict[str, Any] = {"file": str(job.source.relative_to(root)), "status": outcome.status}
        if outcome.value is not None:
            row |= {"to": job.target, **plain(outcome.value)}
        else:
            row["reason"] = _reason(job, outcome)
        files.append(row)
    return {"counts": _counts(outcomes), "files": files}


def _reason(job: Job, outcome: Outcome[Converted]) -> str:
    """The reason without the file's path in front, which stands beside it already."""
    return outcome.reason.removeprefix(str(job.source)).lstrip(": ")


def _counts(outcomes: list[Outcome[Converted]]) -> dict[str, int]:
    from segue.workers import BUG, CRASHED, DONE, LATE, REFUSED

    counts = dict.fromkeys((DONE, REFUSED, LATE, CRASHED, BUG), 0)
    for outcome in outcomes:
        counts[outcome.status] += 1
    return {**counts, "repaired": sum(bool(o.value and o.value.repairs) for o in outcomes)}


def _summary(jobs: list[Job], root: Path, outcomes: list[Outcome[Converted]]) -> None:
    from segue.cli import console

    counts = _counts(outcomes)
    shown = table(">files", "what became of them")
    for status, number in counts.items():
        if number and status != "repaired":
            shown.add_row(f"{number:,}", status)
    if counts["repaired"]:
        shown.add_row(f"{counts['repaired']:,}", "of the done repaired first")
    console.out.print(shown)
    failed = [outcome for outcome in outcomes if outcome.value is None]
    for outcome in failed[:SHOWN]:
        job = jobs[outcome.index]
        console.out.print(
            f"{job.source.relative_to(root)}: {_reason(job, outcome)}", soft_wrap=True
        )
    if len(failed) > SHOWN:
        console.out.print(f"... and {len(failed) - SHOWN:,} more: --json lists them all.")
