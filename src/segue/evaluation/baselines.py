"""What a model must beat: uniform, unigram and interpolated bigram likelihoods, in nats a row.

All three score the rows that a model is scored on: every row of each held-out piece but its
first. A row's columns are scored each by itself and summed; column k's bigram is conditioned on
column k of the row before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[np.integer]

_FOLDS = 10
_ROUNDS = 100
_TOLERANCE = 1e-7
# The rows that come before another, and those that come after one.
_CUTS = (slice(None, -1), slice(1, None))


@dataclass(frozen=True)
class Baseline:
    """A baseline's mean negative log-likelihood: `by_column`, in nats, and their sum a row."""

    by_column: tuple[float, ...]

    @property
    def nats(self) -> float:
        """Nats a row."""
        return float(sum(self.by_column))


@dataclass(frozen=True)
class Baselines:
    """The three baselines over `rows` held-out rows.

    `weights[k]` are the bigram's shares in column k, by how often a context was seen in training:
    0 times, once, 2 to 3 times, 4 to 7 and so on.
    """

    uniform: Baseline
    unigram: Baseline
    bigram: Baseline
    rows: int
    weights: tuple[tuple[float, ...], ...]

    def as_dict(self) -> dict[str, float]:
        """Nats a row by name."""
        return {name: getattr(self, name).nats for name in ("uniform", "unigram", "bigram")}


def baselines(train: Sequence[Rows], held_out: Sequence[Rows], sizes: Sequence[int]) -> Baselines:
    """The baselines of a corpus: counted on `train`, scored on `held_out`.

    Each piece has shape (rows, columns) with symbols of column k in 0 to `sizes[k]` - 1.

    The unigram is Witten-Bell smoothed with the uniform distribution: a symbol seen c times among
    n of t types gets (c + t / size) / (n + t), so that an unseen one is never impossible. Source:
    Witten and Bell, IEEE Transactions on Information Theory 37(4), 1991, their method C.

    The bigram is interpolated with that unigram, with a weight for each power of two of the
    context's count. The weights are fitted on training pieces alone by deleted interpolation:
    expectation-maximisation on each tenth of the pieces with counts from the other nine. Source:
    Jelinek and Mercer, Pattern Recognition in Practice, 1980.

    Raises ValueError where no piece of either split has two rows, or for symbols out of range.
    """
    pairs = pairs_of(train, sizes)
    scored = _usable("held-out", held_out, sizes)
    given, asked = (np.concatenate([p[cut] for p in scored]) for cut in _CUTS)
    columns = [_column(each, (given[:, k], asked[:, k])) for k, each in enumerate(pairs)]
    unigram, bigram, weights = zip(*columns, strict=True)
    return Baselines(
        uniform=Baseline(tuple(float(np.log(size)) for size in sizes)),
        unigram=Baseline(unigram),
        bigram=Baseline(bigram),
        rows=len(asked),
        weights=weights,
    )


def pairs_of(train: Sequence[Rows], sizes: Sequence[int]) -> list[Pairs]:
    """The successive symbols of training pieces, column by column; ValueError as `baselines`."""
    counted = _usable("training", train, sizes)
    if len(counted) == 1:
        counted = _halves(counted[0])
    fold = np.repeat(np.arange(len(counted)) % _FOLDS, [len(p) - 1 for p in counted])
    before, after = (np.concatenate([p[cut] for p in counted]) for cut in _CUTS)
    return [Pairs(before[:, k], after[:, k], fold, size) for k, size in enumerate(sizes)]


def _usable(split: str, pieces: Sequence[Rows], sizes: Sequence[int]) -> list[Rows]:
    usable = [np.asarray(p) for p in pieces if len(p) > 1]
    if not usable:
        raise ValueError(f"no {split} piece has two rows: there is nothing to score.")
    for piece in usable:
        if piece.ndim != 2 or piece.shape[1] != len(sizes):
            raise ValueError(f"a {split} piece has shape {piece.shape}, not (rows, {len(sizes)}).")
        top = piece.max(axis=0)
        if piece.min() < 0 or (top >= np.asarray(sizes)).any():
            raise ValueError(f"a {split} piece has symbols up to {top}, past the sizes {sizes}.")
    return usable


def _halves(piece: Rows) -> list[Rows]:
    """A lone piece as two that share the row in the middle, so that one can be left out."""
    middle = len(piece) // 2
    return [piece] if middle < 1 or len(piece) < 3 else [piece[: middle + 1], piece[middle:]]


