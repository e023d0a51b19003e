"""`segue generate`: new music from nothing but a bundle and a seed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli import naming, playing
from segue.cli.console import Json, note, progress

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.generation import Take
    from segue.generation.streaming import Heard


def command(
    bundle: naming.OneBundle = None,
    takes: playing.Count = 1,
    bars: playing.Bars = 16,
    seconds: playing.Seconds = None,
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
    start: Annotated[
        str | None,
        typer.Option(
            help="nothing, or opening: after a random passage of training music, which is not part "
            "of the take (default: as the recipe says)."
        ),
    ] = None,
    latent: Annotated[
        Path | None,
        typer.Option(
            help="The numbers to make the first segments from: .npy, .json, or a take's receipt."
        ),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream/--no-stream",
            help="Print each note as a line of JSON once it is certain; write no file.",
        ),
    ] = False,
    stream_port: Annotated[
        str | None,
        typer.Option(help="Play the stream on this MIDI port (a part of its name) as it is made."),
    ] = None,
    novel: playing.IsNovel = False,
    as_json: Json = False,
) -> None:
    """Make new music with a bundle: MIDI, sound, a picture and a receipt for each take."""
    from segue import bundles
    from segue.generation import generate
    from segue.generation.latent import read_latent

    playing.check_outputs(formats, soundfont)
    loaded = bundles.load(bundle)
    given = None if latent is None else read_latent(latent)
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
        instruments,
        tempo,
        metre,
        density,
        ending,
        style,
        touch,
    )
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    if stream or stream_port is not None:
        how = {"bars": bars, "seconds": seconds, "seed": first, "sampling": sampling,
               "engine": engine, "wishes": wishes, "start": start}  # fmt: skip
        _stream(loaded, how, stream_port)
        return
    with progress() as bar:
        task = bar.add_task("rows", total=None)

        def draw(count: int, seed: int) -> list[Take]:
            return generate(
                loaded,
                takes=count,
                bars=bars,
                seconds=seconds,
                seed=seed,
                sampling=sampling,
                engine=engine,
                wishes=wishes,
                start=start,
                latent=given,
                on_row=lambda row: bar.update(task, completed=row),
            )

        made = playing.novel(loaded, draw, takes, first) if novel else draw(takes, first)
    if sampling.temperature == 0:
        for take in made:
            if take.receipt["settings"]["temperature"]:
                note(
                    f"seed {take.receipt['seed']}: the likeliest symbols hold no note at all, so "
                    "this take is drawn at temperature 1; train longer, or ask for --temperature."
                )
    playing.save_all(made, out, loaded.name, formats, soundfont, as_json, loaded)


def _stream(bundle: Bundle, how: dict[str, Any], port: str | None) -> None:
    """One take as lines of JSON, or on a MIDI port; the time to its first note is told."""
    from segue.generation.live import perform, port_named
    from segue.generation.streaming import stream

    opened = None if port is None else port_named(port)
    notes = _timed(stream(bundle, **how))
    if opened is not None:
        note(f"playing on {opened.name}")
        perform(notes, opened)
        return
    for heard in notes:
        sys.stdout.write(json.dumps(heard.as_dict()) + "\n")
        sys.stdout.flush()


def _timed(notes: Iterator[Heard]) -> Iterator[Heard]:
    """The notes; says when the first one comes."""
    began = time.monotonic()
    for number, heard in enumerate(notes):
        if not number:
            note(f"first note after {time.monotonic() - began:.2f} s")
        yield heard
