"""`segue inspect`: what is in a music file, a bundle or a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import Json, emit_json

if TYPE_CHECKING:
    from rich.tree import Tree

MOST_SHOWN = 8
"""Metres, keys and texts shown one by one; --json lists them all."""

LABEL_WIDTH = 6
"""What stands left of the roll."""


def command(
    path: Annotated[Path, typer.Argument(help="A music file, or the folder of a bundle or run.")],
    roll: Annotated[bool, typer.Option(help="Draw a small piano roll of a music file.")] = True,
    lines: Annotated[int, typer.Option(min=4, max=64, help="Height of the roll, in lines.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what is in a file: tracks, notes, tempo, metre, key, length, repairs, and a roll.

    A bundle or run is shown with its recipe, its encoding and its held-out figures.
    """
    from segue.bundles import shipped

    if path.is_dir() or (not path.exists() and str(path) in shipped()):
        _show_bundle(path, as_json)
        return
    from segue.cli import console
    from segue.cli.inspection import facts
    from segue.cli.inspection import roll as drawn
    from segue.formats import read_reported

    reading = read_reported(path)
    told = facts(path, reading)
    if as_json:
        emit_json(told)
        return
    _show_facts(told)
    if roll and len(reading.score):
        console.out.print(drawn(reading.score, console.out.width - LABEL_WIDTH, lines))
    if told["repairs"]:
        console.out.print("\nRepairs and remarks:")
        for line in told["repairs"]:
            console.out.print(f"  {line}", soft_wrap=True)


# -- a music file --------------------------------------------------------------------------------


def _show_facts(told: Mapping[str, Any]) -> None:
    from segue.cli import console

    console.out.print(f"{told['file']}: {_summary(told)}.", soft_wrap=True)
    shown = console.table()
    shown.show_header = False
    for name in ("tempo", "metres", "keys", "texts"):
        text = _LINES[name](told[name])
        if text:
            shown.add_row(name.removesuffix("s") if name != "texts" else name, text)
    console.out.print(shown)
    tracks = console.table(
        ">track", "name", ">program", "instrument", ">notes", "range", ">velocity", "changes"
    )
    for number, track in enumerate(told["tracks"], 1):
        tracks.add_row(
            str(number),
            track["name"],
            str(track["program"]),
            track["instrument"],
            f"{track['notes']:,}",
            track["range"]["names"] if track["range"] else "",
            "" if track["velocity"] is None else f"{track['velocity']:.0f}",
            _changes(track),
        )
    if told["tracks"]:
        console.out.print(tracks)


def _summary(told: Mapping[str, Any]) -> str:
    minutes, seconds = divmod(told["seconds"], 60)
    return (
        f"{told['notes']:,} notes, {told['bars']:,.1f} bars, "
        f"{int(minutes)}:{seconds:04.1f} minutes, {told['ticks_per_beat']} ticks a beat, "
        f"{told['bytes']:,} bytes"
    )


def _tempo_line(tempo: Mapping[str, Any]) -> str:
    from segue.formats.repairs import counted

    start = f"{tempo['start']:.1f} beats a minute"
    if not tempo["changes"]:
        return start
    changes = counted(tempo["changes"], "change")
    return f"{start}, {changes}: {tempo['slowest']:.1f} to {tempo['fastest']:.1f}"


def _listed(items: list[str]) -> str:
    # Many programs state metre and key anew in every track.
    items = list(dict.fromkeys(items))
    more = len(items) - MOST_SHOWN
    return ", ".join(items[:MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _metre_line(metres: list[dict[str, Any]]) -> str:
    return _listed([f"{m['metre']} (bar {m['bar']:g})" for m in metres]) or "4/4, not stated"


def _key_line(keys: list[dict[str, Any]]) -> str:
    return _listed([f"{k['key']} (bar {k['bar']:g})" for k in keys]) or "not stated"


def _text_line(texts: list[dict[str, Any]]) -> str:
    return _listed([f"{t['kind']} {t['text']!r}" for t in texts])


_LINES: dict[str, Any] = {
    "tempo": _tempo_line,
    "metres": _metre_line,
    "keys": _key_line,
    "texts": _text_line,
}


def _changes(track: Mapping[str, Any]) -> str:
    """Pedal, other controllers and bends of a track, counted."""
    from segue.formats.repairs import counted

    other = sum(track["controllers"].values()) - track["pedal"]
    counts = {"pedal move": track["pedal"], "controller": other, "bend": track["bends"]}
    return ", ".join(counted(count, what) for what, count in counts.items() if count)


# -- a bundle or run -----------------------------------------------------------------------------


def _show_bundle(path: Path, as_json: bool) -> None:
    from rich.tree import Tree

    from segue.bundles import describe
    from segue.cli import console

    told = describe(path)
    if as_json:
        emit_json(told)
        return
    tree = Tree(str(path))
    _grow(tree, told)
    console.out.print(tree, soft_wrap=True)


def _grow(tree: Tree, value: Mapping[str, Any]) -> None:
    """Nested values as branches; a list as one line."""
    for name, each in value.items():
        if isinstance(each, Mapping):
            _grow(tree.add(str(name)), each)
        else:
            tree.add(f"{name}: {_plain(each)}")


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value)
    return str(value)
