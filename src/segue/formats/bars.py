"""What readers of printed music share: the ticks they count in, and bar lines as metre events."""

from __future__ import annotations

from collections.abc import Iterable

LEAST_TICKS_PER_BEAT = 480
MOST_TICKS_PER_BEAT = 30_240
"""A MIDI file counts up to 32,767; this one divides by 2 to the fifth, 27, 5 and 7."""


def metre_rows(
    bars: Iterable[tuple[int, int, int, int]], ticks_per_beat: int
) -> list[tuple[int, int, int]]:
    """Rows for `Score.metres` out of bars as (onset, length, numerator, denominator), in ticks.

    So that bars counted from the Score are the page's, a metre is told where it changes, and told
    again where a full bar begins off the bars counted so far: a short bar then shifts the count
    for itself alone, while the two halves of a bar that a repeat cuts (an upbeat and the bar that
    lacks it) still make up one.
    """
    rows: list[tuple[int, int, int]] = []
    for onset, length, over, under in bars:
        full = 4 * ticks_per_beat * over // under
        if not rows or rows[-1][1:] != (over, under):
            if rows and rows[-1][0] == onset:
                rows.pop()
            # An upbeat lies at the end of a first bar that begins at 0.
            rows.append((onset if rows else 0, over, under))
        elif length == full and full and (onset - rows[-1][0]) % full:
            rows.append((onset, over, under))
    return rows
