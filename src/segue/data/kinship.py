"""Which pieces of a corpus are alike: near duplicates, and kin that must stay in one split.

Locality-sensitive hashing: a signature is cut into bands of a few values, and only pieces that
agree in a whole band are compared. Source: Leskovec, Rajaraman and Ullman, "Mining of Massive
Datasets", chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.data.fingerprint import HASHES, SIGNATURE
from segue.data.shuffle import mix

Ints = NDArray[np.int64]

NEAR = 0.9
"""From this similarity on two pieces are near duplicates: the same notes but for a few."""

KIN = 0.4
"""From here on they are kin: an edit, an arrangement, another performance of one work."""

# A part of a longer piece, such as a movement of a sonata, is kin where so much of it lies inside,
# at such a similarity, and it has so many shingles that this is no accident.
_CONTAINED, _CONTAINED_KIN, _CONTAINED_FEWEST = 0.8, 0.25, 32

# Fewer shingles tell too little: two jingles may both climb a scale.
_FEWEST = 12

# With 42 bands of 3, pieces of similarity 0.4 are compared with a probability of 0.94, of 0.5 and
# more of 0.996, and unrelated ones (0.05) of 0.005.
_ROWS = 3
_BANDS = HASHES // _ROWS

# Where more pieces agree in a band, each is compared with the next only: they are all alike.
_CROWD = 64
_COMPARED = 1 << 16


class Pairs(NamedTuple):
    """Pieces alike: indices `first` < `second` and `similarity`, each of shape (pairs,)."""

    first: Ints
    second: Ints
    similarity: NDArray[np.float64]


def alike(signatures: NDArray[np.void]) -> Pairs:
    """The kin among pieces with `signatures`, dtype SIGNATURE, shape (pieces,), sorted.

    Reads a memory map block by block; what it keeps is a few dozen bytes a piece and a pair.
    """
    if signatures.dtype != SIGNATURE:
        raise ValueError(f"signatures came as {signatures.dtype}; {SIGNATURE} is allowed.")
    told = np.flatnonzero(signatures["shingles"] >= _FEWEST)
    found = [np.zeros(0, np.int64)]
    for band in range(_BANDS):
        keys = _band_keys(signatures, told, band)
        order = np.argsort(keys, kind="stable")
        pairs = np.unique(
            np.concatenate(
                [a * len(signatures) + b for a, b in _together(keys[order], told[order])]
                or [np.zeros(0, np.int64)]
            )
        )
        found.append(pairs[_are_kin(signatures, pairs)])
    kin = np.unique(np.concatenate(found))
    first, second = np.divmod(kin, max(len(signatures), 1))
    return Pairs(first, second, _similarity(signatures, first, second))


def _band_keys(signatures: NDArray[np.void], told: Ints, band: int) -> NDArray[np.uint64]:
    keys = np.zeros(len(told), np.uint64)
    for start in range(0, len(told), _COMPARED):
        part = told[start : start + _COMPARED]
        for row in range(band * _ROWS, (band + 1) * _ROWS):
            value = signatures["minima"][part, row].astype(np.uint64)
            keys[start : start + _COMPARED] = mix(keys[start : start + _COMPARED] ^ value)
    return keys


def _together(keys: NDArray[np.uint64], pieces: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of pieces with equal keys, the lower first; `keys` sorted, ties in order of piece."""
    run = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    length = np.diff(np.append(run, len(keys)))
    place = np.arange(len(keys)) - np.repeat(run, length)
    crowded = np.repeat(length > _CROWD, length)
    for back in range(1, min(int(length.max(initial=1)), _CROWD)):
        later = np.flatnonzero((place >= back) & (~crowded | (back == 1)))
        yield pieces[later - back], pieces[later]


def _are_kin(signatures: NDArray[np.void], pairs: Ints) -> NDArray[np.bool_]:
    first, second = np.divmod(pairs, max(len(signatures), 1))
    similarity = _similarity(signatures, first, second)
    sizes = signatures["shingles"].astype(np.float64)
    both, smaller = sizes[first] + sizes[second], np.minimum(sizes[first], sizes[second])
    contained = similarity * both / ((1 + similarity) * np.maximum(smaller, 1))
    inside = (contained >= _CONTAINED) & (similarity >= _CONTAINED_KIN)
    return np.asarray((similarity >= KIN) | (inside & (smaller >= _CONTAINED_FEWEST)))


def _similarity(signatures: NDArray[np.void], first: Ints, second: Ints) -> NDArray[np.float64]:
    minima = signatures["minima"]
    found = np.zeros(len(first))
    for start in range(0, len(first), _COMPARED // 16):
        part = slice(start, start + _COMPARED // 16)
        found[part] = (minima[first[part]] == minima[second[part]]).mean(axis=1)
    return found


def families(pieces: int, first: Ints, second: Ints) -> Ints:
    """Shape (pieces,): for each piece the first of those it hangs together with through pairs."""
    head = np.arange(pieces)
    while True:
        least = np.minimum(head[first], head[second])
        np.minimum.at(head, head[first], least)
        np.minimum.at(head, head[second], least)
        shorter = head[head]
        while not np.array_equal(shorter, head):
            head, shorter = shorter, shorter[shorter]
        if np.array_equal(head[first], head[second]):
            return head
