"""Filters: which pieces of a folder are asked for, and which notes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segue.data.traits import DRUMS, FAMILIES, NO_KEY, TRAITS
from segue.errors import DataError
from segue.score import Score

MODES = ("major", "minor")


@dataclass(frozen=True)
class Filters:
    """What is asked of a piece; the defaults ask for nothing.

    `piano_only` refuses a piece in which anything but pianos (programs 0 to 7) plays. `drums`
    False takes the drums out first. Notes, seconds and polyphony (the notes that sound at once, at
    19 of 20 onsets) are bounds that include their ends; 0 as the upper one is none.
    `mode` is that of the key that fits the piece best; `metres`, such as "3/4", are the ones that
    a piece may have, where 4/4 holds until a file says otherwise.
    """

    piano_only: bool = False
    drums: bool = True
    min_notes: int = 0
    max_notes: int = 0
    min_seconds: float = 0.0
    max_seconds: float = 0.0
    min_polyphony: int = 0
    max_polyphony: int = 0
    mode: str = ""
    metres: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "metres", tuple(self.metres))
        for metre in self.metres:
            if not re.fullmatch(r"[1-9]\d*/(1|2|4|8|16|32|64|128)", metre):
                raise DataError(f"the metre {metre!r} came; write it as 3/4 or 6/8.")
        if self.mode not in ("", *MODES):
            raise DataError(f"the mode {self.mode!r} came; major or minor is allowed.")
        for what in ("notes", "seconds", "polyphony"):
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if low < 0 or high < 0 or (high and high < low):
                raise DataError(
                    f"from {low} to {high} {what} came; from 0 on, and no more at least than at "
                    "most, is allowed."
                )

    def asked(self) -> dict[str, Any]:
        """The filters that ask for something, as JSON values."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        asked = {n: v for n, v in given.items() if v != self.__dataclass_fields__[n].default}
        return {n: list(v) if isinstance(v, tuple) else v for n, v in asked.items()}

    def without_drums(self, score: Score) -> Score:
        """The Score, without the notes of drum tracks if drums are to be left out."""
        drum = np.array([track.is_drum for track in score.tracks] or [False])
        if self.drums or not drum.any():
            return score
        return replace(score, notes=score.notes[~drum[score.notes["track"]]])

    def refusal(self, score: Score, traits: Any) -> str:
        """Why a piece with these traits (a row of TRAITS) is not asked for; empty if it is."""
        return next(self._refusals(score, traits), "")

    def _refusals(self, score: Score, traits: Any) -> Iterator[str]:
        if traits.dtype != TRAITS:
            raise ValueError(f"traits came as {traits.dtype}; {TRAITS} is allowed.")
        if self.piano_only and traits["family"][1:].any():
            other = FAMILIES[1 + int(np.argmax(traits["family"][1:]))]
            yield f"not piano alone: {other} {'play' if other == FAMILIES[DRUMS] else 'plays'} too"
        yield from self._beyond("notes", len(score))
        yield from self._beyond("seconds", score.end_seconds)
        yield from self._beyond("polyphony", int(traits["polyphony"]), "notes at once")
        key = int(traits["key"])
        if self.mode and (key == NO_KEY or MODES[key // 12] != self.mode):
            yield f"not in {self.mode}"
        if self.metres:
            others = sorted(_metres(score) - set(self.metres))
            if others:
                yield f"in another metre: {', '.join(others)}"

    def _beyond(self, what: str, value: float, called: str = "") -> Iterator[str]:
        low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
        if value < low:
            yield f"too few {called or what}: {value:,.6g}, {low:,} are asked for"
        if high and value > high:
            yield f"too many {called or what}: {value:,.6g}, up to {high:,} are asked for"


def _metres(score: Score) -> set[str]:
    """Every metre that notes stand in."""
    last = int(score.notes["onset"][-1])
    stated = score.metres[score.metres["onset"] <= last]
    found = {f"{row['numerator']}/{row['denominator']}" for row in stated}
    begins = int(stated["onset"][0]) if len(stated) else last + 1
    return found | ({"4/4"} if int(score.notes["onset"][0]) < begins else set())
