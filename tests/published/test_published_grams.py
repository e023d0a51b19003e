"""The n-gram: probabilities that sum to one, and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from bench.published.grams import Grams


def piece(*symbols: int) -> np.ndarray:
    return np.array(symbols, np.int16)[:, None]


def test_what_can_follow_a_context_sums_to_one() -> None:
    """Contexts that were heard, one that was not, and an unheard symbol among those that follow."""
    rng = np.random.default_rng(0)
    grams = Grams([rng.integers(0, 4, (60, 1)) for _ in range(3)], order=3, symbols=5)
    for context in ((0, 1), (3, 3), (4, 4)):
        total = 0.0
        for last in range(5):
            given = grams.nats([piece(*context, last)]) * 2 - grams.nats([piece(*context)])
            total += np.exp(-given)
        assert total == pytest.approx(1.0)


def test_a_unigram_by_hand() -> None:
    """Counts 3, 1, 1 and 2, 0: of once 2 and twice 1 the discount is a half."""
    grams = Grams([piece(0, 0, 0, 1, 2, 3, 3)], order=1, symbols=5)
    below = 0.5 * 4 / 7 / 5
    wanted = [(3 - 0.5) / 7 + below, (1 - 0.5) / 7 + below, below]
    for symbol, chance in zip((0, 1, 4), wanted, strict=True):
        assert grams.nats([piece(0, symbol)]) == pytest.approx(-np.log(chance))


def test_what_was_learned_by_heart_is_likelier_with_a_longer_memory() -> None:
    tune = [piece(*([0, 1, 0, 2, 0, 3] * 40))]
    nats = [Grams(tune, order, 4).nats(tune) for order in (1, 2, 3)]
    assert nats[0] > nats[1] > nats[2]
    assert nats[2] < 0.2


def test_the_longest_grams_fit_a_number() -> None:
    assert 631**5 < 2**63
