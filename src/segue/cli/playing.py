"""Options and output that `generate` and `continue` share."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.console import emit_json, note
from segue.errors import SegueError

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.generation import Sampling, Take
    from segue.generation.wishes import Wishes

Count = Annotated[
    int, typer.Option("-n", "--takes", min=1, max=256, help="How many takes to make.")
]
Bars = Annotated[int, typer.Option(min=1, max=4096, help="How many new bars each take gets.")]
Seconds = Annotated[
    float | None,
    typer.Option(help="How many seconds of new music each take gets, in place of bars."),
]
Density = Annotated[
    str | None,
    typer.Option(help="How many notes begin: 2 (or 2/beat) a beat, 6/second; within a tenth."),
]
Ending = Annotated[
    str,
    typer.Option(
        help="stop where the length is over, end on the tonic (cadence), or let the model end "
        "the piece in its last quarter (own; a cadence where it does not)."
    ),
]
Style = Annotated[
    str | None,
    typer.Option(
        help="baroque, classical, romantic, modern, song or pop, of bundles that were told; any "
        "leaves it to the model."
    ),
]
Touch = Annotated[
    str | None,
    typer.Option(
        help="plain (one loudness), shaped or pedalled, of bundles that were told; any leaves it "
        "to the model (default: as the recipe says)."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of the first take; take i uses seed + i (default: random)."),
]
Temperature = Annotated[
    float | None,
    typer.Option(min=0.0, help="Over 1 is wilder, under 1 safer, 0 always takes the likeliest."),
]
TopK = Annotated[int | None, typer.Option(min=0, help="Keep only the k likeliest symbols; 0: all.")]
TopP = Annotated[
    float | None, typer.Option(help="Keep the likeliest symbols that hold this probability.")
]
MinP = Annotated[
    float | None,
    typer.Option(help="Keep symbols at least this share as likely as the likeliest."),
]
Typical = Annotated[
    float | None,
    typer.Option(help="Keep the symbols of usual surprise that hold this probability."),
]
Heat = Annotated[
    list[str] | None,
    typer.Option(help="The temperature of one column, such as pitch=0.8; may be repeated."),
]
LoopBeats = Annotated[
    float | None,
    typer.Option(min=0.0, help="Damp exact loops that have gone on for so many beats; 0: do not."),
]
Key = Annotated[
    str | None, typer.Option(help="Notes of this key only: 'D minor', Bb, 'F# dorian'.")
]
Chords = Annotated[
    str | None,
    typer.Option(help="Notes start on tones of these chords, over and over: 'Am F C G'."),
]
ChordBars = Annotated[float, typer.Option(help="How many bars each chord lasts.")]
Lowest = Annotated[str | None, typer.Option(help="The lowest note: C2, or 36.")]
Highest = Annotated[str | None, typer.Option(help="The highest note: C6, or 84.")]
Polyphony = Annotated[
    int, typer.Option(min=0, max=128, help="How many notes may sound at once; 0: any number.")
]
Instruments = Annotated[
    str | None,
    typer.Option(help="What the parts are played on, and no others: 'violin, cello'."),
]
Tempo = Annotated[float | None, typer.Option(help="Beats (quarters) a minute.")]
Metre = Annotated[str | None, typer.Option(help="The metre, such as 3/4.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="The folder to write takes into.")]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="auto, onnx (the default where it can), int8 or int4 (faster, not quite the same), "
        "or torch.",
    ),
]
Formats = Annotated[
    str,
    typer.Option("--formats", help="Suffixes to write for each take, separated by commas."),
]
SoundFont = Annotated[
    Path | None, typer.Option(help="A .sf2 or .sf3 file for the sound (default: the built-in).")
]
IsNovel = Annotated[
    bool,
    typer.Option(
        "--novel/--no-novel",
        help="Refuse takes that copy training music, and draw others in their place.",
    ),
]
DEFAULT_FORMATS = "mid,wav,png"


def sampling_of(
    bundle: Bundle,
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    typical: float | None = None,
    heat: Sequence[str] | None = None,
    loop_beats: float | None = None,
) -> Sampling:
    """The recipe's sampling with what the user asked for on top."""
    from segue.generation import Sampling

    own = bundle.recipe.generate
    # A temperature that the user gives is that of all columns but those heated by name.
    heats = (dict(own.heats) if temperature is None else {}) | dict(map(_heat, heat or ()))
    return Sampling(
        own.temperature if temperature is None else temperature,
        own.top_k if top_k is None else top_k,
        own.top_p if top_p is None else top_p,
        own.min_p if min_p is None else min_p,
        own.typical if typical is None else typical,
        tuple(heats.items()),
        own.loop_beats if loop_beats is None else loop_beats,
    )


