"""Measures of hand-made music whose numbers are known, and what none of them may hear."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given

from music import chorale
from segue.errors import SegueError
from segue.evaluation.measures import MEASURES, keys, measure, polyphony, repeats, structure
from segue.score import METRE, NOTE, Score, Track, events, transpose
from strategies import scores

BEAT = 480
SHARES = [name for name, row in MEASURES.items() if row.unit in ("share", "fitness")]


def tune(*notes: tuple[float, float, int], tracks: int = 1, drum: bool = False) -> Score:
    """Notes of (beat, beats, pitch), dealt to tracks in turn; 4/4 at 120."""
    rows = [
        (round(b * BEAT), round(d * BEAT), i % tracks, p, 80) for i, (b, d, p) in enumerate(notes)
    ]
    return Score(BEAT, events(NOTE, rows), tuple(Track(is_drum=drum) for _ in range(tracks)))


def scale_run(bars: int, root: int = 60, start: int = 0) -> list[tuple[float, float, int]]:
    steps = (0, 2, 4, 5, 7, 9, 11, 12)
    return [(start * 4 + i / 2, 0.5, root + steps[i % 8]) for i in range(bars * 8)]


def test_every_measure_says_what_it_is() -> None:
    for name, row in MEASURES.items():
        assert row.name == name == row.function.__name__
        assert row.unit and row.what and row.source and row.function.__doc__
    assert len({row.what for row in MEASURES.values()}) >= len(MEASURES) - 2


def test_measures_are_asked_for_by_name() -> None:
    score = tune((0, 1, 60), (1, 1, 67))
    assert measure(score, ["pitch_range", "note_count"]) == {"pitch_range": 7.0, "note_count": 2.0}
    assert list(measure(score)) == list(MEASURES)
    with pytest.raises(SegueError, match="no measure 'pitch_rnage'; did you mean 'pitch_range'"):
        measure(score, ["pitch_rnage"])


@given(score=scores())
def test_every_measure_is_a_number_or_nothing_of_any_music(score: Score) -> None:
    for name, value in measure(score).items():
        assert isinstance(value, float), name
        assert not math.isinf(value), name
        if name in SHARES and not math.isnan(value):
            assert -1e-9 <= value <= 1 + 1e-9, name


def test_no_music_has_no_measures_but_counts() -> None:
    found = measure(Score(BEAT))
    counts = {"n_pitches_used", "n_pitch_classes_used", "note_count"}
    assert {name for name, value in found.items() if not math.isnan(value)} == counts


@pytest.mark.parametrize("seed", range(3))
def test_transposing_changes_no_measure(seed: int) -> None:
    here, there = measure(chorale(seed)), measure(transpose(chorale(seed), 5))
    for name, value in here.items():
        assert there[name] == pytest.approx(value, nan_ok=True), name


def test_a_file_of_finer_ticks_is_the_same_music() -> None:
    score = chorale(2)
    notes = score.notes.copy()
    notes["onset"] *= 2
    notes["duration"] *= 2
    fine = score.with_(ticks_per_beat=2 * BEAT, notes=notes)
    here, there = measure(score), measure(fine)
    for name, value in here.items():
        assert there[name] == pytest.approx(value, nan_ok=True), name


def test_silence_is_counted_between_notes_and_not_before_them() -> None:
    score = tune((4, 1, 60), (6, 2, 62), (6, 1, 64))
    assert polyphony.silences(score).tolist() == [[2.5, 3.0]]
    assert MEASURES["silence_share"].function(score) == pytest.approx(0.25)


def test_a_long_note_under_short_ones_is_no_silence() -> None:
    assert len(polyphony.silences(tune((0, 8, 40), (1, 1, 60), (6, 1, 62)))) == 0


def test_density_counts_from_the_first_note() -> None:
    score = tune((4, 1, 60), (5, 1, 62), (6, 1, 64), (7, 1, 65))
    assert measure(score, ["notes_per_beat", "notes_per_second"]) == {
        "notes_per_beat": 1.0,
        "notes_per_second": 2.0,
    }


def test_the_key_is_found_and_moves() -> None:
    home = tune(*scale_run(8))
    assert keys.global_key(home) == 0
    assert measure(home, ["in_key_share", "key_stability", "modulations"]) == {
        "in_key_share": 1.0,
        "key_stability": 1.0,
        "modulations": 0.0,
    }
    away = tune(*scale_run(8), *scale_run(8, root=66, start=8))
    assert MEASURES["modulations"].function(away) == pytest.approx(100 / 64)
    assert MEASURES["key_stability"].function(away) == pytest.approx(0.5)
    assert set(keys.key_path(away)) == {0, 6}


@pytest.mark.parametrize("root", range(12))
def test_a_minor_key_is_told_from_its_relative(root: int) -> None:
    figure = (0, 3, 7, 12, 7, 3, 5, 8, 12, 8, 5, 0, 2, 5, 7, 11, 7, 5, 3, 0)
    notes = [(i / 2, 0.5, 48 + root + step) for i, step in enumerate(figure * 3)]
    assert keys.global_key(tune(*notes)) == 12 + root


def test_chroma_is_split_over_windows_by_time() -> None:
    chroma = keys.window_chroma(tune((6, 4, 60), (0, 1, 62)), beats=8)
    assert chroma.shape == (2, 12)
    assert (chroma[0, 0], chroma[1, 0], chroma[0, 2]) == (2.0, 2.0, 1.0)


def test_a_figure_played_three_times_is_a_loop() -> None:
    figure = [(0.0, 60), (0.5, 64), (1.0, 67)]
    loop = [(2 * t + at, 0.5, pitch) for t in range(3) for at, pitch in figure]
    after = [(6.0, 1, 59), (7.0, 1, 58), (8.0, 2, 57)]
    score = tune(*loop, *after)
    found = repeats.loops(score)
    assert [(loop.start, loop.end, loop.moments) for loop in found] == [(0, 6 * BEAT, 3)]
    assert found[0].times == pytest.approx(3)
    assert MEASURES["longest_loop"].function(score) == 6
    assert MEASURES["loop_share"].function(score) == pytest.approx(0.6)


def test_a_figure_and_its_repeat_is_no_loop() -> None:
    score = tune(*scale_run(1), *scale_run(1, start=1), (8, 1, 50))
    assert repeats.loops(score) == []


def test_one_note_for_ever_is_a_loop_of_one_moment() -> None:
    score = tune(*[(float(i), 1, 60) for i in range(16)])
    (loop,) = repeats.loops(score)
    assert (loop.moments, loop.times, loop.end) == (1, 16.0, 16 * BEAT)
    assert measure(score, ["repeated_note_share", "loop_share"]) == {
        "repeated_note_share": 1.0,
        "loop_share": 1.0,
    }


def test_a_loop_in_one_voice_under_a_melody_is_no_loop_of_the_piece() -> None:
    bass = [(float(i), 1, 36) for i in range(16)]
    melody = [(float(i), 1, 60 + (7 * i * i) % 17) for i in range(16)]
    notes = [n for pair in zip(bass, melody, strict=True) for n in pair]
    assert repeats.loops(tune(*notes, tracks=2)) == []


def test_similarity_is_one_for_bars_alike() -> None:
    rng = np.random.default_rng(1)
    bars = [rng.integers(50, 70, 4) for _ in range(2)]
    notes = [(4 * b + i, 1, int(bars[b % 2][i])) for b in range(6) for i in range(4)]
    similar = structure.similarity(tune(*notes))
    assert similar.shape == (6, 6)
    assert np.allclose(similar[0, ::2], 1)
    assert np.allclose(similar, similar.T)
    assert (similar[0, 1::2] < 0.99).all()


def test_fitness_finds_the_segment_that_the_piece_is_made_of() -> None:
    # A A B A A B: three bars come back once and cover it all; two bars, twice and two thirds.
    letters = np.array([0, 0, 1, 0, 0, 1])
    similar = (letters[:, None] == letters).astype(float)
    whole = structure.fitness(similar, 3)
    assert whole[0] == pytest.approx(2 * 0.5 * 0.5 / (0.5 + 0.5))
    # The pair AA stands at bars 1 and 4: alike (4 - 2) / 4, covering (4 - 2) / 6.
    assert structure.fitness(similar, 2)[0] == pytest.approx(2 * 0.5 * (1 / 3) / (0.5 + 1 / 3))
    assert structure.fitness(np.eye(6), 2).max() == 0


def test_form_raises_structure() -> None:
    rng = np.random.default_rng(5)
    bars = rng.integers(48, 72, (32, 4))
    form = [(4 * b + i, 1, int(bars[b % 8][i])) for b in range(32) for i in range(4)]
    none = [(4 * b + i, 1, int(bars[b][i])) for b in range(32) for i in range(4)]
    for name in ("structure_medium", "structure_long"):
        function = MEASURES[name].function
        assert function(tune(*form)) > 0.6
        assert function(tune(*none)) < 0.2


def test_chords_are_named_and_their_irregularity_counted() -> None:
    triads = {"C": (48, 52, 55), "F": (53, 57, 60), "G": (55, 59, 62), "Am": (57, 60, 64)}
    line = ["C", "Am", "F", "G"] * 4
    notes = [(2.0 * i, 2, pitch) for i, name in enumerate(line) for pitch in triads[name]]
    assert structure.chords(tune(*notes))[:4] == [0, 12 + 9, 5, 7]
    # Four different triples among fourteen.
    assert MEASURES["chord_irregularity"].function(tune(*notes)) == pytest.approx(4 / 14)


def test_bars_follow_the_metre() -> None:
    notes = [(3.0 * bar, 1, 60) for bar in range(8)]
    waltz = tune(*notes).with_(metres=events(METRE, [(0, 3, 4)]))
    assert MEASURES["groove_consistency"].function(waltz) > 0.98
    assert MEASURES["groove_similarity"].function(waltz) == 1
    assert MEASURES["groove_similarity"].function(tune(*notes)) < 1


def test_a_file_that_claims_millions_of_bars_costs_nothing() -> None:
    # As many beats as a reader lets through, in a metre of one 128th.
    score = tune(*scale_run(2), (199_990.0, 4, 60))
    score = score.with_(metres=events(METRE, [(0, 1, 128)]))
    assert score.end_bars > 6_000_000
    tracemalloc.start()
    found = measure(score)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert math.isnan(found["groove_consistency"])
    assert math.isnan(found["entropy_4_bars"])
    assert found["pitch_range"] == 12
    assert peak < 64 * 2**20


def test_velocities_and_drums() -> None:
    rows = [(i * 120, 60, 0, 36, 40 + 40 * (i % 2)) for i in range(8)]
    score = Score(BEAT, events(NOTE, rows), (Track(is_drum=True),))
    found = measure(score)
    assert (found["velocity_mean"], found["velocity_deviation"]) == (60, 20)
    assert found["velocity_entropy"] == 1
    assert found["drum_in_pattern_rate"] == 1
    assert math.isnan(found["pitch_entropy"])
