"""The part of `Compound` that makes variants of windows; letters as in `variants`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from segue.encodings import bar_lines, portrait
from segue.encodings.compound_told import Told
from segue.encodings.compound_variants import CompoundVariants
from segue.encodings.variants import Flags, Ints, Varied

if TYPE_CHECKING:
    from segue.encodings.compound import Compound


class CompoundChanges:
    """What windows of shape (B, R, 5) can be changed by."""

    @property
    def _mine(self) -> Compound:
        return cast("Compound", self)

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the changes; beats have a time to stretch where tempi are rows."""
        mine = self._mine
        offered = {
            "transpose": True,
            "louder": True,
            "stretch": mine.unit == "seconds" or mine.tempo == "rows",
            "one_track": mine.slots.pitched > 1,
            "forget": mine.about or mine.bars,
            "tell_ahead": mine.ahead > 0,
        }
        return tuple(name for name, holds in offered.items() if holds)

    @cached_property
    def _variants(self) -> CompoundVariants:
        mine = self._mine
        return CompoundVariants(
            pitched=mine.slots.pitched,
            first_pitch=mine.first_pitch,
            reach=mine.reach,
            lengths=mine.lengths,
            velocities=mine.velocities,
            about=portrait.SIZE * mine.about,
            tempi=(mine.first_tempo, mine.first_pedal),
        )

    @cached_property
    def _told(self) -> Told:
        mine = self._mine
        return Told(
            reach=mine.reach,
            tracks=mine.max_tracks,
            pitched=mine.slots.pitched,
            first_pitch=mine.first_pitch,
            about=portrait.SIZE * mine.about,
            bars=bar_lines.SIZE * mine.bars,
            ahead=mine.ahead,
        )

    def transpose(self, rows: NDArray[Any], semitones: Ints) -> NDArray[Any]:
        """Moved by `semitones`, (B,), as far as they can."""
        return self._variants.transpose(rows, semitones)

    def stretch(self, rows: NDArray[Any], factors: NDArray[np.float64]) -> Varied:
        """With time stretched by `factors`, (B,): steps and lengths, or of beats the tempi."""
        if self._mine.unit == "beats":
            return self._variants.slower(rows, factors)
        return self._variants.stretch(rows, factors)

    def louder(self, rows: NDArray[Any], by: Ints) -> NDArray[Any]:
        """With `by`, (B,), added to each velocity."""
        return self._variants.louder(rows, by)

    def one_track(self, rows: NDArray[Any], joined: Flags) -> Varied:
        """With all pitched tracks as the first, where `joined`, (B,)."""
        return self._told.one_track(rows, joined)

    def forget(self, rows: NDArray[Any], dropped: Flags) -> Varied:
        """Without what is said of the piece, by kind, or bar lines, where `dropped`, (B, 5)."""
        return self._told.forget(rows, dropped)

    def tell_ahead(self, rows: NDArray[Any], drawn: NDArray[np.float64]) -> Varied:
        """With some notes told ahead; `drawn` as `Told.tell_ahead`."""
        return self._told.tell_ahead(rows, drawn)
