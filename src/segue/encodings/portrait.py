"""What is said of a whole piece before its first note: style, key, density, touch.

Symbols of one run, kind after kind; a piece says each kind once or not at all. A model that has
read them leans to what they say, so that what a user asks for is steered to before it is forced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError, nearest
from segue.score import Score, Text
from segue.score.tonality import KEYS, fits

Ints = NDArray[np.int64]

STYLES = ("baroque", "classical", "romantic", "modern", "song", "pop")
TOUCHES = ("plain", "shaped", "pedalled")
"""One loudness throughout, or nearly; dynamics; dynamics and the sustain pedal."""
DENSITIES = (0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 7.0)
"""Notes a beat that part one density from the next."""
_PLAIN_SPREAD = 3.0
"""Standard deviation of velocities up to which they say nothing."""
_STYLE = "style: "

KINDS: dict[str, int] = {
    "style": len(STYLES),
    "key": KEYS,
    "density": len(DENSITIES) + 1,
    "touch": len(TOUCHES),
}
"""How many symbols each kind has, in the order they are said."""
SIZE = sum(KINDS.values())
FIRST = dict(zip(KINDS, np.cumsum([0, *KINDS.values()])[:-1].tolist(), strict=True))
"""The first symbol of each kind."""


def said(codes: Ints) -> dict[str, int]:
    """What symbols say, by kind: the way back from `symbols`."""
    names, first = list(FIRST), list(FIRST.values())
    kinds = np.searchsorted(first, codes, side="right") - 1
    return {names[k]: int(code) - first[k] for k, code in zip(kinds, codes, strict=True)}


class Notes(NamedTuple):
    """Pitched notes, arrays of shape (notes,): onsets and lengths in beats, pitches, velocities."""

    onset: NDArray[np.float64]
    beats: NDArray[np.float64]
    pitch: Ints
    velocity: Ints


def style_text(style: str) -> Text:
    """The text that tells a piece's style; SegueError for one that is none."""
    asked(style=style)
    return Text(0, _STYLE + style, "text")


def symbols(said: Mapping[str, int]) -> Ints:
    """The symbols of what is said, by kind, in order."""
    return np.array([FIRST[kind] + said[kind] for kind in KINDS if kind in said], np.int64)


def of(notes: Notes, pedalled: bool, style: int | None = None) -> dict[str, int]:
    """What there is to say of a piece, by kind; nothing of one without pitched notes."""
    if not len(notes.pitch):
        return {}
    said = {} if style is None else {"style": style}
    chroma = np.bincount(notes.pitch % 12, notes.beats, 12).astype(np.float64)
    beats = max(float(notes.onset.max() - notes.onset.min()), 1.0)
    shaped = float(notes.velocity.std()) > _PLAIN_SPREAD
    return said | {
        "key": int(fits(chroma).argmax()),
        "density": density(len(notes.pitch) / beats),
        "touch": 2 if pedalled else int(shaped),
    }


def density(notes_a_beat: float) -> int:
    """Which density so many notes a beat are."""
    return int(np.searchsorted(DENSITIES, notes_a_beat, side="right"))


def asked(**said: str) -> dict[str, int]:
    """Styles and touches by name as what is said; SegueError for a name that is none."""
    tables = {"style": STYLES, "touch": TOUCHES}
    found = {}
    for kind, name in said.items():
        table = tables[kind]
        if name not in table:
            raise SegueError(f"the {kind} came as {name!r}; {nearest(name, table)}.")
        found[kind] = table.index(name)
    return found


def moved(codes: Ints, semitones: Ints) -> Ints:
    """Symbols, (..., n), of music moved by `semitones`: of keys that of the new one."""
    first = FIRST["key"]
    key = codes - first
    is_key = (key >= 0) & (key < KEYS)
    return np.where(is_key, first + key // 12 * 12 + (key + semitones) % 12, codes)


def style_of(score: Score) -> int | None:
    """The style that a text `style: NAME` tells, if one does."""
    told = (t.text.removeprefix(_STYLE) for t in score.texts if t.text.startswith(_STYLE))
    return next((STYLES.index(name) for name in told if name in STYLES), None)
