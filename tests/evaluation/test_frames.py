"""Frames foretold: worked by hand on rolls of two or three pitches."""

import numpy as np
import pytest

from segue.evaluation.frames import (
    Found,
    absolute_errors,
    best_threshold,
    frame_nats,
    median,
    onsets,
    onsets_found,
    velocities,
)


def roll(*pitches: str) -> np.ndarray:
    """A string a pitch, '#' where it is on, as (frames, pitches)."""
    return np.array([[cell == "#" for cell in pitch] for pitch in pitches]).T


def test_an_onset_counts_at_its_own_frame_and_pitch_alone() -> None:
    came = roll("#...#...", "....#...")
    told = roll("#....#..", "....#.#.")
    found = onsets_found(told, came)
    assert found == Found(told=4, came=3, both=2)
    assert (found.precision, found.recall) == (0.5, pytest.approx(2 / 3))
    assert found.f1 == pytest.approx(4 / 7)


def test_pieces_add_up_by_onsets_not_by_their_means() -> None:
    whole = Found(told=1, came=1, both=1) + Found(told=9, came=9, both=0)
    assert whole.f1 == pytest.approx(0.1)


def test_silence_foretold_is_right_where_nothing_comes_and_wrong_elsewhere() -> None:
    nothing, something = roll("...."), roll("..#.")
    assert onsets_found(nothing, nothing).f1 == 1
    assert onsets_found(nothing, something).f1 == 0
    assert onsets_found(something, nothing).f1 == 0


def test_the_best_threshold_is_found_among_all() -> None:
    rng = np.random.default_rng(0)
    p = rng.integers(0, 12, (40, 5)) / 12
    came = rng.random((40, 5)) < p**2
    best = best_threshold(p, came)
    f1 = {t: onsets_found(p >= t, came).f1 for t in np.unique(p)}
    assert f1[best] == max(f1.values()) > onsets_found(p >= 1, came).f1


def test_where_nothing_comes_nothing_is_worth_foretelling() -> None:
    assert best_threshold(np.full((3, 2), 0.9), np.zeros((3, 2), bool)) == np.inf


def test_copying_the_last_frame_never_foretells_an_onset() -> None:
    sounding = roll("##..##", ".###..")
    assert onsets(sounding[1:], sounding[:-1]).T.tolist() == roll("...#.", "#....").T.tolist()
    assert not onsets(sounding[:-1], sounding[:-1]).any()


def test_what_is_held_is_as_loud_as_it_was_struck() -> None:
    struck = np.array([[0, 90, 0, 0, 40, 0]]).T
    held = np.array([[1, 0, 1, 0, 0, 1]], bool).T
    assert velocities(struck, held, unknown=64)[:, 0].tolist() == [64, 90, 90, 0, 40, 40]


def test_each_pitch_holds_its_own_velocity() -> None:
    struck, held = np.array([[10, 20], [0, 0]]), np.array([[0, 0], [1, 1]], bool)
    assert velocities(struck, held).tolist() == [[10, 20], [10, 20]]


def test_the_median_has_the_least_absolute_error() -> None:
    rng = np.random.default_rng(0)
    values, p = rng.integers(0, 128, (50, 7)), rng.dirichlet(np.ones(7), 50)
    costs = (np.abs(values[:, :, None] - values[:, None, :]) * p[:, None, :]).sum(axis=-1)
    mine = (np.abs(median(values, p)[:, None] - values) * p).sum(axis=-1)
    np.testing.assert_allclose(mine, costs.min(axis=-1))


def test_a_note_less_likely_than_not_has_no_median() -> None:
    assert median(np.array([0, 60, 80]), np.array([0.6, 0.2, 0.2])) == 0
    assert median(np.array([0, 60, 80]), np.array([0.4, 0.3, 0.3])) == 60


def test_errors_stand_beside_those_of_copying_and_of_silence() -> None:
    frames = np.array([[0.0, 0.5], [0.5, 0.5], [0.5, 0.0]])
    told = np.array([[0.25, 0.5], [0.5, 0.25]])
    assert absolute_errors(told, frames) == {
        "model": 0.125,
        "copy-last": 0.25,
        "all-zero": 0.375,
    }


def test_nats_are_summed_over_pitches_and_a_mean_over_frames() -> None:
    p = np.array([[[0.5, 0.5], [0.9, 0.1]], [[0.25, 0.75], [1.0, 0.0]]])
    with np.errstate(divide="ignore"):
        log = np.log(p)
    expected = -(np.log(0.5) + np.log(0.1) + np.log(0.75) + np.log(1)) / 2
    assert frame_nats(log, np.array([[0, 1], [1, 0]])) == pytest.approx(expected)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"not \(4, 1\) and \(4, 2\)"):
        onsets_found(roll("####"), roll("####", "####"))
    with pytest.raises(ValueError, match="of one shape"):
        absolute_errors(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"\(3, 2\) cells, rows \(2, 2\)"):
        frame_nats(np.zeros((3, 2, 5)), np.zeros((2, 2), np.int64))
