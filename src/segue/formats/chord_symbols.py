"""Chord symbols such as `F#m7/C#`: their parts and their pitches."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from segue.formats.abc_fields import NATURAL_PITCH

LOWEST_ROOT = 48
"""Roots lie in the octave from here: C3, under most tunes and over the mud."""

_QUALITIES = {
    "": (0, 4, 7),
    "maj": (0, 4, 7),
    "m": (0, 3, 7),
    "min": (0, 3, 7),
    "-": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "min7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "M7": (0, 4, 7, 11),
    "mM7": (0, 3, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "add9": (0, 4, 7, 14),
    "11": (0, 4, 7, 10, 14, 17),
    "13": (0, 4, 7, 10, 14, 21),
    "5": (0, 7),
    "sus": (0, 5, 7),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "7sus4": (0, 5, 7, 10),
    "dim": (0, 3, 6),
    "d": (0, 3, 6),
    "o": (0, 3, 6),
    "°": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "o7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "aug": (0, 4, 8),
    "a": (0, 4, 8),
    "+": (0, 4, 8),
    "7+": (0, 4, 8, 10),
    "aug7": (0, 4, 8, 10),
}
_SYMBOL = re.compile(r"([A-G])([#b♯♭]?)([^/\s]*)(?:/([A-Ga-g])([#b♯♭+]?))?$")
# A plus after a bass note is the Nottingham collection's sharp.
_SIGNS = {"#": 1, "♯": 1, "+": 1, "b": -1, "♭": -1, "": 0}


class Symbol(NamedTuple):
    """A chord symbol taken apart; `quality` as written ("m7"), `bass` a letter or ""."""

    root: str
    root_alter: int
    quality: str
    bass: str = ""
    bass_alter: int = 0


@lru_cache(maxsize=1024)
def taken_apart(text: str) -> Symbol | None:
    """The parts of a chord symbol; None for a text that is not one."""
    found = _SYMBOL.match(text.strip().strip("()"))
    if not found or found[3] not in _QUALITIES:
        return None
    bass = (found[4] or "").upper()
    return Symbol(found[1], _SIGNS[found[2]], found[3], bass, _SIGNS[found[5] or ""])


@lru_cache(maxsize=1024)
def chord_pitches(text: str) -> tuple[int, ...] | None:
    """MIDI pitches, lowest first, of a chord symbol; None for a text that is not one.

    A bass note after a slash comes below the root.
    """
    symbol = taken_apart(text)
    if symbol is None:
        return None
    root = NATURAL_PITCH[symbol.root] + symbol.root_alter
    base = LOWEST_ROOT + (root - LOWEST_ROOT) % 12
    pitches = {base + interval for interval in _QUALITIES[symbol.quality]}
    if symbol.bass:
        below = (base - NATURAL_PITCH[symbol.bass] - symbol.bass_alter) % 12
        pitches.add(base - (below or 12))
    return tuple(sorted(pitches))