def _heat(text: str) -> tuple[str, float]:
    """ "pitch=0.8" as a column and its temperature."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise SegueError(
            f"--heat came as {text!r}; write COLUMN=TEMPERATURE, such as pitch=0.8."
        ) from None


def wishes_of(
    key: str | None,
    chords: str | None,
    chord_bars: float,
    lowest: str | None,
    highest: str | None,
    polyphony: int,
    instruments: str | None = None,
    tempo: float | None = None,
    metre: str | None = None,
    density: str | None = None,
    ending: str = "stop",
    style: str | None = None,
    touch: str | None = None,
) -> Wishes:
    """What the user asks of the music; SegueError for what cannot be understood."""
    from segue.generation.playable import wishes

    asked = {
        "key": key,
        "chords": chords,
        "lowest": lowest,
        "highest": highest,
        "instruments": instruments,
        "tempo": tempo,
        "metre": metre,
        "density": density,
        "style": style,
        "touch": touch,
    }
    told = {name: value for name, value in asked.items() if value is not None}
    return wishes(**told, chord_bars=chord_bars, polyphony=polyphony, ending=ending)


def span(text: str) -> tuple[int, int]:
    """ "5-8" (bars counted from 1, both filled) as the bars 4 up to 8 counted from 0."""
    first, dash, last = text.partition("-")
    try:
        low, high = int(first), int(last) if dash else int(first)
    except ValueError:
        low = high = 0
    if not 1 <= low <= high:
        raise SegueError(f"--bars came as {text!r}; write 5-8, or 5 for one bar, counted from 1.")
    return low - 1, high


def numbers(text: str, what: str) -> list[int]:
    """ "1,3" (counted from 1) as 0 and 2."""
    try:
        found = [int(each) - 1 for each in text.split(",") if each.strip()]
    except ValueError:
        found = [-1]
    if any(each < 0 for each in found):
        raise SegueError(f"--{what} came as {text!r}; write numbers from 1 on, such as 1,3.")
    return found


def seed_or_random(seed: int | None) -> int:
    """The seed given, or one from the system; either way it is told and stored."""
    return random.SystemRandom().randrange(2**31) if seed is None else seed


def novel(
    bundle: Bundle, draw: Callable[[int, int], list[Take]], takes: int, seed: int
) -> list[Take]:
    """Takes that are no copies; says which were refused, and if fewer come than were asked for."""
    from segue.generation.novel import novel

    found = novel(bundle, draw, takes, seed)
    if found.refused:
        note(f"{len(found.refused)} takes refused as copies: seeds {found.refused}.")
    if len(found.takes) < takes:
        note(f"Only {len(found.takes)} of {takes} takes are no copies: raise --temperature.")
    return found.takes


def check_outputs(formats: str, soundfont: Path | None) -> list[str]:
    """The suffixes to write, before anything is made.

    Raises FormatError for one that cannot be written, or a SoundFont that cannot be played: a take
    whose sound then fails would be half written.
    """
    from segue.formats.soundfont import SoundFont
    from segue.formats.table import format_of

    suffixes = ["." + s.strip().lstrip(".") for s in formats.split(",") if s.strip()]
    kinds = [format_of(f"take{suffix}") for suffix in suffixes]
    for kind, suffix in zip(kinds, suffixes, strict=True):
        if kind.writer is None:
            raise SegueError(f"--formats came with {suffix[1:]}, {kind.summary}: it is only read.")
    if soundfont is not None:
        SoundFont(soundfont)
    return suffixes


def write_all(
    takes: Sequence[Take],
    out: Path,
    stem: str,
    formats: str,
    soundfont: Path | None,
    bundle: Bundle,
) -> list[dict[str, Any]]:
    """Write the takes, each under `stem` and its seed; their receipts and files."""
    from segue.bundles import comes_with_segue

    suffixes = check_outputs(formats, soundfont)
    options: dict[str, Any] = {} if soundfont is None else {"soundfont": soundfont}
    # What comes with Segue lies elsewhere where Segue does.
    own = comes_with_segue(bundle.path)
    where = {"bundle_path": bundle.path.name if own else str(bundle.path.resolve())}
    told = []
    for take in takes:
        name = f"{stem}-{take.receipt['seed']}"
        whole = replace(take, receipt={**take.receipt, **where})
        files = whole.save(out / name, suffixes, **options)
        told.append({"files": files, **take.receipt})
    return told


def save_all(
    takes: Sequence[Take],
    out: Path,
    stem: str,
    formats: str,
    soundfont: Path | None,
    as_json: bool,
    bundle: Bundle,
) -> None:
    """Write the takes and say what was written and what is in them."""
    told = write_all(takes, out, stem, formats, soundfont, bundle)
    if as_json:
        emit_json({"takes": told})
        return
    from segue.cli import console

    rows = console.table("take", ">seed", ">new notes", ">bars", ">seconds", "files")
    for take, each in zip(takes, told, strict=True):
        found = take.receipt["checks"]
        rows.add_row(
            Path(each["files"][0]).stem,
            str(take.receipt["seed"]),
            str(found["new_notes"]),
            f"{found['bars']:.1f}",
            f"{found['seconds']:.1f}",
            ", ".join(Path(f).suffix[1:] for f in each["files"]),
        )
    console.out.print(rows)
    console.out.print(f"written to {out}/")
    _warn(takes)


def _warn(takes: Sequence[Take]) -> None:
    """Say what is plainly wrong with takes, and what to try."""
    if any(not take.receipt["checks"]["new_notes"] for take in takes):
        note("A take came out empty: train longer, or raise --temperature.")
    stuck = [t for t in takes if t.receipt["checks"]["new_pitches"] == 1]
    if any(take.receipt["settings"].get("temperature") == 0 for take in stuck):
        note(
            "A take repeats one note for ever: always taking the likeliest symbol (temperature 0, "
            "as this recipe's original did) ends in loops. Try --temperature 1."
        )
    elif stuck:
        note("A take repeats one note: train longer, or raise --temperature.")