@dataclass(frozen=True)
class Unigram:
    """Counts of one column's symbols, and the Witten-Bell probabilities that they give."""

    counts: Ints

    def of(self, symbols: Ints) -> Floats:
        """Shape of `symbols`: the probability of each."""
        total, types = int(self.counts.sum()), int((self.counts > 0).sum())
        if not total:
            return np.full(len(symbols), 1 / len(self.counts))
        return np.asarray((self.counts[symbols] + types / len(self.counts)) / (total + types))


class Pairs:
    """The distinct pairs of successive symbols in one column, with their counts a fold.

    `first`, `second` and `counts` have shape (pairs,); a pair is found again by its key
    `first * size + second`, and the keys rise.
    """

    def __init__(self, before: Rows, after: Rows, fold: Ints, size: int) -> None:
        self.size = size
        keys = before.astype(np.int64) * size + after
        self.keys, pair, self.counts = np.unique(keys, return_inverse=True, return_counts=True)
        self.first, self.second = np.divmod(self.keys, size)
        # The pairs of each fold: which pair, which fold, how often.
        places, self.fold_counts = np.unique(pair * _FOLDS + fold, return_counts=True)
        self.fold_pair, self.fold = np.divmod(places, _FOLDS)

    @cached_property
    def unigram(self) -> Unigram:
        """Of the symbols that come second."""
        return Unigram(self._sum(self.second, self.counts))

    @cached_property
    def contexts(self) -> Ints:
        """How often each symbol comes first, shape (size,)."""
        return self._sum(self.first, self.counts)

    def _sum(self, symbols: Ints, counts: Ints) -> Ints:
        return np.bincount(symbols, counts, minlength=self.size).astype(np.int64)

    def weights(self) -> Floats:
        """The bigram's share for each class of context counts, shape (classes,)."""
        classes = int(count_class(self.contexts.max(keepdims=True))[0]) + 1
        bigram, unigram, kind = self._left_out()
        share = np.full(classes, 0.5)
        total = np.bincount(kind, self.fold_counts, minlength=classes)
        for _ in range(_ROUNDS):
            mixed = share[kind] * bigram
            owed = self.fold_counts * mixed / (mixed + (1 - share[kind]) * unigram)
            # One bigram more, owed half and half, keeps a share from reaching 0 or 1.
            fitted = (np.bincount(kind, owed, minlength=classes) + 0.5) / (total + 1)
            done = np.abs(fitted - share).max() < _TOLERANCE
            share = fitted
            if done:
                break
        share[0] = 0.0
        return share

    def _left_out(self) -> tuple[Floats, Floats, Ints]:
        """For each pair of each fold, by the counts of the other folds: both probabilities and
        the class of its context. All have shape (pairs of folds,)."""
        bigram = np.zeros(len(self.fold))
        unigram = np.zeros(len(self.fold))
        kind = np.zeros(len(self.fold), np.int64)
        for fold in np.unique(self.fold).tolist():
            mine = self.fold == fold
            pair, own = self.fold_pair[mine], self.fold_counts[mine]
            first, second = self.first[pair], self.second[pair]
            contexts = self.contexts - self._sum(first, own)
            others = Unigram(self.unigram.counts - self._sum(second, own))
            bigram[mine] = (self.counts[pair] - own) / np.maximum(contexts[first], 1)
            unigram[mine] = others.of(second)
            kind[mine] = count_class(contexts[first])
        return bigram, unigram, kind

    def bigram(self, first: Ints, second: Ints) -> Floats:
        """The maximum-likelihood P(second | first); 0 for a pair or context never seen."""
        keys = first * self.size + second
        place = np.clip(np.searchsorted(self.keys, keys), 0, len(self.keys) - 1)
        seen = np.where(self.keys[place] == keys, self.counts[place], 0)
        return np.asarray(seen / np.maximum(self.contexts[first], 1))


def count_class(counts: Ints) -> Ints:
    """0 for 0, 1 for 1, 2 for 2 to 3, 3 for 4 to 7: the number of binary digits."""
    return np.asarray(np.frexp(counts.astype(np.float64))[1], np.int64)


def _column(pairs: Pairs, held_out: tuple[Rows, Rows]) -> tuple[float, float, tuple[float, ...]]:
    """Mean nats of the unigram and the bigram on one held-out column, and the bigram's weights."""
    first, second = (each.astype(np.int64) for each in held_out)
    weights = pairs.weights()
    share = weights[count_class(pairs.contexts[first])]
    unigram = pairs.unigram.of(second)
    mixed = share * pairs.bigram(first, second) + (1 - share) * unigram
    return (
        float(-np.log(unigram).mean()),
        float(-np.log(mixed).mean()),
        tuple(weights.tolist()),
    )
