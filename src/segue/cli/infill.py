"""`segue infill`: new notes for some bars and tracks of a piece, the rest locked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.cli import naming, playing
from segue.cli.console import Json, note, progress
from segue.errors import SegueError

if TYPE_CHECKING:
    from segue.score import Score


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[bundle] {music}",
            help=f"The piece to fill; {naming.BEFORE_IT}.",
        ),
    ],
    bars: Annotated[
        str, typer.Option(help="First and last bar to fill, counted from 1: 5-8, or 5 for one.")
    ],
    tracks: Annotated[
        str,
        typer.Option(help="Tracks to fill, counted from 1, separated by commas (default: all)."),
    ] = "",
    takes: playing.Count = 1,
    seed: playing.Seed = None,
    key: playing.Key = None,
    chords: playing.Chords = None,
    chord_bars: playing.ChordBars = 1.0,
    lowest: playing.Lowest = None,
    highest: playing.Highest = None,
    temperature: playing.Temperature = None,
    top_k: playing.TopK = None,
    top_p: playing.TopP = None,
    min_p: playing.MinP = None,
    typical: playing.Typical = None,
    heat: playing.Heat = None,
    loop_beats: playing.LoopBeats = None,
    out: playing.Out = Path("out"),
    engine: playing.EngineName = "auto",
    formats: playing.Formats = playing.DEFAULT_FORMATS,
    soundfont: playing.SoundFont = None,
    as_json: Json = False,
) -> None:
    """Fill bars and tracks of a piece with new notes; all others stay note for note."""
    from segue.formats import read_reported
    from segue.generation import infill

    playing.check_outputs(formats, soundfont)
    loaded, (music,) = naming.bundle_and(paths, "a piece")
    sampling = playing.sampling_of(
        loaded, temperature, top_k, top_p, min_p, typical, heat, loop_beats
    )
    wishes = playing.wishes_of(key, chords, chord_bars, lowest, highest, 0)
    reading = read_reported(music)
    for repair in reading.repairs:
        note(f"{music}: {repair}")
    first_bar, last_bar = playing.span(bars)
    opened = playing.numbers(tracks, "tracks")
    _check_there(reading.score, bars, first_bar, opened)
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    with progress() as bar:
        task = bar.add_task("rows", total=None)
        made = infill(
            loaded,
            reading.score,
            first_bar=first_bar,
            last_bar=last_bar,
            tracks=tuple(opened),
            takes=takes,
            seed=first,
            sampling=sampling,
            engine=engine,
            wishes=wishes,
            on_row=lambda count: bar.update(task, completed=count),
        )
    playing.save_all(made, out, f"{music.stem}-infilled", formats, soundfont, as_json, loaded)


def _check_there(music: Score, bars: str, first_bar: int, tracks: Sequence[int]) -> None:
    """SegueError for bars and tracks that the music has not, counted from 1 as they were given."""
    there = math.ceil(round(float(music.metre_map.bars(music.end_ticks)), 6))
    if first_bar >= there:
        raise SegueError(f"--bars came as {bars!r}; the music has {there} bars: choose among them.")
    wrong = [track + 1 for track in tracks if not 0 <= track < len(music.tracks)]
    if wrong:
        raise SegueError(
            f"--tracks came with {wrong[0]}; the music has tracks 1 to {len(music.tracks)}."
        )
