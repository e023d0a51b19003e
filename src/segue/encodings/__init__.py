"""Encodings by name: each a reversible map between a Score and rows of small integers.

encoding = get("compound", unit="seconds")
encoded = encoding.encode(score)
score = encoding.decode(encoded.rows, encoded.header)
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from segue.encodings.base import Block, Column, Encoded, Encoding, Grammar, Layout, Rows
from segue.errors import RecipeError, nearest

ENCODINGS: dict[str, tuple[str, str]] = {
    "note_chord": ("segue.encodings.note_chord:NoteChord", "pitch names and chords, one a row"),
    "compound": ("segue.encodings.compound:Compound", "one row a note, five attributes"),
    "nes_events": ("segue.encodings.nes_events:NesEvents", "events of the four NES voices"),
    "performance": ("segue.encodings.performance:Performance", "events of a keyboard, 10 ms apart"),
    "piano_roll": ("segue.encodings.piano_roll:PianoRoll", "frames of 88 pitches, on or off"),
    "melody": ("segue.encodings.melody:Melody", "one melody, a step a row"),
    "velocity_image": (
        "segue.encodings.velocity_image:VelocityImage",
        "a whole piece as one picture of velocities",
    ),
    "note_time": (
        "segue.encodings.note_time:NoteTime",
        "a keyboard's messages with their times",
    ),
    "abc_text": ("segue.encodings.abc_text:AbcText", "a tune as ABC, by words or characters"),
}
"""Name to ("module:class", one line)."""

__all__ = [
    "ENCODINGS",
    "Block",
    "Column",
    "Encoded",
    "Encoding",
    "Grammar",
    "Layout",
    "Rows",
    "from_state",
    "get",
    "options_of",
]


def _class_of(name: str) -> Any:
    if name not in ENCODINGS:
        raise RecipeError(f"there is no encoding {name!r}; {nearest(name, ENCODINGS)}.")
    module, made = ENCODINGS[name][0].split(":")
    return getattr(importlib.import_module(module), made)


def options_of(name: str) -> dict[str, Any]:
    """An encoding's options with their defaults, in the order they are documented."""
    parameters = inspect.signature(_class_of(name)).parameters.values()
    return {p.name: p.default for p in parameters if p.name != "vocabulary"}


def get(name: str, **options: Any) -> Encoding:
    """The encoding `name`, unfitted, with its options.

    Raises RecipeError for an unknown name or option, or a value that the encoding refuses.
    """
    made = _class_of(name)
    allowed = options_of(name)
    for option in options:
        if option not in allowed:
            known = nearest(option, allowed) if allowed else "it has none"
            raise RecipeError(f"the encoding {name!r} has no option {option!r}; {known}.")
    encoding: Encoding = made(**options)
    return encoding


def from_state(state: Mapping[str, Any]) -> Encoding:
    """The encoding that gave `state()`, its fitted vocabulary included."""
    made = get(state["name"], **state.get("options", {}))
    if "vocabulary" not in state:
        return made
    restore: Encoding = _class_of(state["name"]).with_vocabulary(made, state["vocabulary"])
    return restore
