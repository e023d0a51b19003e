"""Bach's four-part chorales out of the installed music21 package: no download, no import of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.files import write_text
from segue.formats.musicxml_load import load
from segue.formats.musicxml_play import played
from segue.formats.table import write
from segue.score import TEMPO, Score, Track, events
from segue.workers import DONE, each

CHORALES = "bach-chorales"
VOICES = ("Soprano", "Alto", "Tenor", "Bass")

# General MIDI's church organ: unlike a choir's, its attack lets each voice be heard.
_PROGRAM = 19
# Most of the files give no tempo, and MIDI's default of 120 a minute is no chorale's.
_MICROSECONDS_A_BEAT = 60_000_000 // 84
_SECONDS_PER_FILE = 60.0
_SUFFIXES = (".mxl", ".xml", ".musicxml")


def write_chorales(folder: Path, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Write each chorale that has exactly four voices as MIDI into `folder`, with the licence.

    Tracks are named Soprano, Alto, Tenor and Bass; instruments that play along are left out, and
    so are pieces whose four voices came before. Raises DataError where music21's corpus is not
    installed, and where too little of it could be read.
    """
    root = _corpus_folder()
    paths = sorted(path for path in (root / "bach").iterdir() if path.suffix in _SUFFIXES)
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
    score = four_voices(source)
    if score is None:
        return ""
    write(score, _place(folder, source))
    return score.music_hash()


def four_voices(source: Path) -> Score | None:
    """The four voices of a MusicXML file; None if it has not one part for each, or if they all
    fall silent for more than a bar, while instruments play on.

    Repeats are not played out: a model should not see a phrase twice for a sign on the page.
    """
    root, _ = load(source)
    for line in root.iter("barline"):
        for sign in [*line.findall("repeat"), *line.findall("ending")]:
            line.remove(sign)
    score, _ = played(root, str(source))
    chosen = [
        [i for i, track in enumerate(score.tracks) if _voice_of(track) == voice] for voice in VOICES
    ]
    if any(len(found) != 1 for found in chosen):
        return None
    # Where each track of the file goes; those that go nowhere are left out.
    place = np.full(len(score.tracks), len(VOICES))
    place[np.concatenate(chosen)] = np.arange(len(VOICES))
    notes = score.notes[place[score.notes["track"]] < len(VOICES)].copy()
    notes["track"] = place[notes["track"]]
    voices = Score(
        score.ticks_per_beat,
        notes,
        tuple(Track(voice, _PROGRAM) for voice in VOICES),
        tempi=score.tempi if len(score.tempi) else events(TEMPO, [(0, _MICROSECONDS_A_BEAT)]),
        metres=score.metres,
        keys=score.keys,
    )
    whole = len(np.unique(notes["track"])) == len(VOICES)
    return voices if whole and _longest_rest(voices) <= voices.metre_map.bar_ticks(0) else None


def _voice_of(track: Track) -> str:
    """The voice that a part is for: "Soprano Oboe 1" is the soprano's, with its doubling."""
    words = track.name.split()
    return words[0].capitalize() if words else ""


def _longest_rest(score: Score) -> int:
    """The longest time in ticks, after the first note, in which no voice sounds."""
    sounding_until = np.maximum.accumulate(score.notes["onset"] + score.notes["duration"])
    return int((score.notes["onset"][1:] - sounding_until[:-1]).max(initial=0))
