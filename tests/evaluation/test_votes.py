"""Statistics of blind listening, beside values worked out by hand or printed in textbooks."""

from __future__ import annotations

import math

import pytest

from segue.evaluation.votes import Duel, Vote, duels, sign_test, strengths, wilson


def many(one: str, other: str, wins: int, losses: int, draws: int = 0) -> list[Vote]:
    return (
        [Vote(one, other, one)] * wins
        + [Vote(other, one, other)] * losses
        + [Vote(one, other, None)] * draws
    )


def test_wilson_of_eight_in_ten() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_sign_test_is_that_of_fair_coins() -> None:
    assert sign_test(9, 1) == pytest.approx(22 / 1024)
    assert sign_test(5, 5) == 1.0
    assert sign_test(0, 0) == 1.0
    assert sign_test(1, 9) == sign_test(9, 1)


def test_duels_count_both_orders_and_leave_draws_out_of_the_share() -> None:
    (duel,) = duels(many("b", "a", 3, 1, draws=2))
    assert duel == Duel("a", "b", wins=1, losses=3, draws=2)
    assert duel.share == 0.25
    assert math.isnan(Duel("a", "b", 0, 0, 4).share)


def test_two_contestants_are_as_strong_as_their_shares() -> None:
    found = strengths(many("a", "b", 74, 25))  # with the half lent to both: 74.5 to 25.5
    assert found["a"][0] == pytest.approx(0.745)
    assert found["a"][0] + found["b"][0] == pytest.approx(1.0)
    assert found["a"][1] < 0.745 < found["a"][2]
    assert found["a"][2] - found["a"][1] == pytest.approx(2 * 1.96 * 0.0434, abs=0.03)


def test_strength_is_handed_on_where_two_never_met() -> None:
    found = strengths([*many("a", "b", 60, 20), *many("b", "c", 60, 20)])
    assert found["a"][0] > found["b"][0] > found["c"][0]
    odds = 60.5 / 20.5
    against = (odds / (1 + odds) + odds**2 / (1 + odds**2)) / 2
    assert found["a"][0] == pytest.approx(against, abs=1e-3)


def test_an_unbeaten_one_is_strong_and_finite() -> None:
    share, low, high = strengths(many("a", "b", 4, 0))["a"]
    assert share == pytest.approx(0.9)
    assert 0 < low <= share <= high < 1


def test_draws_are_half_a_win_and_no_votes_say_nothing() -> None:
    assert strengths(many("a", "b", 0, 0, draws=5))["a"][0] == pytest.approx(0.5)
    assert strengths([]) == {}
    assert duels([]) == []


def test_a_vote_for_neither_is_refused() -> None:
    with pytest.raises(ValueError, match="the winner is"):
        Vote("a", "b", "c")
    with pytest.raises(ValueError, match="the winner is"):
        Vote("a", "a", "a")
