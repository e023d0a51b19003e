"""`segue generate`: new music from nothing but a bundle and a seed."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segue.cli import playing
from segue.cli.console import Json, note, progress

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.generation import Sampling, Take
    from segue.generation.wishes import Wishes


def command(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the run that made one.")],
    takes: playing.Count = 1,
    bars: playing.Bars = 16,
    seed: playing.Seed = None,
    key: playing.Key = None,
    chords: playing.Chords = None,
    chord_bars: playing.ChordBars = 1.0,
    lowest: playing.Lowest = None,
    highest: playing.Highest = None,
    polyphony: playing.Polyphony = 0,
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
    stream: Annotated[
        bool,
        typer.Option(
            "--stream/--no-stream",
            help="Print each note as a line of JSON once it is certain; write no file.",
        ),
    ] = False,
    novel: playing.IsNovel = False,
    as_json: Json = False,
) -> None:
    """Make new music with a bundle: MIDI, sound, a picture and a receipt for each take."""
    from segue import bundles
    from segue.generation import generate

    loaded = bundles.load(bundle)
    sampling = playing.sampling_of(
        loaded, temperature, top_k, top_p, min_p, typical, heat, loop_beats
    )
    wishes = playing.wishes_of(
        key, chords, chord_bars, lowest, highest, polyphony, instruments, tempo, metre
    )
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    if stream:
        _stream(loaded, bars, first, sampling, engine, wishes)
        return
    with progress() as bar:
        task = bar.add_task("rows", total=None)

        def draw(count: int, seed: int) -> list[Take]:
            return generate(
                loaded,
                takes=count,
                bars=bars,
                seed=seed,
                sampling=sampling,
                engine=engine,
                wishes=wishes,
                on_row=lambda row: bar.update(task, completed=row),
            )

        made = playing.novel(loaded, draw, takes, first) if novel else draw(takes, first)
    playing.save_all(made, out, loaded.name, formats, soundfont, as_json, loaded)


def _stream(
    bundle: Bundle, bars: int, seed: int, sampling: Sampling, engine: str, wishes: Wishes
) -> None:
    """One take as lines of JSON; the time to its first note is told."""
    from segue.generation.streaming import stream

    began = time.monotonic()
    told = False
    for heard in stream(
        bundle, bars=bars, seed=seed, sampling=sampling, engine=engine, wishes=wishes
    ):
        if not told:
            note(f"first note after {time.monotonic() - began:.2f} s")
            told = True
        sys.stdout.write(json.dumps(heard.as_dict()) + "\n")
        sys.stdout.flush()
