"""The values of ABC's header fields: key, metre, unit length, tempo and voice.

Each reader takes the text after the colon and gives None where it cannot be understood, so that
the caller can say so and go on. Source: the ABC standard 2.1, sections 3 and 4.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from segue.formats.abc_tokens import playable
from segue.formats.printed import Key, Metre

SHARPS = "FCGDAEB"
NATURAL_PITCH = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}

_TONIC_FIFTHS = {letter: i - 1 for i, letter in enumerate(SHARPS)}
# How far a mode's signature lies from that of the major key on the same tonic.
_MODE_FIFTHS = {
    "maj": 0,
    "ion": 0,
    "mix": -1,
    "dor": -2,
    "min": -3,
    "aeo": -3,
    "m": -3,
    "phr": -4,
    "loc": -5,
    "lyd": 1,
}
_MINOR_MODES = ("min", "aeo", "m")


@dataclass(frozen=True)
class VoiceSettings:
    """What a `V:` field says of a voice; `semitones` is what it sounds above what is written."""

    name: str | None = None
    semitones: int | None = None


def _signature(fifths: int) -> dict[str, int]:
    """Letters to semitones for any signature, double sharps and flats included."""
    alters: dict[str, int] = {}
    order = SHARPS if fifths > 0 else SHARPS[::-1]
    for step in range(abs(fifths)):
        letter = order[step % 7]
        alters[letter] = alters.get(letter, 0) + (1 if fifths > 0 else -1)
    return alters


def _within_seven(fifths: int) -> int:
    """The same pitches in a signature of at most seven signs."""
    while fifths > 7:
        fifths -= 12
    while fifths < -7:
        fifths += 12
    return fifths


_KEY = re.compile(
    r"\s*(?P<tonic>[A-G])(?P<sign>[#b♯♭]?)\s*"
    r"(?P<mode>(?i:maj|min|mix|dor|phr|lyd|loc|aeo|ion)[a-zA-Z]*|m(?![a-zA-Z]))?"
)
_EXPLICIT = re.compile(r"(?<![^\s,])(\^\^?|__?|=)([A-Ga-g])(?![a-zA-Z])")


def read_key(text: str) -> Key | None:
    """A `K:` value: tonic and mode, extra accidentals, `none`, or the two pipe signatures."""
    text = text.strip()
    if text[:2] in ("HP", "Hp"):
        pipes = _signature(2) | {"G": 0}
        return Key(2, False, pipes) if text[:2] == "Hp" else Key()
    found = _KEY.match(text)
    if found:
        tonic = _TONIC_FIFTHS[found["tonic"]]
        tonic += 7 * ("#♯".count(found["sign"]) - "b♭".count(found["sign"]) if found["sign"] else 0)
        mode = (found["mode"] or "maj").lower()[:3]
        fifths = tonic + _MODE_FIFTHS[mode]
        minor = mode in _MINOR_MODES
        rest = text[found.end() :]
    elif not text or text.lower().startswith("none") or _EXPLICIT.search(text) or "=" in text:
        fifths, minor, rest = 0, False, text
    else:
        return None
    exact = re.search(r"\bexp\b", rest)
    alters = {} if exact else _signature(fifths)
    alters.update((letter.upper(), ACCIDENTALS[sign]) for sign, letter in _EXPLICIT.findall(rest))
    return Key(_within_seven(fifths), minor, alters)


def read_metre(text: str) -> Metre | None:
    """An `M:` value: `C`, `C|`, `6/8`, `2+3/8`, `(2+3)/8` or `none`."""
    text = text.strip()
    if not text or text.lower().startswith("none"):
        return Metre(None, None)
    if text.startswith("C"):
        return Metre(2, 2) if text.startswith("C|") else Metre(4, 4)
    found = re.match(r"\(?\s*(\d{1,3}(?:\s*\+\s*\d{1,3})*)\s*\)?\s*/\s*(\d{1,3})", text)
    if not found:
        return None
    over = sum(int(part) for part in found[1].split("+"))
    under = int(found[2])
    if not 1 <= over <= 255 or under not in (1, 2, 4, 8, 16, 32, 64, 128):
        return None
    return Metre(over, under)


def read_fraction(text: str) -> Fraction | None:
    """`1/8` or `1`, above zero."""
    found = re.match(r"\s*(\d{1,4})\s*(?:/\s*(\d{1,4}))?", text)
    if not found or not int(found[1]) or not playable(int(found[2] or 1)):
        return None
    return Fraction(int(found[1]), int(found[2] or 1))


def read_tempo(text: str, unit: Fraction) -> float | None:
    """A `Q:` value as quarter notes a minute: `1/4=120`, `3/8 3/8=60`, `C=100`, `120`.

    A bare number counts unit notes, as the standard says.
    """
    text = re.sub(r'"[^"]*"', " ", text).strip()
    found = re.match(r"(?P<beats>[^=]*)=\s*(?P<rate>\d{1,5}(?:\.\d{1,6})?)", text)
    if found:
        parts = re.findall(r"(\d{1,4})\s*/\s*(\d{1,4})", found["beats"])
        if any(not int(under) for _, under in parts):
            return None
        beat = sum((Fraction(int(over), int(under)) for over, under in parts), Fraction(0))
        if not beat:
            units = re.match(r"C(\d{0,3})", found["beats"].strip())
            beat = unit * int(units[1] or 1) if units else Fraction(1, 4)
        rate = float(found["rate"]) * float(beat * 4)
    else:
        bare = re.match(r"\d{1,5}(?:\.\d{1,6})?$", text)
        if not bare:
            return None
        rate = float(bare[0]) * float(unit * 4)
    # MIDI's own bounds on what a tempo can be.
    return rate if 4 <= rate <= 60_000_000 else None


def read_voice(text: str) -> tuple[str, VoiceSettings]:
    """A `V:` value as the voice's label and its settings."""
    label, _, rest = text.strip().partition(" ")
    return label, read_voice_settings(rest)


def read_voice_settings(text: str) -> VoiceSettings:
    """Name and transposition out of the words of a `V:` or `K:` field."""
    name = re.search(r'\b(?:name|nm)\s*=\s*"([^"]*)"', text)
    name = name or re.search(r"\b(?:name|nm)\s*=\s*([^\s\"]+)", text)
    semitones = 0
    said = False
    for word, steps in (("transpose", 1), ("octave", 12)):
        if found := re.search(rf"\b{word}\s*=\s*([+-]?\d{{1,2}})\b", text):
            semitones += int(found[1]) * steps
            said = True
    if found := re.search(r"\b(?:treble|bass|tenor|alto|clef=\S+?)([+-]8)\b", text):
        semitones += 12 if found[1] == "+8" else -12
        said = True
    return VoiceSettings(name[1] if name else None, semitones if said else None)
