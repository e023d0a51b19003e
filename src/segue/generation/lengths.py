"""How long a take is to be: so many bars, or so many seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segue.errors import SegueError
from segue.generation.closing import rung
from segue.score import Score

LONGEST_SECONDS = 3600.0
_EXACT = 0.005
"""Seconds that a length may be off by: a tick at the slowest usual tempo is less."""


@dataclass(frozen=True)
class Length:
    """`bars`, or `seconds` in their place. What is counted in seconds sounds to the very end."""

    bars: float
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0.5 <= self.seconds <= LONGEST_SECONDS:
            raise SegueError(
                f"the length came as {self.seconds:g} seconds; 0.5 to {LONGEST_SECONDS:g} is "
                "allowed."
            )

    def end(self, score: Score, begin: int) -> int:
        """The tick of `score` at which music ends that begins at tick `begin`."""
        if self.seconds is not None:
            start = float(score.tempo_map.seconds(begin))
            return int(score.tempo_map.ticks(start + self.seconds))
        if not begin:
            return int(score.metre_map.ticks(self.bars))
        return int(score.metre_map.ticks(float(score.metre_map.bars(begin)) + self.bars))

    def filled(self, score: Score, begin: int, end: int) -> Score:
        """The music with its last notes lasting to the end, where that is counted in seconds."""
        return score if self.seconds is None else rung(score, begin, end)

    def settings(self) -> dict[str, Any]:
        """For the receipt."""
        return {"bars": self.bars} if self.seconds is None else {"seconds": self.seconds}

    def proof(self, score: Score, begin: int) -> dict[str, Any]:
        """How many seconds the music has from tick `begin` on, where they were asked for."""
        if self.seconds is None:
            return {}
        found = score.end_seconds - float(score.tempo_map.seconds(begin))
        kept = abs(found - self.seconds) <= _EXACT
        return {"length": {"asked": self.seconds, "found": round(found, 4), "kept": kept}}
