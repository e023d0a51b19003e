"""What roll-gan's takes are like beside held-out music: how full, and how varied."""

from __future__ import annotations

from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.repeats import repeats

BARS = 16


def measure(case: Case) -> list[Check]:
    takes, real = case.takes(4, BARS), case.real(4, BARS)
    notes = sum(map(len, takes)) / max(sum(map(len, real)), 1)
    note = "held-out openings of as many bars; pieces that end sooner are shorter"
    return [
        Check("notes of takes to those of held-out music", notes, 0.5, 2.0, note=note),
        Check("share of notes in common, two takes", repeats(takes)["alike"], at_most=0.5),
    ]
