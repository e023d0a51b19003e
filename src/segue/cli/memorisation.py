"""`segue memorisation`: how much of takes stands in the training music, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.cli.console import Json, emit_json, note

if TYPE_CHECKING:
    from segue.judging.memorisation import Judgement
    from segue.score import Score


def command(
    music: Annotated[Path, typer.Argument(help="Takes to judge: a music file, or a folder.")],
    data: Annotated[
        Path,
        typer.Option(help="What they may be copied from: a bundle, run, corpus or music folder."),
    ],
    held_out: Annotated[
        Path | None,
        typer.Option(help="Real music that was not learned from, to set beside the takes."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A folder for rolls with the copied bars shaded."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell how much of each take stands in the training music, in any key and tempo.

    The score is the share of a take's notes inside passages that a training piece has too. Real
    music shares passages as well: what counts is how far takes are above held-out music.
    """
    from segue.evaluation.memorisation_steps import steps_of
    from segue.generation.take import receipt_of
    from segue.judging import memorisation

    training = memorisation.training_at(data)
    if held_out is not None:
        real = [steps_of(score) for _, score in memorisation.music(held_out)]
        training = memorisation.with_baseline(training, real)
    takes = list(memorisation.music(music))
    begins = [(receipt_of(s) or {}).get("settings", {}).get("prompt_end", 0) for _, s in takes]
    judged = memorisation.judge(training, takes, begins)
    if out is not None:
        _draw(judged, takes, out)
    if as_json:
        emit_json({"training_pieces": len(training.names), **judged.as_dict()})
        return
    _print(judged)
    if out is not None:
        note(f"written to {out}/")


def _draw(judged: Judgement, takes: list[tuple[str, Score]], out: Path) -> None:
    """A roll for each take, with what it shares with training music shaded."""
    from segue import formats

    out.mkdir(parents=True, exist_ok=True)
    for verdict, (name, score) in zip(judged.verdicts, takes, strict=True):
        stem = "-".join(Path(name).with_suffix("").parts)
        formats.write(
            score,
            out / f"{stem}.png",
            title=f"{stem}: memorisation {verdict.score:.2f}",
            marks=verdict.marks,
            marked_as="in the training music",
        )


def _print(judged: Judgement) -> None:
    from segue.cli import console

    rows = console.table("take", ">memorised", ">notes", ">longest", "bars", "which is in", "copy")
    for verdict in judged.verdicts:
        longest = verdict.passages[0] if verdict.passages else None
        rows.add_row(
            verdict.name,
            f"{verdict.score:.2f}",
            str(verdict.notes),
            str(longest.notes) if longest else "-",
            f"{longest.first_bar}-{longest.last_bar}" if longest else "",
            f"{longest.piece}, {longest.at:.0%} into it" if longest else "",
            "yes" if verdict.copied else "",
        )
    console.out.print(rows)
    console.out.print(
        f"{len(judged.verdicts)} takes: mean {judged.mean:.3f}, "
        f"{judged.copied_share:.0%} over the limit of {judged.limit:.2f}"
    )
    if judged.held_out_mean is None:
        note("No held-out music to set beside them: give some with --held-out.")
        return
    console.out.print(
        f"{len(judged.held_out)} held-out pieces of real music: mean {judged.held_out_mean:.3f}, "
        f"{judged.held_out_copied_share:.0%} over it"
    )
