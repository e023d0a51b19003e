"""Loops: damped once they have lasted, and nothing else is."""

from __future__ import annotations

import numpy as np

from segue import encodings
from segue.generation.loops import Loops, loop_steps

COMPOUND = encodings.get("compound", steps_per_beat=4, velocity_bins=4)
STEP = 3
"""The first onset symbol that is a step."""


def note(gap: int, pitch: int) -> list[int]:
    return [STEP + gap, 0, pitch, 3, 1]


def after(rows: list[list[int]], steps: int) -> Loops:
    loops = Loops(COMPOUND, 1, steps)
    for row in rows:
        loops.accept(np.array([row]))
    return loops


def pitches_damped(loops: Loops, onset: int) -> list[int]:
    row = np.array([[STEP + onset, 0, 0, 0, 0]])
    penalties = loops.penalties(2, row, COMPOUND.layout.sizes[2])
    return [] if penalties is None else np.flatnonzero(penalties[0]).tolist()


def test_what_would_carry_a_long_loop_on_is_damped() -> None:
    figure = [note(4, p) for p in (60, 64, 67, 72)]
    loops = after(figure * 3, steps=16)  # 32 steps are a repetition
    assert pitches_damped(loops, onset=4) == [60]
    assert pitches_damped(loops, onset=2) == [], "another onset is not the loop"


def test_a_longer_loop_costs_more() -> None:
    figure = [note(4, p) for p in (60, 64, 67, 72)]
    row = np.array([note(4, 60)])
    costs = []
    for times in (3, 4, 6):
        penalties = after(figure * times, steps=16).penalties(2, row, 128)
        assert penalties is not None
        costs.append(penalties[0, 60])
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_a_chord_struck_again_is_no_loop_yet() -> None:
    chord = [note(4, 60), note(0, 64), note(0, 67)]
    assert pitches_damped(after(chord * 4, steps=32), onset=4) == []


def test_music_that_does_not_repeat_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    line = [
        note(int(g), int(p))
        for g, p in zip(rng.integers(1, 9, 99), rng.integers(40, 90, 99), strict=True)
    ]
    assert pitches_damped(after(line, steps=8), onset=4) == []


def test_takes_are_watched_apart() -> None:
    loops = Loops(COMPOUND, 2, 8)
    for i in range(16):
        loops.accept(np.array([note(4, 60), note(4, 40 + i)]))
    row = np.array([note(4, 60), note(4, 60)])
    penalties = loops.penalties(2, row, 128)
    assert penalties is not None
    assert penalties[0, 60] > 0
    assert not penalties[1].any()


def test_beats_are_steps_of_the_encoding() -> None:
    assert loop_steps(COMPOUND, 8) == 32
    seconds = encodings.get("compound", unit="seconds", steps_per_second=100)
    assert loop_steps(seconds, 8) == 400


def test_a_long_take_is_watched_to_its_end() -> None:
    rng = np.random.default_rng(0)
    line = [note(int(g), int(p)) for g, p in rng.integers([1, 40], [9, 90], (600, 2))]
    figure = [note(4, p) for p in (60, 64, 67, 72)]
    loops = after([*line, *figure * 3], steps=16)
    assert pitches_damped(loops, onset=4) == [60]
    loops.accept(np.array([note(4, 60)]))
    assert pitches_damped(loops, onset=4) == [64]
    loops.accept(np.array([note(4, 50)]))
    assert pitches_damped(loops, onset=4) == []
