"""Histograms of intervals, pitches and keys: hand-made music whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from segue.evaluation import histograms
from segue.score import NOTE, TEMPO, Score, Track, events, transpose


def tune(*notes: tuple[float, int], track: str = "p1", length: float = 0.5) -> Score:
    """Notes of (seconds, pitch) on one track, a tick a millisecond."""
    rows = [(round(at * 1000), round(length * 1000), 0, pitch, 80) for at, pitch in notes]
    tempo = events(TEMPO, [(0, 1_000_000)])
    return Score(1000, events(NOTE, rows), (Track(track),), tempi=tempo)


def test_intervals_are_between_onsets_that_follow() -> None:
    score = tune((0.5, 60), (0.0, 62), (0.5, 64), (2.0, 65))
    assert histograms.intervals(score).tolist() == [0.5, 0.0, 1.5]


def test_an_interval_histogram_has_together_first_and_long_last() -> None:
    together, long = tune((0, 60), (0, 64)), tune((0, 60), (9, 64))
    half = tune((0, 60), (0.5, 64))
    bins = [int(histograms.interval_histogram([s]).argmax()) for s in (together, half, long)]
    assert bins == [0, 1 + 5 * 4, histograms.BINS - 1]  # 1/2 s is five octaves over 1/64
    mixed = histograms.interval_histogram([together, half])
    assert mixed[[0, 21]].tolist() == [0.5, 0.5]
    assert histograms.interval_histogram([tune((0, 60))]).sum() == 0


def test_rhythm_does_not_hear_transposition() -> None:
    score = tune((0, 60), (0.25, 64), (0.5, 67), (1.5, 60))
    here, there = (histograms.interval_histogram([s]) for s in (score, transpose(score, 5)))
    assert histograms.wasserstein(here, there) == 0


def test_the_distance_is_the_share_of_the_width_that_is_crossed() -> None:
    first, second, last = np.eye(5)[[0, 1, 4]]
    assert histograms.wasserstein(first, last) == 1
    assert histograms.wasserstein(first, second) == pytest.approx(0.25)
    assert histograms.wasserstein(first, (first + last) / 2) == pytest.approx(0.5)
    assert histograms.wasserstein(last, first) == histograms.wasserstein(first, last)


def test_histograms_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(4,\)"):
        histograms.wasserstein(np.zeros(3), np.zeros(4))


def test_entropy_counts_bits() -> None:
    assert histograms.entropy(np.array([7, 7, 7])) == 0
    assert histograms.entropy(np.array([1, 2, 3, 4])) == pytest.approx(2)
    assert histograms.entropy(np.zeros(0, int)) == 0


def test_pitch_entropy_is_a_mean_over_scores_in_which_the_track_plays() -> None:
    still = tune(*((i / 4, 66) for i in range(8)))
    moving = tune(*((i / 4, 60 + i % 4) for i in range(8)))
    too_short = tune((0, 60))
    assert histograms.pitch_entropy([still, moving, too_short], "p1") == pytest.approx(1)
    assert histograms.pitch_entropy([still], "tr") is None


def test_a_key_is_found_and_what_lies_outside_it() -> None:
    d_major = tune(*((i, p) for i, p in enumerate((62, 64, 66, 67, 69, 71, 73, 74))))
    assert histograms.collection(d_major) == 2
    assert histograms.foreign_share(d_major, 2) == 0
    assert histograms.foreign_share(d_major, 0) == pytest.approx(2 / 8)  # F sharp and C sharp
    b_minor = tune(*((i, p) for i, p in enumerate((59, 61, 62, 64, 66, 67, 69, 71))))
    assert histograms.collection(b_minor) == 2


def test_drums_are_in_no_key() -> None:
    drums = tune((0, 36), (1, 38)).with_(tracks=(Track("no", 0, True),))
    assert histograms.foreign_share(drums, 0) is None
    with pytest.raises(ValueError, match="in no key"):
        histograms.collection(drums)


def test_a_listing_marks_what_differs() -> None:
    assert histograms.listing(["WT_600", "TR_NOTEOFF"], ["WT_600", "P1_NOTEON_66"]) == (
        "predicted      true\nWT_600      =  WT_600\nTR_NOTEOFF  |  P1_NOTEON_66\n"
    )
