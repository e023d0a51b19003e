"""Keys, scales and chords as sets of pitch classes, from the words musicians write."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError, nearest

Bools = NDArray[np.bool_]

_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SIGNS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
_NOTE = r"([A-Ga-g])([#b♯♭]{0,2})"

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}

CHORDS: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "dim": (0, 3, 6),
    "+": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "mmaj7": (0, 3, 7, 11),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "7sus4": (0, 5, 7, 10),
    "add9": (0, 2, 4, 7),
    "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
    "m9": (0, 2, 3, 7, 10),
}
_SPELLINGS = {
    "maj": "", "M": "", "min": "m", "-": "m", "aug": "+", "o": "dim", "°": "dim", "sus": "sus4",
    "M7": "maj7", "Δ": "maj7", "min7": "m7", "-7": "m7", "ø": "m7b5", "ø7": "m7b5", "o7": "dim7",
    "°7": "dim7", "mM7": "mmaj7", "M9": "maj9", "min9": "m9",
}  # fmt: skip


@dataclass(frozen=True)
class Harmony:
    """A key or a chord: its name as given, which of the 12 pitch classes belong to it, its root."""

    name: str
    classes: frozenset[int]
    root: int = 0

    @property
    def mask(self) -> Bools:
        """Shape (128,): the MIDI pitches that belong to it."""
        return np.isin(np.arange(128) % 12, list(self.classes))


def key(text: str) -> Harmony:
    """ "D minor", "Bb", "F# dorian", "Am": a key and its scale; SegueError for anything else."""
    found = re.fullmatch(_NOTE + r"\s*(.*)", text.strip())
    if not found:
        raise SegueError(f"the key came as {text!r}; write a note and a scale, such as 'D minor'.")
    letter, signs, scale = found.groups()
    scale = {"": "minor" if letter.islower() else "major", "m": "minor"}.get(scale, scale.lower())
    if scale not in SCALES:
        raise SegueError(
            f"the key {text!r} names a scale {scale!r} that is not known; {nearest(scale, SCALES)}."
        )
    return _rooted(text.strip(), _root(letter, signs), SCALES[scale])


def chord(text: str) -> Harmony:
    """ "Am", "F#m7", "Bbmaj7", "C/G": a chord symbol; the note after a slash belongs to it too."""
    found = re.fullmatch(r"([A-G])([#b♯♭]?)([^/\s]*)(?:/" + _NOTE + ")?", text.strip())
    if not found:
        raise SegueError(f"the chord came as {text!r}; write symbols such as Am, F, C7 or G/B.")
    letter, sign, kind, bass, bass_sign = found.groups()
    kind = _SPELLINGS.get(kind, kind)
    if kind not in CHORDS:
        raise SegueError(f"the chord {text!r} is not known; {nearest(kind, CHORDS)}.")
    harmony = _rooted(text.strip(), _root(letter, sign), CHORDS[kind])
    if bass is None:
        return harmony
    return Harmony(harmony.name, harmony.classes | {_root(bass, bass_sign)}, harmony.root)


def chart(text: str) -> tuple[Harmony, ...]:
    """Chords apart by spaces, commas or bar lines; SegueError if there is none."""
    symbols = [each for each in re.split(r"[\s,|]+", text) if each]
    if not symbols:
        raise SegueError(f"the chords came as {text!r}; write symbols such as 'Am F C G'.")
    return tuple(chord(each) for each in symbols)


def pitch(text: str) -> int:
    """ "C4" (60), "Bb2" or "36": a MIDI pitch; SegueError for anything else."""
    asked = text.strip()
    if asked.isdigit() and int(asked) < 128:
        return int(asked)
    found = re.fullmatch(_NOTE + r"(-?\d)", asked)
    if found:
        letter, signs, octave = found.groups()
        number = _LETTERS[letter.lower()] + sum(_SIGNS[s] for s in signs) + 12 * (int(octave) + 1)
        if 0 <= number < 128:
            return number
    raise SegueError(f"the note came as {text!r}; write a name such as C4 (middle C), or 0 to 127.")


def _root(letter: str, signs: str) -> int:
    return (_LETTERS[letter.lower()] + sum(_SIGNS[s] for s in signs)) % 12


def _rooted(name: str, root: int, steps: tuple[int, ...]) -> Harmony:
    return Harmony(name, frozenset((root + step) % 12 for step in steps), root)
