"""What repeats in takes: hand-built music with known answers."""

from __future__ import annotations

import pytest
from bench.systems.repeats import longest_run, repeats

from segue.score import NOTE, Score, Track, events

BEAT = 480


def take(*chords: tuple[int, ...]) -> Score:
    """A chord a beat; an empty one is a rest."""
    rows = [(beat * BEAT, BEAT, 0, p, 80) for beat, chord in enumerate(chords) for p in chord]
    return Score(BEAT, events(NOTE, rows), (Track("piano"),))


def test_one_note_for_ever_is_seen_as_such() -> None:
    told = repeats([take(*[(60,)] * 8), take(*[(60,)] * 8)])
    assert told["top_pitch"] == 1.0
    assert told["longest_run"] == 8
    assert told["pitches"] == 1
    assert told["alike"] == 1.0
    assert told["notes"] == 16


def test_two_different_takes_share_what_they_share() -> None:
    told = repeats([take((60,), (62,), (64,)), take((60,), (62,), (65,))])
    assert told["top_pitch"] == pytest.approx(2 / 6)
    assert told["pitches"] == 4
    assert told["alike"] == pytest.approx(2 / 4)


def test_a_run_is_of_the_same_pitches_together() -> None:
    assert longest_run(take((60, 64), (60, 64), (60,), (60,), (60,), (64, 60))) == 3
    assert longest_run(take((60,), (62,), (60,))) == 1
    assert longest_run(take((60,), (), (60,))) == 2
    assert longest_run(take()) == 0


def test_silence_is_counted() -> None:
    told = repeats([take(), take((60,))])
    assert told["silent"] == 1
    assert told["alike"] == 0.0
    assert repeats([take()])["top_pitch"] is None
    assert repeats([])["alike"] is None
