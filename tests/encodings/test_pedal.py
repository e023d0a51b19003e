import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.encodings.pedal import DOWN, UP, changes, on_steps
from segue.score import CONTROL, Score, Track, events


def found(*values, slots=(0,)):
    rows = [(tick, track, 64, value) for tick, track, value in values]
    score = Score(480, controls=events(CONTROL, rows), tracks=(Track(),) * len(slots))
    return list(zip(*(a.tolist() for a in changes(score, np.array(slots))), strict=True))


def test_only_changes_of_state_count():
    # A half-pedal's ramp crosses 64 once on the way down and once on the way up.
    ramp = [(0, 0, 0), (1, 0, 40), (2, 0, 64), (3, 0, 127), (9, 0, 70), (10, 0, 63), (11, 0, 0)]
    assert found(*ramp) == [(2, 0, DOWN), (10, 0, UP)]


def test_each_slot_has_a_pedal_and_tracks_without_one_have_none():
    events = [(0, 0, 127), (5, 1, 127), (6, 2, 127), (7, 0, 0), (8, 1, 0)]
    assert found(*events, slots=(1, 0, -1)) == [(5, 0, DOWN), (8, 0, UP), (0, 1, DOWN), (7, 1, UP)]


def test_tracks_of_one_slot_move_one_pedal():
    assert found((0, 0, 127), (5, 1, 127), (6, 0, 0), slots=(0, 0)) == [(0, 0, DOWN), (6, 0, UP)]


def on(*moves):
    step, state = (np.array(column, np.int64) for column in zip(*moves, strict=True))
    got = on_steps(step, np.zeros(len(step), np.int64), state)
    return sorted(zip(got[0].tolist(), got[2].tolist(), strict=True))


def test_a_pedal_pressed_and_let_go_within_a_step_is_none():
    assert on((0, DOWN), (0, UP), (4, DOWN)) == [(4, DOWN)]


def test_a_pedal_changed_within_a_step_is_let_go_and_pressed():
    assert on((0, DOWN), (4, UP), (4, DOWN), (9, UP)) == [(0, DOWN), (4, UP), (4, DOWN), (9, UP)]


@given(st.lists(st.integers(0, 10), max_size=20))
def test_presses_and_releases_always_alternate(steps):
    steps.sort()
    if not steps:
        return
    moves = on(*((step, (i + 1) % 2) for i, step in enumerate(steps)))
    states = [state for _, state in moves]
    assert states == [(i + 1) % 2 for i in range(len(states))]
