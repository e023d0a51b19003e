"""Kinship: the true continuation wins, another piece's loses, silence loses."""

import numpy as np
import pytest
from bench.evaluate_default import kinship
from bench.evaluate_default.held_out import Piece, places
from bench.evaluate_default.kinship import Traits, apart, closer, distance, others_of, scale_of
from bench.evaluate_default.playing import Continued

from music import BEAT, chorale
from segue.errors import SegueError
from segue.score import NOTE, TEMPO, Score, Track, events, slice_bars, transpose

WORKS = [f"work {i}" for i in range(6)]
TRUTH = [transpose(chorale(600 + i, bars=8), 2 * i - 5) for i in range(6)]


def line(*pitches, gap=1.0, tempo=500_000):
    rows = [(int(i * gap * BEAT), BEAT // 2, 0, p, 80) for i, p in enumerate(pitches)]
    return Score(BEAT, events(NOTE, rows), (Track("Piano"),), tempi=events(TEMPO, [(0, tempo)]))


def test_each_aspect_is_what_it_says():
    one = Traits.of([line(60, 64, 67, 60)])
    assert apart(one, one).tolist() == [[pytest.approx(0)] + [0.0] * 3]
    higher = apart(one, Traits.of([line(72, 76, 79, 72)]))[0]
    assert higher.round(6).tolist() == [0, 0, 12, 0]
    slower = apart(one, Traits.of([line(60, 64, 67, 60, tempo=1_000_000)]))[0]
    assert slower.round(6).tolist() == [0, 0, 0, 1]
    other_key = apart(one, Traits.of([line(61, 65, 68, 61)]))[0]
    assert other_key[0] > 1
    assert other_key[2] == pytest.approx(1)


def test_truth_is_closest_to_itself_and_others_to_theirs():
    truth = Traits.of(TRUTH)
    scale = scale_of(truth, WORKS)
    others = np.roll(np.arange(6), 1)
    assert closer(truth, truth, others, scale).all()
    assert not closer(truth[others], truth, others, scale).any()
    assert kinship.against_all(truth, truth, WORKS, scale) == 1.0


def test_silence_is_closer_to_nothing():
    silent = Traits.of([line()] * 6)
    truth = Traits.of(TRUTH)
    scale = scale_of(truth, WORKS)
    assert np.isinf(distance(silent, truth, scale)).all()
    assert not closer(silent, truth, np.roll(np.arange(6), 1), scale).any()


def test_after_scaling_each_aspect_counts_as_much():
    truth = Traits.of(TRUTH)
    scale = scale_of(truth, WORKS)
    first, second = np.triu_indices(6, 1)
    mean = ((apart(truth[first], truth[second]) / scale) ** 2).mean(axis=0)
    assert mean[[0, 2]].tolist() == [pytest.approx(1), pytest.approx(1)]


def test_music_of_one_work_has_nothing_to_be_told_from():
    with pytest.raises(SegueError, match="two works"):
        scale_of(Traits.of(TRUTH), ["one"] * 6)


def test_the_other_piece_is_of_another_work():
    pieces = [Piece(f"s/{i}", f"work {i // 2}", chorale(i, bars=16)) for i in range(6)]
    found = places(pieces, 6, 16, seed=1, anywhere=False, prompt=8)
    for seed in range(5):
        for place, other in zip(found, others_of(found, seed), strict=True):
            assert place.piece.work != found[other].piece.work


def _continued(tail):
    def carry_on(prompt):
        begin = prompt.end_ticks
        notes = tail(prompt).notes.copy()
        notes["onset"] += begin
        whole = prompt.with_(notes=np.concatenate([prompt.notes, notes]))
        return Continued(whole, begin, begin + 32 * BEAT, {"prompt_end": begin, "bars": 8})

    return carry_on


def test_a_prompt_played_again_is_judged_as_the_copy_is(examined, fixed):
    found = kinship.measure(examined(fixed(continued=[_continued(lambda prompt: prompt)])))
    assert found["closer"] / found["prompts"] == found["copied"]
    assert found["against_all"] == pytest.approx(found["copied_against_all"])
    assert found["pieces"] == 4
    assert sum(of for _, of in found["sets"].values()) == 4


def test_noise_is_not_kin(examined, fixed):
    deep = slice_bars(line(*[21, 22] * 64, gap=0.1), 0, 3)
    found = kinship.measure(examined(fixed(continued=[_continued(lambda _: deep)]), prompts=12))
    assert found["closer"] < 12
    assert "of 12" in found["reached"]
    assert len(kinship.tell(found)) == 5 + 4 + 1
