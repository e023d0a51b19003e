"""Seeded shuffles that hold no list: a bijection of 0 .. total-1 computed where it is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

# Four rounds of a Feistel network with random functions are a random permutation to any observer
# (Luby and Rackoff, "How to construct pseudorandom permutations", 1988).
_ROUNDS = 4


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

    A Feistel network over the fewest bits that hold `total`, walked on until it lands inside: a
    bijection for every seed and epoch (Black and Rogaway, "Ciphers with arbitrary finite domains",
    2002).
    """
    if not len(positions):
        return positions.astype(np.int64)
    bits = max(int(total - 1).bit_length(), 2)
    # Positions asked for together are of few epochs, and those of one share their keys.
    first, last = int(epochs.min()), int(epochs.max())
    few = last - first < len(epochs)
    which = np.arange(first, last + 1) if few else epochs
    keys = [keyed(seed, which, np.full_like(which, r)) for r in range(_ROUNDS)]
    if few:
        keys = keys if first == last else [key[epochs - first] for key in keys]
    out = _feistel(positions.astype(np.uint64), keys, bits)
    while len(outside := np.flatnonzero(out >= np.uint64(total))):
        theirs = [key if len(key) == 1 else key[outside] for key in keys]
        out[outside] = _feistel(out[outside], theirs, bits)
    return out.astype(np.int64)


def _feistel(values: Numbers, keys: list[Numbers], bits: int) -> Numbers:
    """Halves of `bits` // 2 bits and the rest, which change places at each of an even number."""
    low, high = np.uint64(bits // 2), np.uint64(bits - bits // 2)
    left, right = values >> low, values & _ones(low)
    for key in keys:
        left, right = right, left ^ (mix(right ^ key) & _ones(high))
        low, high = high, low
    return np.asarray((left << low) | right)


def _ones(bits: np.uint64) -> np.uint64:
    return (np.uint64(1) << bits) - np.uint64(1)
