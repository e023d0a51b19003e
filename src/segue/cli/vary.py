"""`segue vary`: takes like a piece, from a bundle with a latent."""

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
            help=f"The piece to vary; {naming.BEFORE_IT}.",
        ),
    ],
    amount: Annotated[
        float, typer.Option(min=0, max=1, help="0: as the model remembers it; 1: all drawn anew.")
    ] = 0.3,
    takes: playing.Count = 1,
    seed: playing.Seed = None,
    out: playing.Out = Path("out"),
    engine: playing.EngineName = "auto",
    formats: playing.Formats = playing.DEFAULT_FORMATS,
    soundfont: playing.SoundFont = None,
    as_json: Json = False,
) -> None:
    """Vary a piece: read it into the latent, move a little, and play what is there."""
    from segue.formats import read
    from segue.generation.latent import vary

    playing.check_outputs(formats, soundfont)
    loaded, (music,) = naming.bundle_and(paths, "a piece")
    first = playing.seed_or_random(seed)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    made = vary(loaded, read(music), amount=amount, takes=takes, seed=first, engine=engine)
    playing.save_all(made, out, f"{music.stem}-varied", formats, soundfont, as_json, loaded)
