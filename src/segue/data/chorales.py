"""Bach's four-part chorales out of the installed music21 package: no download, no import of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.files import write_text
from segue.formats.table import READABLE, read, write
from segue.score import Score, Track
from segue.workers import DONE, each

CHORALES = "bach-chorales"
VOICES = ("Soprano", "Alto", "Tenor", "Bass")

# General MIDI's church organ: unlike a choir's, its attack lets each voice be heard.
_PROGRAM = 19
_SECONDS_PER_FILE = 60.0


def write_chorales(folder: Path, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Write each chorale that has exactly four voices as MIDI into `folder`, with the licence.

    Tracks are named Soprano, Alto, Tenor and Bass; instruments that play along are left out, and
    so are pieces whose four voices came before. Raises DataError where music21's corpus is not
    installed, and where too little of it could be read.
    """
    root = _corpus_folder()
    paths = sorted(p for p in (root / "bach").iterdir() if p.name.lower().endswith(READABLE))
    seen: set[str] = set()
    read_all = each(partial(_chorale, folder), paths, seconds=_SECONDS_PER_FILE, in_order=True)
    for done in read_all:
        progress(done.index + 1, len(paths))
        if done.status != DONE or not done.value:
            continue
        if done.value in seen:
            _place(folder, paths[done.index]).unlink()
        seen.add(done.value)
    if len(seen) * 2 < len(paths):
        raise DataError(
            f"only {len(seen)} of {len(paths)} files in {root / 'bach'} are four-part chorales "
            "that can be read: reinstall music21."
        )
    terms = (root / "license.txt").read_text(encoding="utf-8", errors="replace")
    write_text(folder / "LICENSE.txt", terms)
    version = importlib.metadata.version("music21")
    return {"files": len(seen), "package": f"music21 {version}", "terms": terms}


def _corpus_folder() -> Path:
    found = importlib.util.find_spec("music21")
    places = list(found.submodule_search_locations or []) if found else []
    root = Path(places[0]) / "corpus" if places else Path("music21/corpus")
    if not (root / "bach").is_dir():
        raise DataError(
            f"{root} holds no chorales: install the music21 package with its corpus "
            "(`pip install music21`) and try again."
        )
    return root


def _place(folder: Path, source: Path) -> Path:
    return folder / f"{source.stem}.mid"


def _chorale(folder: Path, source: Path) -> str:
    """Write one chorale; gives its music hash, or nothing if it has not these four voices."""
    score = four_voices(read(source))
    if score is None:
        return ""
    write(score, _place(folder, source))
    return score.music_hash()


def four_voices(score: Score) -> Score | None:
    """The four voices alone, in order from the top; None if there is not one track of each."""
    chosen = []
    for voice in VOICES:
        named = [i for i, t in enumerate(score.tracks) if _voice_of(t) == voice]
        if len(named) != 1 or not (score.notes["track"] == named[0]).any():
            return None
        chosen += named
    place = np.full(len(score.tracks), len(VOICES))
    place[chosen] = np.arange(len(VOICES))
    notes = score.notes[place[score.notes["track"]] < len(VOICES)].copy()
    notes["track"] = place[notes["track"]]
    tracks = tuple(replace(score.tracks[i], name=v) for v, i in zip(VOICES, chosen, strict=True))
    tracks = tuple(replace(track, program=_PROGRAM, is_drum=False) for track in tracks)
    empty = score.with_(controls=score.controls[:0], bends=score.bends[:0])
    return empty.with_(notes=notes, tracks=tracks)


def _voice_of(track: Track) -> str:
    """The voice that a part is for: "Soprano Oboe 1" is one, "Soprano 2" is not the only one."""
    return track.name.split()[0].capitalize() if track.name.split() else ""
