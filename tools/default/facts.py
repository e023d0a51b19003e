"""What the gathered music is like, in numbers that decide how it is encoded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from tools.default.sources import Source

from segue.score import Score

_FEW_LEVELS = 8


@dataclass(frozen=True)
class Facts:
    """Of a piece: counts, and whether all its notes are of a kind."""

    notes: int
    seconds: float
    velocities: int
    hands: int
    pedal: bool
    on_grid: int
    tempi: int


def facts_of(score: Score) -> Facts:
    """The facts of a clean Score."""
    onsets = score.notes["onset"].astype(np.int64)
    return Facts(
        notes=len(score),
        seconds=score.end_seconds,
        velocities=len(np.unique(score.notes["velocity"])),
        hands=len(score.tracks),
        pedal=bool(len(score.controls)),
        on_grid=int((onsets * 24 % score.ticks_per_beat == 0).sum()),
        tempi=len(score.tempi),
    )


def table(found: Iterable[tuple[Source, Facts]]) -> str:
    """By set and split: pieces, notes, hours and licences."""
    groups: dict[tuple[str, str], list[tuple[Source, Facts]]] = defaultdict(list)
    for source, facts in found:
        for key in ((source.set, source.split), ("all", source.split), ("all", "all")):
            groups[key].append((source, facts))
    lines = [f"{'set':17}{'split':7}{'pieces':>7}{'notes':>10}{'hours':>7}  licences (pieces)"]
    for (name, split), members in groups.items():
        notes = sum(facts.notes for _, facts in members)
        hours = sum(facts.seconds for _, facts in members) / 3600
        licences: dict[str, int] = defaultdict(int)
        for source, _ in members:
            licences[_short(source.licence)] += 1
        told = ", ".join(f"{licence} {n}" for licence, n in sorted(licences.items()))
        lines.append(f"{name:17}{split:7}{len(members):7}{notes:10}{hours:7.2f}  {told}")
    return "\n".join(lines)


def shares(found: Iterable[tuple[Source, Facts]]) -> str:
    """By set: shares of notes by what their pieces are like, of onsets on the grid, tempi."""
    groups: dict[str, list[Facts]] = defaultdict(list)
    for source, facts in found:
        groups[source.set].append(facts)
        groups["all"].append(facts)
    head = ("one velocity", "up to 8", "pedal", "two hands", "on 1/24", "tempi a minute")
    lines = [f"{'share of notes':17}" + "".join(f"{word:>15}" for word in head)]
    for name, facts in groups.items():
        notes = sum(one.notes for one in facts)
        minutes = sum(one.seconds for one in facts) / 60
        numbers = (
            sum(one.notes for one in facts if one.velocities == 1) / notes,
            sum(one.notes for one in facts if one.velocities <= _FEW_LEVELS) / notes,
            sum(one.notes for one in facts if one.pedal) / notes,
            sum(one.notes for one in facts if one.hands == 2) / notes,
            sum(one.on_grid for one in facts) / notes,
            sum(one.tempi for one in facts) / minutes,
        )
        lines.append(f"{name:17}" + "".join(f"{number:15.3f}" for number in numbers))
    return "\n".join(lines)


def _short(licence: str) -> str:
    for long, short in (
        ("Creative Commons Attribution-ShareAlike", "CC BY-SA"),
        ("Creative Commons Attribution", "CC BY"),
        (" International", ""),
        ("cc-by-sa", "CC BY-SA"),
    ):
        licence = licence.replace(long, short)
    return licence
