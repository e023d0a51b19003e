"""Bach's four-part chorales out of the installed music21 package: no download."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import DataError
from segue.files import write_text
from segue.formats.table import READABLE, write
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Track, events
from segue.workers import DONE, each

CHORALES = "bach-chorales"
VOICES = ("Soprano", "Alto", "Tenor", "Bass")

# General MIDI's church organ: unlike a choir's, its attack lets each voice be heard.
_PROGRAM = 19
# The files give neither loudness nor, most of them, a tempo.
_VELOCITY = 80
_BEATS_A_MINUTE = 84
_TICKS_PER_BEAT = 480
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
    score = four_voices(source)
    if score is None:
        return ""
    write(score, _place(folder, source))
    return score.music_hash()


def four_voices(source: Path) -> Score | None:
    """The four voices of a file of music21's corpus; None if it has not one part for each, or
    if they all fall silent for more than a bar, while instruments play on.

    Repeats are not played out, and an upbeat is set at the end of a first bar, so that bar lines
    fall where the file has them.
    """
    # Not Segue's own MusicXML reader, which plays repeats as a listener hears them: a model
    # should not see a phrase twice for a sign on the page.
    from music21 import converter

    parts = converter.parse(source, forceSource=True, storePickle=False).parts
    chosen = [[part for part in parts if _voice_of(part) == voice] for voice in VOICES]
    if any(len(found) != 1 for found in chosen):
        return None
    top = chosen[0][0]
    upbeat = _ticks(_missing_of_first_bar(top))
    rows = [
        (upbeat + _ticks(at), _ticks(length), track, pitch, _VELOCITY)
        for track, (part,) in enumerate(chosen)
        for at, length, pitch in _notes(part)
    ]
    if len({row[2] for row in rows}) < len(VOICES):
        return None
    flat = top.flatten()
    metres = [
        (_placed(each, upbeat), each.numerator, each.denominator)
        for each in flat.getElementsByClass("TimeSignature")
    ]
    keys = [
        (_placed(each, upbeat), each.sharps, getattr(each, "mode", "") == "minor")
        for each in flat.getElementsByClass("KeySignature")
        if each.sharps is not None
    ]
    score = Score(
        _TICKS_PER_BEAT,
        events(NOTE, rows),
        tuple(Track(voice, _PROGRAM) for voice in VOICES),
        tempi=events(TEMPO, [(0, 60_000_000 // _BEATS_A_MINUTE)]),
        metres=events(METRE, metres),
        keys=events(KEY, keys),
    )
    return None if _longest_rest(score) > score.metre_map.bar_ticks(0) else score


def _longest_rest(score: Score) -> int:
    """The longest time in ticks, after the first note, in which no voice sounds."""
    sounding_until = np.maximum.accumulate(score.notes["onset"] + score.notes["duration"])
    return int((score.notes["onset"][1:] - sounding_until[:-1]).max(initial=0))


def _voice_of(part: Any) -> str:
    """The voice that a part is for: "Soprano Oboe 1" is the soprano's, with its doubling."""
    words = str(part.partName or "").split()
    return words[0].capitalize() if words else ""


def _notes(part: Any) -> Iterator[tuple[Any, Any, int]]:
    """(offset, length, pitch) of each note in beats, tied notes joined, grace notes left out."""
    for sounding in part.stripTies().flatten().notes:
        if sounding.quarterLength > 0 and hasattr(sounding, "pitches"):
            for pitch in sounding.pitches:
                yield sounding.offset, sounding.quarterLength, pitch.midi


def _missing_of_first_bar(part: Any) -> Any:
    """How many beats an upbeat falls short of a whole bar; 0 without an upbeat."""
    first = part.getElementsByClass("Measure").first()
    if first is None:
        return 0
    return max(first.barDuration.quarterLength - first.duration.quarterLength, 0)


def _placed(element: Any, upbeat: int) -> int:
    """Where a metre or key takes effect: the first one holds from the start of the upbeat's bar."""
    return upbeat + _ticks(element.offset) if element.offset else 0


def _ticks(beats: Any) -> int:
    return round(beats * _TICKS_PER_BEAT)
