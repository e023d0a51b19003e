"""Overlaps: music overlaps with its like and not with noise, and a rival can be above."""

import numpy as np
from bench.evaluate_default import likeness
from bench.evaluate_default.gallery import oddness
from bench.evaluate_default.likeness import TEN

from music import BEAT, chorale
from segue.evaluation.measures import MEASURES
from segue.score import NOTE, Score, Track, events

REAL = [chorale(seed, bars=16) for seed in range(400, 412)]


def noise(seed, bars=16):
    """A note a sixteenth, of any pitch, length and loudness."""
    rng = np.random.default_rng(seed)
    rows = [
        (i * BEAT // 4, int(rng.integers(1, 4 * BEAT)), 0, int(p), int(v))
        for i, (p, v) in enumerate(rng.integers((21, 1), (109, 128), (bars * 16, 2)))
    ]
    return Score(BEAT, events(NOTE, rows), (Track("Piano"),))


NOISE = [noise(seed) for seed in range(12)]


def test_there_are_ten_measures_and_all_are_known():
    assert len(set(TEN)) == 10
    assert set(TEN) <= set(MEASURES)


def test_music_is_more_like_music_than_noise_is(examined, fixed):
    found = likeness.judge(examined(fixed(takes=REAL), takes=12, noise=fixed(takes=NOISE)))
    own, rival = found["rows"]
    assert own["like_real"] > 0.75
    assert rival["like_real"] < 0.5
    assert found["met"] == (own["like_real"] >= 0.8)
    assert len(likeness.tell(found)) == 2 + 2 + 10 + 2


def test_a_rival_that_is_better_is_told_and_nothing_is_met(examined, fixed):
    found = likeness.judge(examined(fixed(takes=NOISE), takes=12, better=fixed(takes=REAL)))
    assert not found["met"]
    assert "best rival better" in found["reached"]


def test_silence_is_unlike_anything(examined, fixed):
    silent = Score(BEAT, events(NOTE, []), (Track("Piano"),))
    found = likeness.judge(examined(fixed(takes=[silent])))
    assert found["rows"][0]["silent"] == 4
    assert found["rows"][0]["like_real"] < 0.1


def test_the_take_in_the_middle_of_real_music_is_the_least_odd():
    real = {name: np.arange(11.0)[:, None] for name in TEN}
    takes = {name: np.array([[5.0], [10.0], [20.0], [np.nan]]) for name in TEN}
    assert oddness(takes, real).round(2).tolist() == [0.0, 45.45, 50.0, 50.0]
