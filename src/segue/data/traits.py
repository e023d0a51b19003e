"""What is measured on each piece: a record of fixed size, for filters and the corpus's report."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.score import Score
from segue.score.tonality import profiles

FAMILIES = (
    "piano",
    "chromatic percussion",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reed",
    "pipe",
    "synth lead",
    "synth pad",
    "synth effects",
    "ethnic",
    "percussive",
    "sound effects",
    "drums",
)
"""General MIDI's families of eight programs, and the drums."""

DRUMS = len(FAMILIES) - 1
NO_KEY = 24

_MOST_ONSETS = 0.95

SHORTEST_SECONDS = 2.0**-6
LENGTHS = 48
"""Bins of note lengths: four to each doubling from 1/64 of a second; the last holds all above."""
PARTS_OF_BEAT = 24
MOST_A_SECOND = 48
"""Bins of density: how many notes begin in a second; the last holds all above."""

TRAITS = np.dtype(
    [
        ("pitch", "<u4", (128,)),
        ("velocity", "<u4", (128,)),
        ("length", "<u4", (LENGTHS,)),
        ("density", "<u4", (MOST_A_SECOND + 1,)),
        ("family", "<u4", (len(FAMILIES),)),
        ("beat", "<u4", (PARTS_OF_BEAT,)),
        ("tempo", "<f4"),
        ("key", "u1"),
        ("metre", "u1", (2,)),
        ("polyphony", "<u2"),
    ]
)
"""A piece's record. `pitch` counts pitched notes, the other histograms all: `length` by seconds,
`density` seconds by the notes that begin in them, `beat` by the nearest twenty-fourth of a beat
that a note begins at. `tempo` is beats a minute over the whole piece, 0 where none is stated;
`key` 0 to 11 is major on that pitch class, 12 to 23 minor, NO_KEY none; `metre` is the one that
lasts longest, 0 where none is stated; `polyphony` is how many notes sound at once, all but now
and then."""

# How often each degree sounds in major and in minor pieces. Source: Albrecht and Shanahan, "The use
# of large corpora to train a new type of key-finding algorithm", 2013. Of MAESTRO's performances it
# finds the key in the title for three in four, Krumhansl and Kessler's profiles for two in three.
_MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
_MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
_PROFILES = profiles(_MAJOR, _MINOR)


def traits(score: Score) -> NDArray[np.void]:
    """The record of a piece with notes, dtype TRAITS, shape (1,)."""
    record = np.zeros(1, TRAITS)
    row = record[0]
    notes = score.notes
    family = np.array([DRUMS if t.is_drum else t.program // 8 for t in score.tracks])
    families = family[notes["track"]]
    pitched = families != DRUMS
    whole = bool(pitched.all())
    start = score.onset_seconds()
    length = score.tempo_map.seconds(notes["onset"] + notes["duration"]) - start
    row["pitch"] = np.bincount(notes["pitch"] if whole else notes["pitch"][pitched], minlength=128)
    row["velocity"] = np.bincount(notes["velocity"], minlength=128)
    row["length"] = np.bincount(_length_bins(length), minlength=LENGTHS)
    row["density"] = _density(start)
    row["family"] = np.bincount(families, minlength=len(FAMILIES))
    row["beat"] = _beat(score)
    row["tempo"] = _tempo(score)
    row["key"] = _key(notes["pitch"], length * pitched)
    row["metre"] = _metre(score)
    row["polyphony"] = min(polyphony(score), 0xFFFF)
    return record


def polyphony(score: Score) -> int:
    """The notes that sound at once, as they are written, at 19 of 20 onsets: no more than this.

    The odd overlap of two notes makes no chord of a melody.
    """
    notes = score.notes
    ends = np.sort(notes["onset"] + np.maximum(notes["duration"], 1))
    begun = np.searchsorted(notes["onset"], notes["onset"], side="right")
    ended = np.searchsorted(ends, notes["onset"], side="right")
    share = np.cumsum(np.bincount(begun - ended)) / max(len(notes), 1)
    return int(np.searchsorted(share, _MOST_ONSETS))


def _length_bins(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    fourths = np.log2(seconds * (1 / SHORTEST_SECONDS) + 1e-9) * 4
    return np.clip(fourths, 0, LENGTHS - 1).astype(np.int64)


def _density(start: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many seconds between the first note and the last have 0, 1, ... notes that begin."""
    second = (start - start[0]).astype(np.int64)
    counts = np.diff(np.flatnonzero(np.diff(second)), prepend=-1, append=len(start) - 1)
    seconds = np.bincount(np.minimum(counts, MOST_A_SECOND), minlength=MOST_A_SECOND + 1)
    seconds[0] = second[-1] + 1 - len(counts)
    return seconds


def _beat(score: Score) -> NDArray[np.int64]:
    within = score.notes["onset"] % score.ticks_per_beat * (PARTS_OF_BEAT / score.ticks_per_beat)
    return np.bincount((within + 0.5).astype(np.int64) % PARTS_OF_BEAT, minlength=PARTS_OF_BEAT)


def _tempo(score: Score) -> float:
    if not len(score.tempi) or score.end_seconds <= 0:
        return 0.0
    return 60 * score.end_beats / score.end_seconds


def _metre(score: Score) -> tuple[int, int]:
    if not len(score.metres):
        return 0, 0
    until = np.append(score.metres["onset"][1:], max(score.end_ticks, 0))
    longest: Any = score.metres[int(np.argmax(until - score.metres["onset"]))]
    return int(longest["numerator"]), int(longest["denominator"])


def _key(pitch: NDArray[Any], seconds: NDArray[np.float64]) -> int:
    """The key whose profile the sounding time of the pitch classes follows best."""
    heard = np.bincount(pitch % 12, weights=seconds, minlength=12)
    if not heard.any():
        return NO_KEY
    return int(np.argmax(_PROFILES @ (heard - heard.mean())))


def key_name(key: int) -> str:
    """What a key of TRAITS is called, such as "F♯ minor"; "none" for NO_KEY."""
    if key >= NO_KEY:
        return "none"
    tonics = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
    minors = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B")
    return f"{tonics[key]} major" if key < 12 else f"{minors[key - 12]} minor"
