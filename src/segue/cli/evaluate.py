"""`segue evaluate`: how likely a bundle finds held-out music, beside what it must beat."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import Json, emit_json, note, progress

if TYPE_CHECKING:
    from segue.judging.likelihood import Evaluation

Engine = Annotated[str, typer.Option(help="auto, onnx, int8, int4 or torch.")]


def command(
    run: Annotated[Path, typer.Argument(help="A run, or its bundle.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="A folder, file or prepared corpus (default: what the run held out).",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Which split of a corpus: valid, test or train (default: valid)."),
    ] = None,
    context: Annotated[
        str,
        typer.Option(help="What a row is told from: piece, or window as training watched it."),
    ] = "piece",
    charge: Annotated[
        bool,
        typer.Option("--charge/--no-charge", help="Charge for what the encoding loses."),
    ] = True,
    engine: Engine = "auto",
    level: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Of the intervals, drawn over pieces.")
    ] = 0.95,
    limit: Annotated[
        int,
        typer.Option(
            min=0, help="Rows scored of a model that reads a window anew for each; 0: all."
        ),
    ] = 4096,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw how often it is right against how sure it is: .png or .svg."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Nats and bits a row, a note and a second, beside uniform, unigram, bigram and copy-last.

    docs/evaluation.md says what is counted, and how encodings are made comparable.
    """
    from segue import bundles
    from segue.errors import SegueError, nearest
    from segue.judging.likelihood import evaluate
    from segue.judging.material import corpus_of_run

    if context not in ("piece", "window"):
        raise SegueError(f"--context came as {context!r}; {nearest(context, ('piece', 'window'))}.")
    bundle = bundles.load(run)
    music = corpus_of_run(bundle.path.parent) if data is None else data
    with progress() as bar:
        task = bar.add_task("scoring rows", total=None)

        def done(rows: int, total: int) -> None:
            bar.update(task, completed=rows, total=total)

        found = evaluate(
            bundle,
            music,
            split=split,
            engine=engine,
            context="window" if context == "window" else "piece",
            charge=charge,
            level=level,
            limit=limit or None,
            done=done,
        )
    if picture is not None:
        from segue.judging.pictures import reliability

        reliability(found, picture)
    if as_json:
        emit_json({**found.as_dict(), "picture": picture})
        return
    _show(found)
    if picture is not None:
        note(f"picture: {picture}")


def _show(found: Evaluation) -> None:
    from segue.cli import console
    from segue.judging.likelihood import BITS

    say = console.out
    where = f"{found.source} ({found.split})" if found.split else found.source
    say.print(
        f"{found.bundle} on {len(found.pieces)} pieces of {where}: {found.rows:,} rows, "
        f"{found.notes:,.0f} notes, {found.seconds:,.0f} seconds",
        soft_wrap=True,
    )
    bound = " (at most)" if found.kind == "bound" else ""
    table = console.table(
        f"nats{bound}", ">a row", ">bits a row", ">a note", ">bits a note", ">a second"
    )
    names = sorted(("model", *found.baselines), key=lambda name: -found.nats("row", name))
    for name in names:
        row, each, second = (found.nats(unit, name) for unit in ("row", "note", "second"))
        table.add_row(
            name,
            f"{row:.4f}",
            f"{row * BITS:.4f}",
            f"{each:.4f}",
            f"{each * BITS:.4f}",
            f"{second:.3f}",
        )
    spans = [_span(found.between(unit)) for unit in ("row", "note", "second")]
    table.add_row(f"model, {found.level:.0%} of draws", spans[0], "", spans[1], "", spans[2])
    say.print(table)
    _show_heads(found)
    _show_comparable(found)
    for name, reason in list(found.left_out.items())[:5]:
        note(f"left out: {name}: {reason}")
    if len(found.left_out) > 5:
        note(f"left out: {len(found.left_out) - 5} more")


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def _show_heads(found: Evaluation) -> None:
    from segue.cli import console

    table = console.table("head", ">nats a row", ">calibration error", ">predictions")
    for head in found.heads:
        told = found.reliability.get(head)
        cells: tuple[Any, ...] = (f"{told.error:.4f}", f"{told.count:,}") if told else ("", "")
        table.add_row(head, f"{found.nats('row', head):.4f}", *cells)
    console.out.print(table)


def _show_comparable(found: Evaluation) -> None:
    from segue.cli import console

    whole = found.nats("note", plus_charge=True)
    if math.isnan(whole):  # pieces as they were written are not to be had
        return
    low, high = found.between("note", plus_charge=True)
    lost = whole - found.nats("note")
    console.out.print(
        f"To compare with other encodings: {whole:.3f} nats a note ({low:.3f} to {high:.3f}), of "
        f"which {lost:.3f} for what {found.encoding} loses.",
        soft_wrap=True,
    )
