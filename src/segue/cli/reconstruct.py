"""`segue reconstruct`: a piece as a latent model remembers it."""

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
            metavar="[bundle] {music}",
            help=f"The piece to pass through the latent and back; {naming.BEFORE_IT}.",
        ),
    ],
    seed: playing.Seed = None,
    out: playing.Out = Path("out"),
    engine: playing.EngineName = "auto",
    formats: playing.Formats = playing.DEFAULT_FORMATS,
    soundfont: playing.SoundFont = None,
    as_json: Json = False,
) -> None:
    """Read a piece into the latent and back: what a model can hold of it."""
    from segue.formats import read
    from segue.generation.latent import reconstruct

    playing.check_outputs(formats, soundfont)
    loaded, (music,) = naming.bundle_and(paths, "a piece")
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    made = reconstruct(loaded, read(music), seed=first, engine=engine)
    playing.save_all([made], out, f"{music.stem}-rebuilt", formats, soundfont, as_json, loaded)
