"""`segue watch`: drift on a schedule, with a log and metrics for monitoring."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli import drift as drifting
from segue.cli.console import Json, emit_json, note

if TYPE_CHECKING:
    from segue.judging.watching import Watch


def command(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the run that made one.")],
    music: Annotated[Path, typer.Argument(help="The folder to watch.")],
    every: Annotated[str, typer.Option(help="Between two looks: 90s, 15m, 1h or 2d.")] = "1h",
    once: Annotated[bool, typer.Option("--once/--no-once", help="Look once and end.")] = False,
    log: Annotated[Path, typer.Option(help="The file each look appends a line of JSON to.")] = Path(
        "drift.jsonl"
    ),
    metrics: Annotated[
        Path | None, typer.Option(help="Write the last look here as text for Prometheus.")
    ] = None,
    rate: drifting.Rate = 0.02,
    engine: drifting.EngineName = "auto",
    update: drifting.UpdateToo = False,
    old_data: drifting.OldData = None,
    max_minutes: drifting.Minutes = None,
    settings: drifting.Settings = None,
    slack: drifting.Slack = 0.005,
    as_json: Json = False,
) -> None:
    """Look at a folder again and again; with --update an alarm fine-tunes the bundle.

    A fault (no music yet, a folder that is away) is logged, and the next look tries again. Ends
    with Ctrl-C.
    """
    from segue import bundles
    from segue.judging.watching import Watch, seconds_of

    wait = seconds_of(every)
    bundles.load(bundle)
    watch = Watch(bundle, music, log, metrics, engine, rate)
    while True:
        entry = watch.look()
        told: dict[str, Any] = dict(entry)
        if update and entry.get("alarm") and not entry["unchanged"]:
            told["update"] = _updated(watch, old_data, max_minutes, tuple(settings or ()), slack)
        if once and as_json:
            emit_json(told)
        elif not as_json:
            note(_line(entry))
        if once:
            return
        time.sleep(wait)


def _updated(
    watch: Watch,
    old_data: Path | None,
    minutes: float | None,
    settings: tuple[str, ...],
    slack: float,
) -> dict[str, Any]:
    """Fine-tune after an alarm; what came of it is a line of the log too."""
    from segue.cli.updating import update
    from segue.errors import SegueError

    assert watch.found is not None
    try:
        done = update(
            watch.bundle,
            watch.folder,
            watch.found,
            old_data=old_data,
            minutes=minutes,
            settings=settings,
            slack=slack,
        ).as_dict()
    except SegueError as error:
        done = {"error": {"type": type(error).__name__, "message": str(error)}}
    watch.tell({"time": watch.clock().isoformat(timespec="seconds"), "update": done})
    return done


def _line(entry: dict[str, Any]) -> str:
    """A look in one line."""
    if "error" in entry:
        return f"{entry['time']}  {entry['error']['message']}"
    furthest = max(entry["measures"].items(), key=lambda item: _past(item[1]))
    state = f"ALARM: {', '.join(entry['alarms'])}" if entry["alarm"] else "quiet"
    name, found = furthest
    return (
        f"{entry['time']}  {state}; {entry['pieces']} pieces, nearest its limit: {name} "
        f"{found['distance']:.4f} of {found['limit'] or math.inf:.4f}"
    )


def _past(measure: dict[str, Any]) -> float:
    return float(measure["distance"] / measure["limit"]) if measure["limit"] else 0.0
