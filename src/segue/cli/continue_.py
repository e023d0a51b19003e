"""`segue continue`: a file of music, and what comes next."""

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
            metavar="[bundle] {prompt}",
            help=f"The music to carry on from; {naming.BEFORE_IT}.",
        ),
    ],
    takes: playing.Count = 1,
    bars: playing.Bars = 8,
    seconds: playing.Seconds = None,
    prompt_bars: Annotated[
        float | None,
        typer.Option(min=0.25, help="Use only the first bars of the prompt (default: all of it)."),
    ] = None,
    seed: playing.Seed = None,
    key: playing.Key = None,
    chords: playing.Chords = None,
    chord_bars: playing.ChordBars = 1.0,
    lowest: playing.Lowest = None,
    highest: playing.Highest = None,
    polyphony: playing.Polyphony = 0,
    density: playing.Density = None,
    ending: playing.Ending = "stop",
    style: playing.Style = None,
    touch: playing.Touch = None,
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
    """Carry on from where a piece stops: the prompt is kept note for note."""
    from segue.formats import read_reported
    from segue.generation import continue_
    from segue.score import slice_bars

    playing.check_outputs(formats, soundfont)
    loaded, (prompt,) = naming.bundle_and(paths, "a piece")
    sampling = playing.sampling_of(
        loaded, temperature, top_k, top_p, min_p, typical, heat, loop_beats
    )
    wishes = playing.wishes_of(
        key,
        chords,
        chord_bars,
        lowest,
        highest,
        polyphony,
        density=density,
        ending=ending,
        style=style,
        touch=touch,
    )
    reading = read_reported(prompt)
    for repair in reading.repairs:
        note(f"{prompt}: {repair}")
    score = reading.score
    if prompt_bars is not None:
        score = slice_bars(score, 0, prompt_bars)
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    with progress() as bar:
        task = bar.add_task("rows", total=None)
        made = continue_(
            loaded,
            score,
            takes=takes,
            bars=bars,
            seconds=seconds,
            seed=first,
            sampling=sampling,
            engine=engine,
            wishes=wishes,
            on_row=lambda count: bar.update(task, completed=count),
        )
    playing.save_all(made, out, f"{prompt.stem}-continued", formats, soundfont, as_json, loaded)
