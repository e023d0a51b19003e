"""`segue compare`: runs beside each other and beside real music, in one report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.cli.console import Json, emit_json, note

if TYPE_CHECKING:
    from segue.judging.compare import Comparison
    from segue.judging.listening import Result


def command(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Runs or bundles, the first of them the standard.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Held-out music: a folder or file that no run learned from.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder of the report.")] = Path(
        "report"
    ),
    takes: Annotated[
        int, typer.Option("-n", "--takes", min=1, max=256, help="How many takes each run makes.")
    ] = 16,
    bars: Annotated[int, typer.Option(min=1, max=256, help="How many bars each take has.")] = 16,
    samples: Annotated[
        int, typer.Option(min=0, max=32, help="How many of each to see, hear and choose from.")
    ] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Draws takes, excerpts and pairs.")] = 0,
    engine: Annotated[str, typer.Option(help="auto, onnx, int8, int4 or torch.")] = "auto",
    votes: Annotated[
        list[Path] | None,
        typer.Option(help="Count choices saved on the listening page of --out; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare runs: likelihood, measures, memorisation, speed and size, samples to see and hear.

    Writes index.html (the report), listen.html (pairs to be heard without knowing which is which)
    and compare.json. With --votes, and no run, counts what listeners chose.
    """
    from segue.errors import SegueError

    if votes:
        if runs:
            raise SegueError("give either runs to compare or --votes to count, not both.")
        _count(out, votes, as_json)
        return
    if not runs or data is None:
        raise SegueError("give runs to compare and held-out music: segue compare RUN RUN --data F.")
    from segue.judging.compare import Asked, compare
    from segue.judging.compare_report import INDEX, LISTEN, write_report
    from segue.judging.compare_samples import listening
    from segue.judging.compare_samples import samples as drawn_samples

    found = compare(runs, data, Asked(takes, bars, samples, seed, engine), tell=note)
    drawn = drawn_samples(found, tell=note)
    write_report(out, found, drawn, listening(drawn, seed))
    if as_json:
        emit_json({**found.as_dict(), "files": [str(out / INDEX), str(out / LISTEN)]})
        return
    _print(found)
    note(f"written to {out / INDEX} and {out / LISTEN}")


def _count(out: Path, votes: list[Path], as_json: bool) -> None:
    from segue.judging.listen_page import VOTES, write_votes
    from segue.judging.listening import counted

    result = counted(out, votes)
    write_votes(out, result)
    if as_json:
        emit_json(result.as_dict())
        return
    _print_votes(result)
    note(f"written to {out / VOTES}")


def _print(found: Comparison) -> None:
    """The likelihoods, overlaps, memorisation and speed of each run."""
    import numpy as np

    from segue.cli import console

    rows = console.table(
        "run", ">nats a note", ">95 % interval", ">like real", ">memorised", ">parameters",
        ">notes/s",
    )  # fmt: skip
    for run in found.contestants:
        told = run.evaluation
        low, high = told.between("note") if told else (0.0, 0.0)
        shares = [o.like_real for o in run.overlaps.values() if np.isfinite(o.like_real)]
        rows.add_row(
            run.name,
            f"{told.nats('note'):.4f}" if told else "-",
            f"{low:.4f} to {high:.4f}" if told else "-",
            f"{np.median(shares):.2f}" if shares else "-",
            f"{run.copies.mean:.3f}" if run.copies else "-",
            f"{run.bundle.index['parameters']:,}",
            f"{run.speed.notes_a_second:,.0f}",
        )
    console.out.print(rows)
    for each in found.differences:
        charged = ", with what the encodings lose" if each.charged else ""
        first = next(run.name for run in found.contestants if run.evaluation)
        console.out.print(
            f"{first} less {each.name}: {each.nats:+.4f} nats a note, "
            f"{each.low:+.4f} to {each.high:+.4f}, on {each.pieces} pieces{charged}"
        )
    for run in found.contestants:
        for part, reason in run.missing.items():
            note(f"{run.name}, {part}: {reason}")


def _print_votes(result: Result) -> None:
    from segue.cli import console

    rows = console.table("", ">won", ">lost", ">neither", ">share", ">95 % interval", ">p")
    for duel in result.duels:
        low, high = duel.interval
        rows.add_row(
            f"{duel.one} against {duel.other}",
            *(str(count) for count in (duel.wins, duel.losses, duel.draws)),
            f"{duel.share:.2f}",
            f"{low:.2f} to {high:.2f}",
            f"{duel.p:.3g}",
        )
    console.out.print(rows)
    for name, (chance, low, high) in sorted(result.strengths.items(), key=lambda e: -e[1][0]):
        console.out.print(f"{name}: preferred with {chance:.2f} ({low:.2f} to {high:.2f})")
