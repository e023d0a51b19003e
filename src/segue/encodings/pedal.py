"""The sustain pedal as presses and releases, one each a change of state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segue.score import SUSTAIN_PEDAL, Score

Ints = NDArray[np.int64]

UP, DOWN = 0, 1
DOWN_FROM = 64


def changes(score: Score, slot_of: Ints) -> tuple[Ints, Ints, Ints]:
    """Tick, slot and state (`UP` or `DOWN`) of each change, slot by slot in time's order.

    `slot_of`, shape (tracks,), says which pedal each track's events move; negative for none.
    Values from 64 are down, as General MIDI has it; a pedal is up until it is first pressed.
    """
    events = score.controls[score.controls["number"] == SUSTAIN_PEDAL]
    slot = slot_of[events["track"]]
    order = np.argsort(slot, kind="stable")
    order = order[slot[order] >= 0]
    tick, slot = events["onset"][order], slot[order]
    down = (events["value"][order] >= DOWN_FROM).astype(np.int64)
    first = np.append(True, slot[1:] != slot[:-1])[: len(slot)]
    before = np.where(first, UP, np.append(UP, down[:-1])[: len(down)])
    changed = down != before
    return tick[changed], slot[changed], down[changed]


def on_steps(step: Ints, slot: Ints, state: Ints) -> tuple[Ints, Ints, Ints]:
    """Changes (slot by slot, in order) so that each step holds at most a release and a press.

    A pedal let go and pressed again within a step keeps both; pressed and let go within a step
    is no change at all.
    """
    if not len(step):
        return step, slot, state
    first = np.append(True, (step[1:] != step[:-1]) | (slot[1:] != slot[:-1]))
    begins = np.flatnonzero(first)
    ends = np.append(begins[1:], len(step)) - 1
    released, pressed = state[begins] == UP, state[ends] == DOWN
    slots, steps = slot[begins], step[begins]
    return (
        np.concatenate([steps[released], steps[pressed]]),
        np.concatenate([slots[released], slots[pressed]]),
        np.repeat([UP, DOWN], [released.sum(), pressed.sum()]),
    )
