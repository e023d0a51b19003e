"""Given rows: they come when it is their time, before what is drawn of the same place or later."""

from __future__ import annotations

import numpy as np
import pytest

from segue import encodings
from segue.encodings.compound import Compound
from segue.encodings.compound_variants import END, REST, STEP
from segue.generation.given import Given

ENCODING = encodings.get("compound", steps_per_beat=2, longest_step=6)
assert isinstance(ENCODING, Compound)


def plainly(
    drawn: list[int], due: list[int], at: int | None, position: int, forced: bool
) -> list[int]:
    """What is played of one take's row, by the rule: the earlier of two places comes first."""
    if at is None:
        return drawn
    gap = at - position
    if not forced:
        if drawn[0] < REST:
            return drawn
        if drawn[0] == REST and gap > ENCODING.reach:
            return drawn
        if drawn[0] >= STEP and (gap, *due[1:3]) > (drawn[0] - STEP, *drawn[1:3]):
            return drawn
    return [REST, 0, 0, 0, 0] if gap > ENCODING.reach else [STEP + gap, *due[1:]]


@pytest.mark.parametrize("takes", [1, 2, 16])
@pytest.mark.parametrize("forcing", [False, True])
def test_each_take_gets_what_is_due(takes: int, forcing: bool) -> None:
    chance = np.random.default_rng(takes)
    rows = np.stack([np.zeros(40, int), *chance.integers(0, [2, 4, 9, 9], (40, 4)).T], axis=1)
    at = np.sort(chance.integers(0, 90, 40))
    given = Given(ENCODING, takes, rows, at)
    position = np.zeros(takes, np.int64)
    played = [0] * takes
    for _ in range(120):
        drawn = np.zeros((takes, 5), np.int64)
        drawn[:, 0] = chance.choice([END, REST, *range(STEP, STEP + 7)], takes)
        notes = drawn[:, 0] >= STEP
        drawn[notes, 1:] = chance.integers(0, [2, 4, 9, 9], (int(notes.sum()), 4))
        forced = (chance.random(takes) < 0.2) & forcing
        settled = given.settle(drawn, position, forced if forcing else None)
        for take, following in enumerate(played):
            due = rows[min(following, 39)].tolist()
            when = int(at[following]) if following < 40 else None
            row = drawn[take].tolist()
            expected = plainly(row, due, when, int(position[take]), bool(forced[take]))
            assert settled[take].tolist() == expected
            if expected != row and expected[0] != REST:
                played[take] += 1
            elif expected == row and given.played[take] > following:
                played[take] += 1  # given and drawn were one and the same
        assert given.played.tolist() == played
        # Mostly on to what was played, now and then past what is due: it comes late.
        moved = np.maximum(settled[:, 0] - STEP, 0)
        position = position + moved * (chance.random(takes) < 0.8)
