"""`segue drift`: is new music still like what a bundle was trained on?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import Json, emit_json, note, progress

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.judging.drift import Drift

Rate = Annotated[
    float,
    typer.Option(
        min=0.001, max=0.5, help="How often music of the same kind may raise a false alarm."
    ),
]
EngineName = Annotated[str, typer.Option("--engine", help="auto, onnx, int8, int4 or torch.")]
UpdateToo = Annotated[
    bool,
    typer.Option(
        "--update/--no-update",
        help="Fine-tune on the new music, and adopt the result if no held-out loss falls behind.",
    ),
]
OldData = Annotated[
    Path | None,
    typer.Option(help="With --update: the corpus the bundle was trained on, if it has moved."),
]
Minutes = Annotated[float | None, typer.Option(min=0.0, help="With --update: train no longer.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="With --update: change a key of the recipe, such as train.lr=1e-4."),
]
Slack = Annotated[
    float,
    typer.Option(min=0.0, help="With --update: how much of itself a held-out loss may rise."),
]


def command(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the run that made one.")],
    music: Annotated[
        Path | None, typer.Argument(help="A folder or file of new music, or a corpus.")
    ] = None,
    profile_from: Annotated[
        Path | None,
        typer.Option(help="First make the bundle's profile from this corpus or folder."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Draw a picture of each measure into here.")
    ] = None,
    rate: Rate = 0.02,
    engine: EngineName = "auto",
    update: UpdateToo = False,
    old_data: OldData = None,
    max_minutes: Minutes = None,
    settings: Settings = None,
    slack: Slack = 0.005,
    seed: Annotated[int, typer.Option(min=0, help="With --update: of the training.")] = 0,
    as_json: Json = False,
) -> None:
    """Seven distances from 0 to 1 between new music and what a bundle was trained on.

    Pieces in which other instruments play are refused. docs/evaluation.md says what is measured
    and how the limits are found.
    """
    from segue import bundles
    from segue.errors import DataError
    from segue.judging.drift import drift

    loaded = bundles.load(bundle)
    told: dict[str, Any] = {}
    if profile_from is not None:
        told = _make_profile(loaded, profile_from, engine)
    elif music is None:
        raise DataError("no new music came: give a folder, or --profile-from CORPUS.")
    if music is None:
        if as_json:
            emit_json(told)
        return
    with progress() as bar:
        task = bar.add_task("reading music", total=None)
        found = drift(
            loaded,
            music,
            engine=engine,
            rate=rate,
            told=lambda done, total: bar.update(task, completed=done, total=total),
        )
    drawn: list[Path] = []
    if out is not None:
        from segue.judging.pictures import drift_pictures

        drawn = drift_pictures(found, out)
    if not as_json:
        show(found)
        if drawn:
            note(f"pictures: {drawn[0]} and {len(drawn) - 1} more beside it")
    told |= {**found.as_dict(), "pictures": drawn}
    if update:
        from segue.cli import updating

        done = updating.update(
            bundle,
            music,
            found,
            old_data=old_data,
            minutes=max_minutes,
            settings=tuple(settings or ()),
            slack=slack,
            seed=seed,
        )
        told["update"] = done.as_dict()
        if not as_json:
            updating.tell(done)
    if as_json:
        emit_json(told)


def _make_profile(bundle: Bundle, source: Path, engine: str) -> dict[str, Any]:
    from segue import bundles
    from segue.errors import BundleError
    from segue.judging import profile

    if bundles.comes_with_segue(bundle.path):
        raise BundleError(
            f"{bundle.name} comes with Segue and keeps its profile: copy {bundle.path} to a folder "
            "of your own and give that."
        )
    made = profile.profile_of(bundle, source, engine=engine)
    place = profile.keep(bundle, made)
    out = int(made.held_out.sum())
    note(f"profile: {place}, of {len(made.names)} pieces, {out} of them held out")
    return {"profile": place, "profile_pieces": len(made.names), "profile_held_out": out}


def show(found: Drift) -> None:
    """The table of measures, and what it comes to."""
    from segue.cli import console

    table = console.table("measure", ">distance", ">limit", "")
    for measure in found.measures:
        mark = "ALARM" if measure.alarm else ""
        limit = "none" if math.isnan(measure.limit) else f"{measure.limit:.4f}"
        table.add_row(measure.name, f"{measure.distance:.4f}", limit, mark)
    console.out.print(table)
    pieces = f"{len(found.pieces)} {'piece' if len(found.pieces) == 1 else 'pieces'}"
    past = ", ".join(found.alarms)
    verdict = f"have drifted: {past}" if found.alarm else "are like the music it was trained on"
    console.out.print(
        f"{pieces} of {found.source} {verdict}. Music of the same kind raises a false alarm in "
        f"about {found.rate:.0%} of looks.",
        soft_wrap=True,
    )
    for name, reason in list(found.refused.items())[:5]:
        note(f"refused: {name}: {reason}")
    if len(found.refused) > 5:
        note(f"refused: {len(found.refused) - 5} more")
    for sentence in found.warnings:
        note(sentence)
