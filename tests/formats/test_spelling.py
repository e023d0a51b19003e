"""Keys estimated and pitches spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.formats.spelling import estimated_key, signature, spelled
from segue.score import NOTE, Score, Track, events

NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def score(*pitches: int, drums: bool = False) -> Score:
    rows = [(480 * n, 480, 0, pitch, 80) for n, pitch in enumerate(pitches)]
    return Score(480, events(NOTE, rows), (Track("", 0, drums),))


@pytest.mark.parametrize(
    ("pitches", "key"),
    [
        ((60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60), (0, False)),
        ((62, 64, 66, 67, 69, 71, 73, 74, 69, 66, 62), (2, False)),
        ((57, 59, 60, 62, 64, 65, 68, 69, 64, 60, 57), (0, True)),
        ((60, 62, 63, 65, 67, 68, 71, 72, 67, 63, 60), (-3, True)),
    ],
)
def test_keys_of_scales(pitches: tuple[int, ...], key: tuple[int, bool]) -> None:
    assert estimated_key(score(*pitches)) == key


def test_without_pitches_the_key_is_plain() -> None:
    assert estimated_key(Score(480)) == (0, False)
    assert estimated_key(score(36, 38, 42, drums=True)) == (0, False)
    assert estimated_key(score(*range(60, 72))) == (0, False)


def test_spelling_leans_to_the_key() -> None:
    assert spelled(60, 0) == ("C", 0, 4)
    assert spelled(66, 0) == ("F", 1, 4)
    assert spelled(70, 0) == ("B", -1, 4)
    assert spelled(68, 0) == ("G", 1, 4)  # the leading note of A minor
    assert spelled(61, -5) == ("D", -1, 4)
    assert spelled(59, -7) == ("C", -1, 4)  # C flat is a letter higher than it sounds
    assert spelled(60, 7) == ("B", 1, 3)


@given(st.integers(0, 127), st.integers(-7, 7))
def test_a_spelling_names_its_pitch(pitch: int, fifths: int) -> None:
    step, alter, octave = spelled(pitch, fifths)
    assert 12 * (octave + 1) + NATURALS[step] + alter == pitch
    assert -2 <= alter <= 2


def test_signatures() -> None:
    assert signature(2) == {"F": 1, "C": 1}
    assert signature(-3) == {"B": -1, "E": -1, "A": -1}
    assert signature(0) == {}


@given(st.integers(-7, 7))
def test_the_scale_of_a_key_needs_no_further_signs(fifths: int) -> None:
    tonic = 60 + 7 * fifths % 12
    for step in (0, 2, 4, 5, 7, 9, 11):
        name = spelled(tonic + step, fifths)
        assert signature(fifths).get(name.step, 0) == name.alter
