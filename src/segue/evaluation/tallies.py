"""What training music counted: all that the baselines need, small enough to travel in a bundle.

Five predictors that have learned next to nothing, in nats of any row given the one before it.
Letters: T rows, C columns.

- uniform: every symbol of a column alike;
- unigram: as often as in training (Witten-Bell);
- bigram: after the symbol before it in its column, mixed with the unigram (`baselines`);
- copy-last: that the symbol stays, with the probability with which it did in training, else any
  other;
- all-zero: symbol 0 (in a roll: silence) with its share in training, else any other.

The last two are what "nothing changes" and "nothing sounds" are worth at their best odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.evaluation.baselines import Rows, Unigram, count_class, pairs_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NAMES = ("uniform", "unigram", "bigram", "copy-last", "all-zero")


@dataclass(frozen=True)
class ColumnTally:
    """Successive symbols of one column of `size` symbols: `keys` (first * size + second, rising),
    their `counts`, and the bigram's `weights` by how often a context was seen."""

    size: int
    keys: Ints
    counts: Ints
    weights: Floats

    @cached_property
    def _contexts(self) -> Ints:
        return self._sum(self.keys // self.size)

    @cached_property
    def _unigram(self) -> Unigram:
        return Unigram(self._sum(self.keys % self.size))

    def _sum(self, symbols: Ints) -> Ints:
        return np.bincount(symbols, self.counts, minlength=self.size).astype(np.int64)

    def _share(self, which: NDArray[np.bool_]) -> float:
        return float((self.counts[which].sum() + 0.5) / (self.counts.sum() + 1))

    def nats(self, before: Ints, after: Ints) -> dict[str, Floats]:
        """(T,) nats of symbols `after` those `before`, by each predictor of `NAMES`."""
        unigram = self._unigram.of(after)
        key = before * self.size + after
        place = np.clip(np.searchsorted(self.keys, key), 0, len(self.keys) - 1)
        seen = np.where(self.keys[place] == key, self.counts[place], 0)
        contexts = self._contexts[before]
        known = np.minimum(count_class(contexts), len(self.weights) - 1)
        share = self.weights[known]
        bigram = share * seen / np.maximum(contexts, 1) + (1 - share) * unigram
        first, second = self.keys // self.size, self.keys % self.size
        return {
            "uniform": np.full(len(after), np.log(self.size)),
            "unigram": -np.log(unigram),
            "bigram": -np.log(bigram),
            "copy-last": self._one_or_other(after == before, self._share(first == second)),
            "all-zero": self._one_or_other(after == 0, self._share(second == 0)),
        }

    def _one_or_other(self, is_one: NDArray[np.bool_], share: float) -> Floats:
        """Nats of one symbol at its share, or of any of the others at an even part of the rest."""
        if self.size == 1:
            return np.zeros(len(is_one))
        rest = (1 - share) / (self.size - 1)
        return np.where(is_one, -np.log(share), -np.log(rest))


@dataclass(frozen=True)
class Tallies:
    """The tallies of all columns."""

    columns: tuple[ColumnTally, ...]

    @classmethod
    def of(cls, train: Sequence[Rows], sizes: Sequence[int]) -> Tallies:
        """Count training pieces, (rows, columns) each; ValueError as `baselines`."""
        pairs = pairs_of(train, sizes)
        return cls(tuple(ColumnTally(p.size, p.keys, p.counts, p.weights()) for p in pairs))

    def nats(self, rows: Rows) -> dict[str, Floats]:
        """(T - 1, C) nats of each row but the first, by each predictor of `NAMES`."""
        wide = np.asarray(rows, np.int64)
        each = [column.nats(wide[:-1, k], wide[1:, k]) for k, column in enumerate(self.columns)]
        return {name: np.stack([one[name] for one in each], axis=1) for name in NAMES}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As arrays to be stored: all columns' pairs and weights end to end, and their lengths."""
        columns = self.columns
        return {
            "sizes": np.array([c.size for c in columns], np.int32),
            "pairs": np.array([len(c.keys) for c in columns], np.int32),
            "classes": np.array([len(c.weights) for c in columns], np.int32),
            "keys": np.concatenate([c.keys for c in columns]),
            "counts": np.concatenate([c.counts for c in columns]).astype(np.int64),
            "weights": np.concatenate([c.weights for c in columns]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Tallies:
        """What `arrays` gave; KeyError or ValueError for anything else."""
        sizes, pairs, classes = (arrays[name].tolist() for name in ("sizes", "pairs", "classes"))
        keys, counts = (np.split(arrays[n], np.cumsum(pairs)[:-1]) for n in ("keys", "counts"))
        weights = np.split(arrays["weights"], np.cumsum(classes)[:-1])
        columns = zip(sizes, keys, counts, weights, strict=True)
        return cls(tuple(ColumnTally(int(s), k, c, w) for s, k, c, w in columns))
