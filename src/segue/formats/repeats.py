"""Repeats unfolded: from the signs a page carries to the order in which its bars are played.

ABC and MusicXML print the same signs, so both readers describe their bars with `Signs` and ask
`play_order`. A passage without a forward repeat begins at the last double bar line, the end of
the last repeat or the top, as the ABC standard says (2.1, section 4.8). After a jump (D.C., D.S.)
repeats are not taken again and the last ending is played, as players do unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

MOST_NOTES = 300_000
"""Notes of a printed score once its repeats are unfolded; acts of operas have half of it."""
MOST_BARS = 1_000_000
"""Bars of all parts together, once repeats are unfolded."""
MOST_TIMES = 16
"""A passage marked to be played more often than this is played this often."""


@dataclass(slots=True)
class Signs:
    """What is printed at one bar; `times` is how often the passage that ends here is played."""

    forward: bool = False
    section: bool = False  # a double bar line stands before it
    times: int = 0  # 0: no backward repeat at this bar's end
    endings: frozenset[int] = field(default_factory=frozenset)
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    fine: bool = False
    jump: Literal["", "capo", "segno"] = ""


def combined(prints: Iterable[Signs]) -> Signs:
    """The signs of one bar over all voices: many programs print them in one voice only."""
    every = list(prints)
    return Signs(
        forward=any(s.forward for s in every),
        section=any(s.section for s in every),
        times=max(s.times for s in every),
        endings=next((s.endings for s in every if s.endings), frozenset()),
        segno=any(s.segno for s in every),
        coda=any(s.coda for s in every),
        to_coda=any(s.to_coda for s in every),
        fine=any(s.fine for s in every),
        jump=next((s.jump for s in every if s.jump), ""),
    )


def play_order(bars: Sequence[Signs]) -> list[int]:
    """Indices of `bars` in the order they are played; a bar may come several times or never."""
    order: list[int] = []
    last_endings = _last_endings(bars)
    at = start = 0
    turn = 1
    opened = False  # by a forward repeat, which a double bar line does not undo
    jumped = False
    in_ending = False
    while at < len(bars):
        bar = bars[at]
        begins = not bar.endings and (in_ending or (bar.section and not opened))
        if at != start and (bar.forward or begins):
            start, turn, opened = at, 1, False
        opened = opened or bar.forward
        in_ending = bool(bar.endings)
        wanted = last_endings[at] if jumped else turn
        if bar.endings and wanted not in bar.endings:
            at += 1
            continue
        order.append(at)
        if jumped and bar.fine:
            break
        if jumped and bar.to_coda and (coda := _find(bars, "coda", at)) is not None:
            at = start = coda
            opened = False
            continue
        if bar.times and not jumped:
            if turn < _times(bars, start, at, last_endings):
                at, turn, in_ending = start, turn + 1, False
                continue
            start, turn, opened = at + 1, 1, False
        if bar.jump and not jumped:
            jumped = True
            segno = _find(bars, "segno", -1) if bar.jump == "segno" else None
            at = start = segno or 0
            in_ending = opened = False
            continue
        at += 1
    return order


def _last_endings(bars: Sequence[Signs]) -> list[int]:
    """For each bar the highest ending number in its run of endings; 0 outside of endings."""
    highest = [0] * len(bars)
    first = 0
    while first < len(bars):
        past = first
        while past < len(bars) and bars[past].endings and (past == first or not bars[past].forward):
            past += 1
        top = max((max(bar.endings) for bar in bars[first:past]), default=0)
        highest[first:past] = [top] * (past - first)
        first = max(past, first + 1)
    return highest


def _times(bars: Sequence[Signs], start: int, end: int, last_endings: Sequence[int]) -> int:
    """How often the passage from `start` to the backward repeat at `end` is played."""
    numbered = max(last_endings[start : end + 1], default=0)
    return min(max(bars[end].times, numbered), MOST_TIMES)


def _find(bars: Sequence[Signs], sign: str, after: int) -> int | None:
    """The first bar past `after` that carries `sign`."""
    return next((i for i in range(after + 1, len(bars)) if getattr(bars[i], sign)), None)
