"""A take whose time does not move on has to, or ends, however long it was meant to be."""

import numpy as np

from segue import encodings
from segue.generation.guides import RESTLESS, STANDSTILL, Steps

NES = encodings.get("nes_events")
WAIT, NOTE_ON, OTHER = 0, 400, 620


def guide() -> Steps:
    return Steps(NES, 2, np.zeros((0, 1), np.int64), end=10**9)


def rows_until_ended(takes: Steps, rows: list[tuple[int, int]]) -> list[list[bool]]:
    return [takes.accept(np.array(row)[:, None])[1].tolist() for row in rows]


def test_a_take_that_stands_still_ends_and_the_other_goes_on() -> None:
    position = NES.positions(np.array([[NOTE_ON], [WAIT]], np.uint16))
    assert (np.diff(position) > 0).all(), "the second symbol is a wait"
    still, moving = NOTE_ON, WAIT
    told = rows_until_ended(guide(), [(still, moving)] * (STANDSTILL + 2))
    ended = [first for first, _ in told]
    assert ended.index(True) in (STANDSTILL - 1, STANDSTILL)
    assert not any(second for _, second in told)


def test_the_count_begins_anew_when_time_moves_on() -> None:
    half = [(NOTE_ON, NOTE_ON)] * (STANDSTILL // 2 + 10)
    told = rows_until_ended(guide(), [*half, (WAIT, WAIT), *half])
    assert not any(any(row) for row in told)


def test_time_has_to_move_on_after_many_rows_at_one_moment() -> None:
    takes = guide()
    rows_until_ended(takes, [(NOTE_ON, WAIT)] * (RESTLESS - 1))
    assert takes.allowed(0, np.zeros((2, 1), np.int64))[:, OTHER].all()
    rows_until_ended(takes, [(NOTE_ON, WAIT)] * 2)
    mask = takes.allowed(0, np.zeros((2, 1), np.int64))
    assert mask[:, WAIT].all()
    assert mask[:, OTHER].tolist() == [False, True]
    rows_until_ended(takes, [(WAIT, WAIT)])
    assert takes.allowed(0, np.zeros((2, 1), np.int64))[:, OTHER].all()
