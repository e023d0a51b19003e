"""Signatures: the same for a piece however it is moved, near for an edit, far for another piece."""

import numpy as np
import pytest
from tunes import tune

from segue.data.fingerprint import HASHES, STEPS, shingles, signature
from segue.score import NOTE, Score, Track, transpose


def jaccard(one, two):
    a, b = set(shingles(one).tolist()), set(shingles(two).tolist())
    return len(a & b) / len(a | b)


def estimate(one, two):
    return float((signature(one)["minima"] == signature(two)["minima"]).mean())


def changed(score, **columns):
    notes = score.notes.copy()
    for name, values in columns.items():
        notes[name] = values
    return score.with_(notes=notes)


def chorale(seed, beats=200):
    """Four voices a beat: the top line is not the only thing that sounds."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(4 * beats, NOTE)
    notes["onset"] = np.repeat(480 * np.arange(beats), 4)
    notes["duration"], notes["velocity"] = 480, 80
    walk = np.cumsum(rng.integers(-4, 5, beats)) % 14
    notes["pitch"] = (72 + walk[:, None] - np.array([0, 8, 15, 22])).ravel()
    return Score(480, notes, (Track(),))


def test_transposed_stretched_and_played_otherwise_it_is_the_same():
    score = tune(1, 300)
    rng = np.random.default_rng(0)
    for other in (
        transpose(score, 7),
        transpose(score, -12),
        changed(score, onset=score.notes["onset"] * 3, duration=7),
        score.with_(ticks_per_beat=96),
        changed(score, velocity=rng.integers(1, 128, 300)),
        score.with_(tracks=(Track("Flute", 73),)),
    ):
        assert np.array_equal(shingles(other), shingles(score))
        assert signature(other).tobytes() == signature(score).tobytes()


def test_hands_that_spread_chords_and_rush_change_little():
    score = chorale(3)
    rng = np.random.default_rng(1)
    played = changed(
        score, onset=np.maximum(score.notes["onset"] + rng.integers(-12, 13, len(score)), 0)
    )
    rubato = changed(played, onset=(played.notes["onset"] ** 1.1).astype(int))
    assert jaccard(score, rubato) > 0.9
    assert jaccard(score, chorale(4)) < 0.1


def test_a_few_changed_notes_or_a_cut_leave_most_of_it():
    score = tune(2, 400)
    pitch = score.notes["pitch"].copy()
    pitch[::40] += 1
    assert 0.6 < jaccard(score, changed(score, pitch=pitch)) < 0.9
    assert 0.55 < jaccard(score, score.with_(notes=score.notes[:240])) < 0.65
    assert jaccard(score, tune(3, 400)) < 0.01


@pytest.mark.parametrize("shared", [0.1, 0.4, 0.8])
def test_signatures_estimate_the_shared_part(shared):
    """Within four standard deviations over many pairs: no bias."""
    found, true = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        pitch = rng.integers(40, 90, (2, 400))
        same = round(400 * 2 * shared / (1 + shared))
        pitch[1, :same] = pitch[0, :same]
        one, two = (changed(tune(0, 400), pitch=row) for row in pitch)
        found.append(estimate(one, two))
        true.append(jaccard(one, two))
    deviation = (shared * (1 - shared) / HASHES / 30) ** 0.5
    assert abs(np.mean(found) - np.mean(true)) < 4 * deviation


def test_drums_count_where_they_are_all():
    melody, beat = tune(1, 60), tune(2, 60)
    drums = beat.with_(tracks=(Track("Drums", 0, True),))
    both = np.concatenate([melody.notes, drums.notes])
    both["track"][60:] = 1
    together = Score(480, both, (Track(), Track("Drums", 0, True)))
    assert np.array_equal(shingles(together), shingles(melody))
    assert len(shingles(drums)) > 40
    assert not set(shingles(drums).tolist()) & set(shingles(beat).tolist())
    stretched = changed(drums, onset=drums.notes["onset"] * 2)
    assert np.array_equal(shingles(stretched), shingles(drums))


def test_what_is_shorter_than_a_shingle_has_none():
    for notes in (1, 2, STEPS):
        found = signature(tune(1, notes))[0]
        assert found["shingles"] == 0
        assert (found["minima"] == 0xFFFFFFFF).all()
    assert signature(tune(1, STEPS + 1))[0]["shingles"] == 1
    drums = tune(1, 2).with_(tracks=(Track("", 0, True),))
    assert signature(drums)[0]["shingles"] == 0
