"""What is lost is charged for, and nothing else: by hand, and over random losses."""

from __future__ import annotations

import numpy as np
import pytest

from music import BEAT, chorale
from segue.evaluation.charge import charge, paired
from segue.score import NOTE, Score, Track, events, sustain


def melody(onsets: list[float], pitches: list[int], velocity: int = 80) -> Score:
    rows = [
        (round(at * BEAT), BEAT // 2, 0, pitch, velocity)
        for at, pitch in zip(onsets, pitches, strict=True)
    ]
    return Score(BEAT, events(NOTE, rows), (Track(),))


def changed(score: Score, **columns: object) -> Score:
    notes = score.notes.copy()
    for name, values in columns.items():
        notes[name] = values
    return score.with_(notes=notes)


def test_what_comes_back_whole_costs_next_to_nothing() -> None:
    score = chorale(1)
    lost = charge(score, score)
    assert (lost.paired, lost.missing, lost.surplus) == (len(score), 0, 0)
    # Three scales are named, two counts of 0 among so many, and errors of 0 at 0.03 nats each.
    named = 3 * np.log(16) + 2 * np.log(len(score) + 1)
    assert named < lost.nats < named + 3 * 0.04 * len(score)


def test_a_lost_velocity_is_charged_and_nothing_else() -> None:
    score = chorale(1)
    rng = np.random.default_rng(0)
    played = changed(score, velocity=rng.integers(30, 110, len(score)))
    lost, none = charge(played, score), charge(played, played)
    assert lost.parts["velocity"] > none.parts["velocity"] + 3 * len(score)
    assert {k: v for k, v in lost.parts.items() if k != "velocity"} == {
        k: v for k, v in none.parts.items() if k != "velocity"
    }


def test_coarser_grids_are_charged_more() -> None:
    rng = np.random.default_rng(1)
    at = np.cumsum(rng.uniform(0.2, 1.5, 60))
    score = melody(at.tolist(), rng.integers(50, 70, 60).tolist())
    costs = []
    for parts in (96, 12, 4):
        grid = np.rint(score.notes["onset"] * parts / BEAT) * BEAT / parts
        costs.append(charge(score, changed(score, onset=grid.astype(np.int64))).nats)
    assert costs[0] < costs[1] < costs[2]


def test_a_missing_note_costs_its_place_and_pitch() -> None:
    score = melody([0, 1, 2, 3, 4, 5], [60, 62, 64, 65, 67, 69])
    without = score.with_(notes=np.delete(score.notes, 2))
    lost = charge(score, without)
    assert (lost.missing, lost.surplus) == (1, 0)
    places = 128 * (round(score.onset_seconds()[-1] * 100) + 1)
    assert lost.parts["missing"] == pytest.approx(np.log(7) + np.log(places))


def test_a_note_too_many_is_pointed_at() -> None:
    score = melody([0, 1, 2, 3], [60, 62, 64, 65])
    more = melody([0, 1, 1.25, 2, 3], [60, 62, 80, 64, 65])
    lost = charge(score, more)
    assert (lost.missing, lost.surplus) == (0, 1)
    assert lost.parts["surplus"] == pytest.approx(np.log(6) + np.log(5))


def test_a_cut_rest_moves_all_that_follows_once() -> None:
    pitches = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79]
    score = melody([0, 1, 2, 3, 4, 5, 26, 27, 28, 29, 30, 31], pitches)
    short = melody([0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15], pitches)
    lost = charge(score, short)
    assert lost.missing == 0
    # One error of 800 hundredths among zeros.
    assert lost.parts["onset"] < 12 * 8


def test_a_unison_that_goes_does_not_shift_the_others() -> None:
    # The same pitch every half second, and once twice at a time.
    onsets = [0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0]
    score = melody(onsets, [60] * 8)
    back = melody(sorted(set(onsets)), [60] * 7)
    lost = charge(score, back)
    assert (lost.paired, lost.missing) == (7, 1)
    assert lost.parts["onset"] < 4


def test_pairs_are_of_one_pitch_and_used_once() -> None:
    rng = np.random.default_rng(2)
    onset, pitch = np.sort(rng.integers(0, 3000, 200)), rng.integers(60, 66, 200)
    kept = rng.random(200) < 0.8
    mine, theirs = paired(onset, pitch, onset[kept] + rng.integers(0, 3, kept.sum()), pitch[kept])
    assert (pitch[mine] == pitch[kept][theirs]).all()
    assert len(set(mine.tolist())) == len(set(theirs.tolist())) == len(mine) > 140


def test_nothing_written_and_nothing_back() -> None:
    empty = melody([], [])
    assert charge(empty, empty).nats == pytest.approx(3 * np.log(16))


def test_the_pedal_is_heard_on_both_sides() -> None:
    score = chorale(2)
    assert charge(sustain(score), score).nats == charge(score, score).nats
