"""Keys, chords and notes by their names."""

from __future__ import annotations

import pytest

from segue.errors import SegueError
from segue.generation import harmony


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("C major", {0, 2, 4, 5, 7, 9, 11}),
        ("D minor", {2, 4, 5, 7, 9, 10, 0}),
        ("Am", {9, 11, 0, 2, 4, 5, 7}),
        ("a", {9, 11, 0, 2, 4, 5, 7}),
        ("Bb", {10, 0, 2, 3, 5, 7, 9}),
        ("F# dorian", {6, 8, 9, 11, 1, 3, 4}),
        ("E blues", {4, 7, 9, 10, 11, 2}),
    ],
)
def test_keys(text: str, classes: set[int]) -> None:
    assert harmony.key(text).classes == classes


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("C", {0, 4, 7}),
        ("Am", {9, 0, 4}),
        ("G7", {7, 11, 2, 5}),
        ("Bbmaj7", {10, 2, 5, 9}),
        ("F#m7b5", {6, 9, 0, 4}),
        ("C/G", {0, 4, 7}),
        ("C/D", {0, 4, 7, 2}),
        ("Dsus", {2, 7, 9}),
        ("Ebaug", {3, 7, 11}),
    ],
)
def test_chords(text: str, classes: set[int]) -> None:
    assert harmony.chord(text).classes == classes


def test_a_chart_is_split_at_spaces_commas_and_bars() -> None:
    assert [c.name for c in harmony.chart("Am F | C, G")] == ["Am", "F", "C", "G"]


@pytest.mark.parametrize(("text", "pitch"), [("C4", 60), ("A0", 21), ("Bb2", 46), ("36", 36)])
def test_notes(text: str, pitch: int) -> None:
    assert harmony.pitch(text) == pitch


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (harmony.key, "H major", "the key came as 'H major'"),
        (harmony.key, "D dorain", "did you mean 'dorian'"),
        (harmony.chord, "Hm", "the chord came as 'Hm'"),
        (harmony.chord, "Cmaj77", "did you mean 'maj7'"),
        (harmony.chart, " | ", "the chords came as"),
        (harmony.pitch, "C11", "the note came as 'C11'"),
        (harmony.pitch, "128", "the note came as '128'"),
    ],
)
def test_others_are_refused_in_a_sentence(read: object, text: str, sentence: str) -> None:
    assert callable(read)
    with pytest.raises(SegueError, match=sentence):
        read(text)
