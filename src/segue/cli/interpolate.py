"""`segue interpolate`: music that leads from one piece to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segue.cli import naming, playing
from segue.cli.console import Json, note


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[bundle] {first} {second}",
            help="The pieces to start from and to arrive at; before them a bundle.",
        ),
    ],
    steps: Annotated[int, typer.Option(min=2, max=256, help="Segments from one to the other.")] = 8,
    seed: playing.Seed = None,
    out: playing.Out = Path("out"),
    engine: playing.EngineName = "auto",
    formats: playing.Formats = playing.DEFAULT_FORMATS,
    soundfont: playing.SoundFont = None,
    as_json: Json = False,
) -> None:
    """Lead from the opening of one piece to that of another, through the latent."""
    from segue.formats import read
    from segue.generation.latent import interpolate

    playing.check_outputs(formats, soundfont)
    loaded, (first, second) = naming.bundle_and(paths, "a piece", "another")
    own = playing.seed_or_random(seed)
    note(f"seed {own}, bundle {loaded.name} {loaded.hash[:12]}")
    made = interpolate(loaded, read(first), read(second), steps=steps, seed=own, engine=engine)
    stem = f"{first.stem}-to-{second.stem}"
    playing.save_all([made], out, stem, formats, soundfont, as_json, loaded)
