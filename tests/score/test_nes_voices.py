"""What an NES is given to play of Scores that were not made for it."""

from __future__ import annotations

import numpy as np

from segue.score import NOTE, Score, Track, events
from segue.score.nes_voices import NOISE, PULSE_1, PULSE_2, TRIANGLE, VOICES, Part, parts

SECOND = 44_100


def score_of(*tracks: tuple[str, bool, list[tuple[int, int, int, int]]]) -> Score:
    """Tracks of (name, drums, notes); a note is (onset, duration, pitch, velocity) in samples."""
    rows = [
        (on, long, number, pitch, velocity)
        for number, (_, _, notes) in enumerate(tracks)
        for on, long, pitch, velocity in notes
    ]
    described = tuple(Track(name, 0, drums) for name, drums, _ in tracks)
    return Score(22_050, events(NOTE, rows), described)


def heard(part: Part) -> list[tuple[int, int, int]]:
    return [(int(n["start"]), int(n["end"]), int(n["pitch"])) for n in part.notes]


def test_named_tracks_are_the_voices_whatever_their_order_and_case() -> None:
    played = parts(
        score_of(
            ("NO", True, [(0, 10, 7, 3)]),
            ("tr", False, [(0, 10, 40, 1)]),
            ("P1", False, [(5, 10, 80, 9)]),
        )
    )
    assert [heard(p) for p in played] == [[(5, 15, 80)], [], [(0, 10, 40)], [(0, 10, 7)]]
    assert played[PULSE_1].notes["level"].tolist() == [9]
    assert played[NOISE].notes["level"].tolist() == [3]


def test_three_busiest_tracks_go_by_height_and_drums_are_noise() -> None:
    bass = [(100 * i, 90, 40, 90) for i in range(5)]
    tune = [(100 * i, 90, 76, 90) for i in range(5)]
    middle = [(100 * i, 90, 60, 90) for i in range(5)]
    played = parts(
        score_of(
            ("bass", False, bass),
            ("once", False, [(0, 10, 100, 90)]),
            ("kit", True, [(0, 10, 36, 127), (50, 10, 42, 127)]),
            ("tune", False, tune),
            ("middle", False, middle),
        )
    )
    assert [set(p.notes["pitch"].tolist()) for p in played] == [{76}, {60}, {40}, {3, 15}]


def test_a_piano_is_split_into_tune_second_and_bass() -> None:
    chord = [(0, 100, pitch, 90) for pitch in (36, 43, 60, 64, 67)]
    played = parts(score_of(("piano", False, chord)))
    assert [heard(p) for p in played] == [[(0, 100, 67)], [(0, 100, 64)], [(0, 100, 36)], []]


def test_a_voice_plays_one_note_at_a_time() -> None:
    played = parts(score_of(("p1", False, [(0, 500, 60, 9), (100, 500, 64, 9), (100, 20, 70, 9)])))
    assert heard(played[PULSE_1]) == [(0, 100, 60), (100, 120, 70)]
    played = parts(score_of(("tr", False, [(0, 50, 60, 9), (0, 50, 50, 9)])))
    assert heard(played[TRIANGLE]) == [(0, 50, 50)]


def test_notes_beyond_a_voice_move_by_octaves() -> None:
    played = parts(score_of(("p2", False, [(0, 1, 21, 9), (1, 1, 127, 9)])))
    assert played[PULSE_2].notes["pitch"].tolist() == [33, 103]


def test_midi_loudness_is_brought_to_fifteen_levels_and_levels_stay() -> None:
    loud = parts(score_of(("x", False, [(0, 1, 60, 127), (1, 1, 60, 64), (2, 1, 60, 1)])))
    assert loud[PULSE_1].notes["level"].tolist() == [15, 8, 1]
    own = parts(score_of(("p1", False, [(0, 1, 60, 15), (1, 1, 60, 7)]), ("tr", False, [])))
    assert own[PULSE_1].notes["level"].tolist() == [15, 7]


def test_every_pitch_and_drum_finds_a_place() -> None:
    every = [(10 * i, 10, i, 64) for i in range(128)]
    for name, drums in (("p1", False), ("tr", False), ("kit", True)):
        for voice, part in zip(VOICES, parts(score_of((name, drums, every))), strict=True):
            assert np.all((part.notes["pitch"] >= voice.low) & (part.notes["pitch"] <= voice.high))
