"""What blind listening says: who wins, how surely, and how strong each is against all.

A vote names two contestants and the one preferred, or neither. Shares of wins come with Wilson's
interval (1927) and the exact sign test, which leave draws out; strengths are those of Bradley and
Terry (1952), in which a draw is half a win for both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054
_ROUNDS = 500
_DRAWS = 1000


@dataclass(frozen=True)
class Vote:
    """Two contestants that were heard, and the one preferred; None for a draw."""

    one: str
    other: str
    winner: str | None

    def __post_init__(self) -> None:
        if self.winner not in (None, self.one, self.other) or self.one == self.other:
            raise ValueError(f"of {self.one!r} and {self.other!r} the winner is {self.winner!r}.")


@dataclass(frozen=True)
class Duel:
    """How two contestants did against each other."""

    one: str
    other: str
    wins: int
    losses: int
    draws: int

    @property
    def share(self) -> float:
        """`one`'s share of the votes that were no draw; NaN without any."""
        decided = self.wins + self.losses
        return self.wins / decided if decided else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson(self.wins, self.wins + self.losses)

    @property
    def p(self) -> float:
        """The exact two-sided sign test: how likely such a share is if both are alike."""
        return sign_test(self.wins, self.losses)


def wilson(wins: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    share, square = wins / of, Z_95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z_95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def sign_test(wins: int, losses: int) -> float:
    """The two-sided probability of so uneven a result of fair coins; 1 without votes."""
    total, least = wins + losses, min(wins, losses)
    tail = sum(math.comb(total, k) for k in range(least + 1))
    return min(1.0, 2 * tail / 2**total)


def duels(votes: Sequence[Vote]) -> list[Duel]:
    """Every pair that was heard, in the order of names."""
    pairs = sorted({tuple(sorted((vote.one, vote.other))) for vote in votes})
    found = []
    for one, other in pairs:
        winners = [v.winner for v in votes if {v.one, v.other} == {one, other}]
        found.append(
            Duel(one, other, winners.count(one), winners.count(other), winners.count(None))
        )
    return found


def strengths(votes: Sequence[Vote], *, seed: int = 0) -> dict[str, tuple[float, float, float]]:
    """For each contestant how often it would win against the average of the others, low and high.

    The interval, of 95 %, is drawn over votes. A contestant that always wins would be infinitely
    strong: half a win and half a loss are lent to every pair that was heard.
    """
    if not votes:
        return {}
    names = sorted({name for vote in votes for name in (vote.one, vote.other)})
    number = {name: i for i, name in enumerate(names)}
    rows = [(number[v.one], number[v.other], _points(v)) for v in votes]
    table = np.array(rows, np.float64).reshape(-1, 3)
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(table), (_DRAWS, len(table)))
    drawn = np.array([_against_all(table[pick], table, len(names)) for pick in picks])
    told = _against_all(table, table, len(names))
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return {n: (float(told[i]), float(low[i]), float(high[i])) for n, i in number.items()}


def _points(vote: Vote) -> float:
    return 0.5 if vote.winner is None else float(vote.winner == vote.one)


def _against_all(
    rows: NDArray[np.float64], heard: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Shape (contestants,): the chance of each against one of the others drawn blindly."""
    wins = np.zeros((count, count))
    one, other = rows[:, 0].astype(int), rows[:, 1].astype(int)
    np.add.at(wins, (one, other), rows[:, 2])
    np.add.at(wins, (other, one), 1 - rows[:, 2])
    lent = np.zeros((count, count))
    lent[heard[:, 0].astype(int), heard[:, 1].astype(int)] = 0.5
    strength = _fitted(wins + np.maximum(lent, lent.T))
    chance = strength[:, None] / (strength[:, None] + strength[None])
    np.fill_diagonal(chance, 0)
    return np.asarray(chance.sum(axis=1) / max(count - 1, 1))


def _fitted(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bradley and Terry's strengths by minorisation (Hunter, 2004): their geometric mean is 1."""
    games = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(_ROUNDS):
        each = (games / (strength[:, None] + strength[None])).sum(axis=1)
        fitted = wins.sum(axis=1) / np.maximum(each, 1e-12)
        fitted /= np.exp(np.log(np.maximum(fitted, 1e-12)).mean())
        done = bool(np.abs(fitted - strength).max() < 1e-9)
        strength = fitted
        if done:
            break
    return np.asarray(strength)
