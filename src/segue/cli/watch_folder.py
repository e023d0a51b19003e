"""`segue watch-folder`: takes of every file that comes into a folder, such as a DAW's exports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli import naming, playing
from segue.cli.console import Json, emit_json, note
from segue.errors import SegueError, nearest

if TYPE_CHECKING:
    from segue.bundles import Bundle
    from segue.generation import Take
    from segue.generation.watched import Done, Watched

WAYS = {"continue": "continued", "accompany": "accompanied", "vary": "varied"}
"""What may be done with a file, and what its takes are called."""


def command(
    music: Annotated[Path, typer.Argument(metavar="IN", help="The folder that files come into.")],
    out: Annotated[Path, typer.Argument(help="The folder that takes are written to.")],
    bundle: Annotated[Path | None, typer.Option(help=f"{naming.BUNDLE}.")] = None,
    way: Annotated[str, typer.Option(help="continue, accompany or vary.")] = "continue",
    every: Annotated[str, typer.Option(help="Between two looks: 1s, 5s, 1m.")] = "1s",
    once: Annotated[
        bool,
        typer.Option("--once/--no-once", help="Do what is there, once no file grows, and end."),
    ] = False,
    takes: playing.Count = 1,
    bars: playing.Bars = 8,
    seconds: playing.Seconds = None,
    amount: Annotated[
        float, typer.Option(min=0, max=1, help="How far a variation goes from the piece.")
    ] = 0.3,
    seed: playing.Seed = None,
    key: playing.Key = None,
    chords: playing.Chords = None,
    chord_bars: playing.ChordBars = 1.0,
    lowest: playing.Lowest = None,
    highest: playing.Highest = None,
    density: playing.Density = None,
    ending: playing.Ending = "stop",
    temperature: playing.Temperature = None,
    top_p: playing.TopP = None,
    engine: playing.EngineName = "auto",
    formats: playing.Formats = "mid",
    soundfont: playing.SoundFont = None,
    as_json: Json = False,
) -> None:
    """Make takes of each music file that comes into a folder; each file is done once.

    What was done is kept in OUT (watched.json), so that it may be stopped (Ctrl-C) and begun again.
    A file that changes is done anew, under other names.
    """
    from segue import bundles
    from segue.generation.watched import Watched
    from segue.judging.watching import seconds_of

    if way not in WAYS:
        raise SegueError(f"--way came as {way!r}; {nearest(way, WAYS)}.")
    if as_json and not once:
        raise SegueError("--json prints one document at the end, so it needs --once.")
    wait = seconds_of(every)
    playing.check_outputs(formats, soundfont)
    asked = {"key": key, "chords": chords, "lowest": lowest, "highest": highest,
             "density": density, "temperature": temperature, "top-p": top_p}  # fmt: skip
    _check(way, {**asked, "seconds": seconds, "ending": None if ending == "stop" else ending})
    loaded = bundles.load(bundle)
    how: dict[str, Any] = {"engine": engine}
    if way == "vary":
        how |= {"amount": amount}
    else:
        how["sampling"] = playing.sampling_of(loaded, temperature, None, top_p, None)
        how["wishes"] = playing.wishes_of(
            key, chords, chord_bars, lowest, highest, 0, density=density, ending=ending
        )
    if way == "continue":
        how |= {"bars": bars, "seconds": seconds}

    def make(path: Path, first: int) -> list[dict[str, Any]]:
        from segue.formats import read_reported

        reading = read_reported(path)
        for repair in reading.repairs:
            note(f"{path}: {repair}")
        made = _maker(way)(loaded, reading.score, takes=takes, seed=first, **how)
        return _written(made, out, f"{path.stem}-{WAYS[way]}", formats, soundfont, loaded)

    first = playing.seed_or_random(seed)
    what = f"{way} | {loaded.hash}"
    watched = Watched(music, out, make, what, takes, first)
    note(f"seed {first}, bundle {loaded.name} {loaded.hash[:12]}")
    if not once:
        note(f"watching {music}; takes go to {out}. Ctrl-C ends it.")
    done = _watch(watched, wait, once=once, as_json=as_json)
    if as_json:
        emit_json({"files": [asdict(each) for each in done]})


# What a way cannot be asked for; a wish that nothing heeds would be taken for kept.
_DEAF: dict[str, tuple[str, ...]] = {
    "accompany": ("seconds", "ending", "density"),
    "vary": ("seconds", "ending", "density", "key", "chords", "lowest", "highest", "temperature",
             "top-p"),
}  # fmt: skip


def _check(way: str, asked: dict[str, Any]) -> None:
    """SegueError for an option that this way does not heed."""
    vain = [f"--{name}" for name in _DEAF.get(way, ()) if asked[name] is not None]
    if vain:
        raise SegueError(f"--way {way} does not heed {', '.join(vain)}: leave that out.")


def _maker(way: str) -> Callable[..., list[Take]]:
    from segue import generation
    from segue.generation.latent import vary

    made: dict[str, Callable[..., list[Take]]] = {
        "continue": generation.continue_, "accompany": generation.accompany, "vary": vary
    }  # fmt: skip
    return made[way]


def _written(
    takes: list[Take], out: Path, stem: str, formats: str, soundfont: Path | None, bundle: Bundle
) -> list[dict[str, Any]]:
    """What was written, as it is remembered: of each take its seed and files."""
    told = playing.write_all(takes, out, stem, formats, soundfont, bundle)
    return [{"seed": t["seed"], "files": [Path(f).name for f in t["files"]]} for t in told]


def _watch(watched: Watched, wait: float, *, once: bool, as_json: bool) -> list[Done]:
    """Look again and again; with `once` until nothing is waited for. What was done."""
    done: list[Done] = []
    while True:
        for each in watched.look():
            if once:
                done.append(each)
            if not as_json:
                _tell(each)
        if once and not watched.waiting:
            return done
        pause(wait)


def pause(seconds: float) -> None:
    """Wait for the next look."""
    time.sleep(seconds)


def _tell(done: Done) -> None:
    from segue.cli import console

    if done.error is not None:
        note(done.error if done.file in done.error else f"{done.file}: {done.error}")
        return
    files = ", ".join(take["files"][0] for take in done.takes)
    console.out.print(f"{done.file}, seed {done.seed}: {files}", soft_wrap=True)
