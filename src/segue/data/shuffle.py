"""Seeded shuffles that hold no list: a bijection of 0 .. total-1 computed where it is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

_ROUNDS = 6


def mix(values: Numbers) -> Numbers:
    """A well-mixed 64-bit number for each value, same shape: the finaliser of SplitMix64.

    Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def keyed(seed: int, *parts: NDArray[np.int64]) -> Numbers:
    """A mixed number for each combination of `parts`, arrays of one shape, under `seed`."""
    key = np.full(parts[0].shape, seed % 2**64, np.uint64)
    for part in parts:
        key = mix(key ^ mix(part.astype(np.uint64)))
    return key


def shuffled(
    positions: NDArray[np.int64], total: int, epochs: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Where each position of 0 .. total-1 goes in the shuffle of its epoch; all shape (n,).

    A Feistel network over the smallest even number of bits that holds `total`, walked on until
    it lands inside: a bijection for every seed and epoch (Black and Rogaway, "Ciphers with
    arbitrary finite domains", 2002).
    """
    half = np.uint64(max((int(total - 1).bit_length() + 1) // 2, 1))
    keys = [keyed(seed, epochs, np.full_like(epochs, r)) for r in range(_ROUNDS)]
    out = _feistel(positions.astype(np.uint64), keys, half)
    while len(outside := np.flatnonzero(out >= np.uint64(total))):
        out[outside] = _feistel(out[outside], [key[outside] for key in keys], half)
    return out.astype(np.int64)


def _feistel(values: Numbers, keys: list[Numbers], half: np.uint64) -> Numbers:
    low = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & low
    for key in keys:
        left, right = right, left ^ (mix(right ^ key) & low)
    return np.asarray((left << half) | right)
