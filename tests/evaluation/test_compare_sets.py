"""Overlap of two sets: against scipy's own densities, and on sets whose likeness is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from music import chorale
from segue.evaluation import compare_sets
from segue.evaluation.compare_sets import compare, densities, distances, divergence, overlapped_area
from segue.evaluation.features import FEATURES, LENGTHS
from segue.score import NOTE, Score, Track, events, transpose


def piece(seed: int, low: int, high: int, length: int = 240) -> Score:
    """Sixty notes drawn from a range of pitches, a grid of eighths."""
    rng = np.random.default_rng(seed)
    rows = [(240 * i, length, 0, int(rng.integers(low, high)), 80) for i in range(60)]
    return Score(480, events(NOTE, rows), (Track(),))


@pytest.mark.parametrize("seed", range(3))
def test_densities_area_and_kl_are_those_of_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    integrate = pytest.importorskip("scipy.integrate")
    rng = np.random.default_rng(seed)
    one, other = rng.gamma(2, 1, 200), rng.gamma(2 + seed, 1, 300)
    points, p, q = densities(one, other)
    kernels = [stats.gaussian_kde(sample) for sample in (one, other)]
    assert np.abs(p - kernels[0](points)).max() < 1e-3
    assert np.abs(q - kernels[1](points)).max() < 1e-3
    # mgeval's integral, over all of the line instead of between the outermost samples.
    area, _ = integrate.quad(lambda x: min(k(x)[0] for k in kernels), -5, 30, limit=300)
    assert overlapped_area(points, p, q) == pytest.approx(area, abs=2e-3)
    theirs = stats.entropy(*(np.maximum(k(points), 1e-12) for k in kernels))
    assert divergence(points, p, q) == pytest.approx(theirs, rel=0.05, abs=1e-3)


def test_equal_samples_overlap_whole_and_apart_ones_not_at_all() -> None:
    sample = np.random.default_rng(0).normal(0, 1, 100)
    points, p, q = densities(sample, sample)
    assert overlapped_area(points, p, q) == pytest.approx(1)
    assert divergence(points, p, q) == pytest.approx(0, abs=1e-12)
    assert overlapped_area(*densities(sample, sample + 100)) < 1e-6
    assert divergence(*densities(sample, sample + 100)) > 5


def test_samples_without_spread_are_compared_all_the_same() -> None:
    still = np.full(10, 3.0)
    assert overlapped_area(*densities(still, still)) == pytest.approx(1)
    assert overlapped_area(*densities(still, still + 1)) < 1e-3


def test_distances_are_euclidean() -> None:
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert distances(rows) == pytest.approx([5, 1, math.sqrt(18)])
    assert distances(rows[:1], rows[1:]) == pytest.approx([5, 1])


def test_halves_of_one_set_are_alike_and_another_register_is_not() -> None:
    here = compare_sets.profile([piece(seed, 50, 70) for seed in range(12)])
    there = compare_sets.profile([piece(seed, 50, 70) for seed in range(20, 32)])
    wide = compare_sets.profile([piece(seed, 20, 110) for seed in range(40, 52)])
    alike, unlike = compare(here, there), compare(wide, there)
    assert alike["pitch_entropy"].like_real > 0.7
    assert unlike["pitch_entropy"].like_real < 0.2
    assert alike["pitch_entropy"].kl < unlike["pitch_entropy"].kl
    assert alike["pitch_entropy"].real_itself > 0.6
    # Rhythm is the same in all of them.
    assert unlike["average_duration"].like_real == pytest.approx(1)
    assert math.isnan(alike["drum_in_pattern_rate"].like_real)


def test_takes_that_are_all_alike_lack_variety() -> None:
    real = compare_sets.profile([piece(seed, 50, 70) for seed in range(12)])
    same = compare_sets.profile([piece(3, 50, 70)] * 12)
    found = compare(same, real)["pitch_class_histogram"]
    assert found.as_varied < 0.05 < found.like_real


def test_too_few_pieces_are_not_compared() -> None:
    real = compare_sets.profile([piece(seed, 50, 70) for seed in range(12)])
    few = compare_sets.profile([piece(1, 50, 70), piece(2, 50, 70)])
    assert math.isnan(compare(few, real)["note_count"].like_real)


def test_histograms_sum_to_one_and_turn_with_the_key() -> None:
    for name, feature in FEATURES.items():
        assert feature(chorale(1)).sum() == pytest.approx(1), name
        assert feature(Score(480)).sum() == 0, name
    here, there = (FEATURES["pitch_class_histogram"](transpose(chorale(1), k)) for k in (0, 3))
    assert np.roll(here, 3) == pytest.approx(there)


def test_lengths_go_to_the_nearest_and_transitions_from_row_to_column() -> None:
    names = [name for name, _ in LENGTHS]
    rows = [(0, 480, 0, 60, 80), (480, 230, 0, 62, 80), (720, 2000, 0, 64, 80)]
    score = Score(480, events(NOTE, rows), (Track(),))
    lengths = FEATURES["note_length_histogram"](score)
    assert {names[i] for i in np.flatnonzero(lengths)} == {"quarter", "eighth", "whole"}
    moves = FEATURES["pitch_class_transitions"](score).reshape(12, 12)
    assert moves[0, 2] == moves[2, 4] == 0.5
    steps = FEATURES["note_length_transitions"](score).reshape(12, 12)
    assert steps[names.index("eighth"), names.index("whole")] == 0.5


def test_an_excerpt_has_the_bars_asked_for_and_begins_with_music() -> None:
    score = chorale(1, bars=20)
    rng = np.random.default_rng(0)
    cuts = [compare_sets.excerpt(score, 4, rng) for _ in range(8)]
    assert {round(cut.end_bars) for cut in cuts} == {4}
    assert len({cut.music_hash() for cut in cuts}) > 3
    assert compare_sets.excerpt(score, 40, rng) is score
