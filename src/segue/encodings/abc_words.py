"""The words of the narrow ABC that models read and write, and how pitches are spelled in it.

One voice in lengths of an eighth note (`L:1/8`): a metre, a key, then notes, rests, chords, ties,
bar lines and changes of metre. Joined, the words are ABC that any program reads. Source: the ABC
standard 2.1.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from segue.encodings.base import Block

STEPS_PER_BEAT = 12
UNIT = STEPS_PER_BEAT // 2
"""Steps in a length of 1, an eighth note."""
LONGEST = 96
"""The longest length with a word of its own, in steps; a longer note is tied."""

LETTERS = "CDEFGAB"
NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {0: "=", 1: "^", -1: "_"}
ALTERS = {"": None, "=": 0, "^": 1, "_": -1, "^^": 2, "__": -2}
_FIFTHS = "FCGDAEB"
_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")

METRES = tuple((over, under) for under in (2, 4, 8, 16) for over in range(1, 25))
KEYS = tuple((fifths, minor) for minor in (False, True) for fifths in range(-7, 8))


def metre_word(over: int, under: int) -> str:
    """`M:6/8` and the end of its line."""
    return f"M:{over}/{under}\n"


def change_word(over: int, under: int) -> str:
    """`[M:3/4]`, a change of metre at the start of a bar."""
    return f"[M:{over}/{under}]"


def key_word(fifths: int, minor: bool) -> str:
    """`K:G` or `K:Em` and the end of its line."""
    tonic = (_MINOR if minor else _MAJOR)[fifths + 7]
    return f"K:{tonic}{'m' if minor else ''}\n"


def length_word(steps: int) -> str:
    """A length in eighths as ABC writes it: 2, 3/2, 1/2; nothing for one."""
    length = Fraction(steps, UNIT)
    return "" if length == 1 else str(length)


@cache
def alterations(fifths: int) -> dict[str, int]:
    """What a key signature does to each letter."""
    sharp = _FIFTHS[: max(fifths, 0)]
    flat = _FIFTHS[7 + min(fifths, 0) :]
    return {letter: (letter in sharp) - (letter in flat) for letter in LETTERS}


@cache
def spelled(pitch: int, fifths: int, minor: bool) -> tuple[str, int, int]:
    """A MIDI pitch in a key as letter, alteration and octave (4 from middle C).

    A tone of the key is written as such, else natural if it can be, else sharp or flat as the
    key leans (a minor key as its parallel major does, for the sake of its leading tone).
    """
    signature, sharp = alterations(fifths), fifths + 3 * minor >= 0
    choices = [
        (signature[letter] != alter, abs(alter), alter < 0 if sharp else alter > 0, letter, alter)
        for letter in LETTERS
        for alter in (0, 1, -1)
        if (NATURAL[letter] + alter - pitch) % 12 == 0 and 0 <= pitch - alter <= 127
    ]
    *_, letter, alter = min(choices)
    return letter, alter, (pitch - alter) // 12 - 1


def note_word(sign: str, letter: str, octave: int) -> str:
    """`^c'`: upper case in octave 4, lower case in octave 5, commas below and quotes above."""
    if octave >= 5:
        return sign + letter.lower() + "'" * (octave - 5)
    return sign + letter + "," * (4 - octave)


@cache
def note_words() -> tuple[str, ...]:
    """Every note with and without a sign, from octave -1 to 9."""
    return tuple(
        note_word(sign, letter, octave)
        for sign in ("", "^", "_", "=")
        for octave in range(-1, 10)
        for letter in LETTERS
    )


@cache
def vocabulary() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The kinds of words and the words of each, in symbol order; START and END have no text."""
    return (
        ("start", ("",)),
        ("end", ("",)),
        ("metre", tuple(metre_word(*each) for each in METRES)),
        ("key", tuple(key_word(*each) for each in KEYS)),
        ("note", note_words()),
        ("rest", ("z",)),
        ("open", ("[",)),
        ("tone", note_words()),
        ("close", ("]",)),
        ("length", tuple(length_word(n) for n in range(1, LONGEST + 1) if n != UNIT)),
        ("tie", ("-",)),
        ("bar", ("|",)),
        ("change", tuple(change_word(*each) for each in METRES)),
    )


FOLLOWS: dict[str, tuple[str, ...]] = {
    "": ("start",),
    "start": ("metre",),
    "end": ("end",),
    "metre": ("key",),
    "key": ("note", "rest", "open", "end"),
    "note": ("note", "rest", "open", "length", "tie", "bar", "end"),
    "rest": ("note", "rest", "open", "length", "bar", "end"),
    "open": ("tone",),
    "tone": ("tone", "close"),
    "close": ("note", "rest", "open", "length", "tie", "bar", "end"),
    "length": ("note", "rest", "open", "tie", "bar", "end"),
    "tie": ("note", "open", "bar"),
    "bar": ("note", "rest", "open", "change", "end"),
    "change": ("note", "rest", "open"),
}
"""Which kinds of words may follow which."""


def blocks() -> tuple[Block, ...]:
    """The kinds as blocks of a column."""
    return tuple(Block(kind, len(words)) for kind, words in vocabulary())


@cache
def alphabet() -> tuple[str, ...]:
    """Every character that the words are spelled with, sorted."""
    return tuple(sorted({c for _, words in vocabulary() for word in words for c in word}))
