"""Bar lines as events: where each bar begins, and its metre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

METRES = (
    (2, 4), (3, 4), (4, 4), (6, 8), (2, 2), (3, 8), (9, 8), (12, 8), (5, 4), (3, 2), (6, 4),
)  # fmt: skip
OTHER = len(METRES)
SIZE = len(METRES) + 1


def symbol(numerator: int, denominator: int) -> int:
    """The symbol of a metre; `OTHER` for one that is not among `METRES`."""
    metre = (numerator, denominator)
    return METRES.index(metre) if metre in METRES else OTHER


def lines(metres: Ints, steps_per_beat: int, last: int) -> tuple[Ints, Ints]:
    """Steps of the bar lines from 0 to step `last`, and the symbol of the metre that each opens.

    `metres`, shape (changes, 3), are steps, numerators and denominators, in order; 4/4 holds before
    the first. A change of metre inside a bar starts a new bar there. Of bar lines that fall on one
    step, of very short bars, the last counts.
    """
    if not len(metres) or metres[0, 0] > 0:
        metres = np.concatenate([[[0, 4, 4]], metres.reshape(-1, 3)])
    until = np.append(metres[1:, 0], last + 1)
    steps, symbols = [], []
    for (begin, over, under), end in zip(metres.tolist(), until.tolist(), strict=True):
        bar = over * 4 * steps_per_beat / under
        at = begin + bar * np.arange(max(int(np.ceil((min(end, last + 1) - begin) / bar)), 0))
        steps.append(np.rint(at).astype(np.int64))
        symbols.append(np.full(len(at), symbol(over, under)))
    step, metre = np.concatenate(steps), np.concatenate(symbols)
    kept = (np.append(step[1:] != step[:-1], True) if len(step) else step > 0) & (step <= last)
    return step[kept], metre[kept]
