"""`segue loop`: music to be played over and over, whose end leads into its start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli import naming, playing
from segue.cli.console import Json, note, progress


def command(
    bundle: naming.OneBundle = None,
    takes: playing.Count = 1,
    bars: Annotated[int, typer.Option(min=1, max=256, help="How many bars the loop lasts.")] = 4,
    candidates: Annotated[
        int,
        typer.Option(min=1, max=64, help="How many are tried; the one that closes best is kept."),
    ] = 8,
    seed: playing.Seed = None,
    key: playing.Key = None,
    chords: playing.Chords = None,
    chord_bars: playing.ChordBars = 1.0,
    lowest: playing.Lowest = None,
    highest: playing.Highest = None,
    polyphony: playing.Polyphony = 0,
    density: playing.Density = None,
    instruments: playing.Instruments = None,
    tempo: playing.Tempo = None,
    metre: playing.Metre = None,
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
    """Make loops: of several takes the one whose start follows best from its end."""
    from segue import bundles
    from segue.generation.looping import loop

    playing.check_outputs(formats, soundfont)
    loaded = bundles.load(bundle)
    sampling = playing.sampling_of(
        loaded, temperature, top_k, top_p, min_p, typical, heat, loop_beats
    )
    wishes = playing.wishes_of(
        key, chords, chord_bars, lowest, highest, polyphony, instruments, tempo, metre, density
    )
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    with progress() as bar:
        task = bar.add_task("rows", total=None)
        made = loop(
            loaded,
            takes=takes,
            bars=bars,
            seed=first,
            sampling=sampling,
            engine=engine,
            wishes=wishes,
            candidates=candidates,
            on_row=lambda count: bar.update(task, completed=count),
        )
    playing.save_all(made, out, f"{loaded.name}-loop", formats, soundfont, as_json, loaded)
