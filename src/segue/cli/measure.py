"""`segue measure`: musical measures of pieces, and beside real music how far they overlap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import Json, emit_json, note

if TYPE_CHECKING:
    from segue.evaluation.compare_sets import Overlap, Profile
    from segue.score import Score

MOST_PICTURES = 12
"""Self-similarity pictures drawn; a folder of hundreds is no place to look for one."""


def command(
    music: Annotated[
        list[Path], typer.Argument(help="Music files, or folders of them, such as takes.")
    ],
    against: Annotated[
        Path | None, typer.Option(help="A folder of real music to be set beside, best held out.")
    ] = None,
    measures: Annotated[
        str | None, typer.Option(help="Only these measures, separated by commas.")
    ] = None,
    bars: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Measure so many bars of each piece, from a random one on; 0: all of it "
            "(default: all, or with --against as many as the median piece has).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where excerpts begin, and the intervals.")] = 0,
    plots: Annotated[Path | None, typer.Option(help="A folder to write pictures into.")] = None,
    as_json: Json = False,
) -> None:
    """Measure music: pitches, keys, rhythm, loudness, repetition and form.

    None of the measures is good by being high or low. With --against, each is set beside that of
    real music, cut to the same number of bars: `like real` is the overlapped area, and `itself`
    what two halves of the real music have, the most to be hoped for.
    """
    from segue.cli import measuring

    names = measuring.chosen(measures)
    pieces = _read(music)
    real = _read([against]) if against else {}
    if real and bars is None:
        bars = measuring.median_bars(pieces)
    found = measuring.Measured.of(pieces, real, names, bars or 0, seed)
    written = _draw(found, plots) if plots else []
    if as_json:
        emit_json({**found.told(), "pictures": written})
        return
    from segue.cli import console

    console.out.print(measuring.table(found))
    for path in written:
        note(f"wrote {path}")


def _read(paths: list[Path]) -> dict[str, Score]:
    """Every piece with notes, by path; what cannot be read is told and left out."""
    from segue.errors import DataError, SegueError
    from segue.judging.material import readings

    pieces: dict[str, Score] = {}
    for path in paths:
        for name, score in readings(path):
            if isinstance(score, SegueError):
                note(f"left out: {score}")
            elif len(score):
                pieces[str(path / name) if path.is_dir() else str(path.with_name(name))] = score
    if not pieces:
        raise DataError(f"there is no piece with notes in {', '.join(map(str, paths))}.")
    return pieces


def _draw(found: Any, folder: Path) -> list[Path]:
    from segue.evaluation import measure_plots, plots

    sets: dict[str, Profile] = {"these pieces": found.profile}
    if found.real:
        sets["real music"] = found.real
    overlaps: dict[str, Overlap] = found.overlaps
    written = [
        measure_plots.spreads(folder / "measures.png", sets, found.names),
        measure_plots.overlaps(
            folder / "overlaps.png", overlaps, title="How far they overlap with real music"
        ),
    ]
    for name, score in list(found.pieces.items())[:MOST_PICTURES]:
        stem = Path(name).stem
        picture = folder / f"self-similarity-{stem}.png"
        written.append(plots.self_similarity(score, picture, title=stem))
    return [path for path in written if path is not None]
