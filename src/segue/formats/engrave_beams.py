"""Which notes of a voice are joined by beams: those of one beat, shorter than a quarter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from segue.formats.engrave_grid import UNITS
from segue.formats.engrave_metre import Metre
from segue.formats.engrave_values import Symbol


def beams(symbols: Sequence[Symbol], metre: Metre) -> list[list[str]]:
    """For each symbol the state of each of its beams, main beam first: MusicXML's five words.

    "begin", "continue", "end", "forward hook" and "backward hook"; empty for unbeamed symbols.
    """
    found: list[list[str]] = [[] for _ in symbols]
    beat = _beat(metre)
    keys = [
        (symbol.start // beat, symbol.tuplet) if symbol.heads and symbol.power > 2 else ("alone", i)
        for i, symbol in enumerate(symbols)
    ]
    for _, group in groupby(range(len(symbols)), key=lambda i: keys[i]):
        together = list(group)
        if len(together) > 1:
            _join(symbols, together, found)
    return found


def _beat(metre: Metre) -> int:
    """How much of a bar one beam spans, in units."""
    if metre.compound and metre.denominator >= 8:
        return metre.beat
    return metre.length if metre.length <= 3 * UNITS // 2 else UNITS


def _join(symbols: Sequence[Symbol], together: Sequence[int], found: list[list[str]]) -> None:
    """Write the beams of one group, level by level."""
    counts = [symbols[i].power - 2 for i in together]
    for level in range(1, max(counts) + 1):
        for has, run in groupby(range(len(together)), key=lambda k: counts[k] >= level):
            if not has:
                continue
            row = list(run)
            if len(row) == 1:
                hook = "forward hook" if row[0] == 0 else "backward hook"
                found[together[row[0]]].append(hook)
                continue
            for k in row:
                state = "begin" if k == row[0] else "end" if k == row[-1] else "continue"
                found[together[k]].append(state)
