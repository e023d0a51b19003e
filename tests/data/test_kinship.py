"""Finding pieces alike by their signatures: all of them, and no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import tune

from segue.data.fingerprint import SIGNATURE, signature
from segue.data.kinship import KIN, NEAR, alike, families
from segue.score import transpose


def signatures(scores):
    return np.concatenate([signature(score) for score in scores])


def random_signatures(count, seed=0):
    found = np.zeros(count, SIGNATURE)
    found["minima"] = np.random.default_rng(seed).integers(0, 2**32, (count, 128), np.uint32)
    found["shingles"] = 500
    return found


def with_shared(found, one, two, share, seed=0):
    same = np.random.default_rng(seed).permutation(128) < round(128 * share)
    found["minima"][two][same] = found["minima"][one][same]


def test_copies_edits_and_cuts_are_found_and_others_are_not():
    scores = [tune(n, 300) for n in range(12)]
    edited = scores[3].notes.copy()
    edited["pitch"][::60] += 1
    scores += [
        transpose(scores[1], 5),
        scores[3].with_(notes=edited),
        scores[7].with_(notes=scores[7].notes[:116]),
    ]
    found = alike(signatures(scores))
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == [(1, 12), (3, 13), (7, 14)]
    assert found.similarity[0] == 1
    assert KIN < found.similarity[1] < NEAR
    assert found.similarity[2] < KIN, "a part of it, found by how much of it lies inside"


@pytest.mark.parametrize(("share", "least"), [(0.5, 0.98), (0.7, 1.0)])
def test_nearly_all_kin_are_compared(share, least):
    found = random_signatures(400)
    for n in range(0, 400, 2):
        with_shared(found, n, n + 1, share, seed=n)
    pairs = alike(found)
    assert len(pairs.first) >= 200 * least
    assert (pairs.first % 2 == 0).all()
    assert np.allclose(pairs.similarity, share, atol=0.01)


def test_what_is_not_alike_enough_is_not_reported():
    found = random_signatures(200)
    for n in range(0, 200, 2):
        with_shared(found, n, n + 1, 0.3, seed=n)
    assert not len(alike(found).first)


def test_pieces_with_few_shingles_are_left_alone():
    found = random_signatures(2)
    found["minima"][1] = found["minima"][0]
    assert len(alike(found).first) == 1
    found["shingles"] = 11
    assert not len(alike(found).first)


def test_a_crowd_of_copies_is_one_family_without_all_its_pairs():
    found = random_signatures(500)
    found["minima"][100:400] = found["minima"][100]
    pairs = alike(found)
    assert len(pairs.first) == 299
    heads = families(500, pairs.first, pairs.second)
    assert (heads[100:400] == 100).all()
    assert np.array_equal(heads[:100], np.arange(100))


def test_nothing_is_alike_in_nothing():
    assert not len(alike(np.zeros(0, SIGNATURE)).first)
    with pytest.raises(ValueError, match="signatures came as"):
        alike(np.zeros(3, np.dtype("u4")))


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_families_hang_together_through_pairs(pairs):
    """Against the plain way: walk from piece to piece until nothing new comes."""
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    heads = families(20, first, second)
    for piece in range(20):
        reached, before = {piece}, 0
        while len(reached) > before:
            before = len(reached)
            reached |= {b for a, b in pairs if a in reached} | {a for a, b in pairs if b in reached}
        assert heads[piece] == min(reached)
