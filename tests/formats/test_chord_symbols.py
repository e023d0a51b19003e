"""Chord symbols as pitches."""

from __future__ import annotations

import pytest

from segue.formats.chord_symbols import chord_pitches, taken_apart


@pytest.mark.parametrize(
    ("symbol", "pitches"),
    [
        ("C", (48, 52, 55)),
        ("Am", (57, 60, 64)),
        ("G7", (55, 59, 62, 65)),
        ("F#m7", (54, 57, 61, 64)),
        ("Bb", (58, 62, 65)),
        ("Cd", (48, 51, 54)),  # the Nottingham collection's diminished and augmented
        ("Ca", (48, 52, 56)),
        ("C/e", (40, 48, 52, 55)),
        ("A/c+", (49, 57, 61, 64)),  # and its sharp bass
        ("D/D", (38, 50, 54, 57)),
        ("(Em)", (52, 55, 59)),
    ],
)
def test_symbols(symbol: str, pitches: tuple[int, ...]) -> None:
    assert chord_pitches(symbol) == pitches


@pytest.mark.parametrize("text", ["", "slowly", "Hm", "C13b9x", "N.C.", "Fine"])
def test_other_words_are_no_chords(text: str) -> None:
    assert chord_pitches(text) is None


def test_parts_of_a_symbol() -> None:
    assert taken_apart("Ebmaj7/Bb") == ("E", -1, "maj7", "B", -1)
