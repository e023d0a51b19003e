"""`segue accompany`: a melody, or some parts of a piece, and new parts beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli import naming, playing
from segue.cli.console import Json, note, progress


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[bundle] {music}",
            help=f"The melody or parts to accompany; {naming.BEFORE_IT}.",
        ),
    ],
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
    """Add the parts that a piece has not; those it has stay note for note."""
    from segue.formats import read_reported
    from segue.generation import accompany

    playing.check_outputs(formats, soundfont)
    loaded, (music,) = naming.bundle_and(paths, "a melody")
    sampling = playing.sampling_of(
        loaded, temperature, top_k, top_p, min_p, typical, heat, loop_beats
    )
    wishes = playing.wishes_of(key, chords, chord_bars, lowest, highest, 0)
    reading = read_reported(music)
    for repair in reading.repairs:
        note(f"{music}: {repair}")
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    with progress() as bar:
        task = bar.add_task("rows", total=None)
        made = accompany(
            loaded,
            reading.score,
            takes=takes,
            seed=first,
            sampling=sampling,
            engine=engine,
            wishes=wishes,
            on_row=lambda count: bar.update(task, completed=count),
        )
    playing.save_all(made, out, f"{music.stem}-accompanied", formats, soundfont, as_json, loaded)
