"""`segue replay`: make takes again from their receipts, and compare."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.cli.console import Json, emit_json, note
from segue.errors import SegueError


def command(
    takes: Annotated[list[Path], typer.Argument(help="The .mid files of takes.")],
    bundle: Annotated[
        Path | None,
        typer.Option(help="The bundle that made them (default: where the receipt says it was)."),
    ] = None,
    prompt: Annotated[
        list[Path] | None,
        typer.Option(
            help="The music they were made from (default: taken out of the take); twice for the "
            "two pieces of an interpolation."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make takes again, bit for bit on the same machine, and say what differs where they do not."""
    from segue import bundles
    from segue.formats import read, write
    from segue.generation.replay import replay

    pieces = [read(path) for path in prompt or []]
    first, second = (*pieces, None, None)[:2]
    told = []
    refused = []
    for path in takes:
        try:
            original = read(path)
            loaded = bundles.load(bundle or _bundle_of(path))
            again = replay(loaded, original, prompt=first, second=second)
        except SegueError as error:
            if len(takes) == 1:
                raise
            refused.append({"take": path, "error": str(error)})
            if not as_json:
                note(f"{path}: cannot be made again: {error}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "again.mid"
            write(again.take.score, made)
            same_bytes = made.read_bytes() == path.read_bytes()
        told.append(
            {
                "take": path,
                "same_bytes": same_bytes,
                "same_notes": again.same,
                "differences": list(again.differences),
            }
        )
        if not as_json:
            what = "bit for bit" if same_bytes else "note for note" if again.same else None
            note(f"{path}: {f'the same, {what}' if what else 'NOT the same'}")
            for difference in again.differences:
                note(f"  {difference}")
    if as_json:
        emit_json({"takes": told, "refused": refused})
    sentence = _amiss(told, refused)
    if sentence is None:
        return
    if not as_json:
        raise SegueError(sentence)
    note(f"Error: {sentence}")  # stdout holds its one document already
    raise typer.Exit(SegueError.exit_code)


def _amiss(told: Sequence[dict[str, Any]], refused: Sequence[dict[str, Any]]) -> str | None:
    """What is wrong with the takes, if something is."""
    wrong = [str(each["take"]) for each in told if not each["same_notes"]]
    if wrong:
        return (
            f"{len(wrong)} of {len(told) + len(refused)} takes came out otherwise "
            f"({', '.join(wrong[:3])}): use the bundle, version and machine that made them."
        )
    if refused:
        return (
            f"{len(refused)} of {len(told) + len(refused)} takes cannot be made again; the first "
            f"is {refused[0]['take']}: {refused[0]['error']}"
        )
    return None


def _bundle_of(take: Path) -> Path:
    """Where the sidecar of a take says its bundle was; SegueError without one."""
    sidecar = take.with_suffix(".json")
    try:
        return Path(json.loads(sidecar.read_text(encoding="utf-8"))["bundle_path"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SegueError(
            f"{sidecar} does not say which bundle made {take.name}: give it with --bundle."
        ) from None
