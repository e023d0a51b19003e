"""What is examined, and by how much of what: the bundle, its rivals, the music, the seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.evaluate_default.held_out import Music, Piece
from bench.evaluate_default.learned import learned, new_to
from bench.evaluate_default.playing import Players

from segue.evaluation.memorisation import Training

BARS = 16
"""Of a take from nothing, and of what it is compared with."""


@dataclass(frozen=True)
class Candidate:
    """A bundle under a name, and what plays it."""

    name: str
    players: Players

    @property
    def hash(self) -> str:
        """Of its bundle."""
        return self.players.bundle.hash


@dataclass(frozen=True)
class Examination:
    """`takes` takes are played by seeds from `seed` on, `prompts` prompts continued."""

    music: Music
    own: Candidate
    rivals: tuple[Candidate, ...] = ()
    takes: int = 100
    prompts: int = 200
    seed: int = 1

    @cached_property
    def training(self) -> Training:
        """What the bundle learned from."""
        return learned(self.own.players.bundle, self.music)

    @cached_property
    def test(self) -> list[Piece]:
        """The pieces of the test split that the bundle has not learned from."""
        return new_to(self.training, self.music.pieces("test"))

    @cached_property
    def valid(self) -> list[Piece]:
        """The same of the valid split."""
        return new_to(self.training, self.music.pieces("valid"))

    def spent(self, name: str) -> float:
        """Seconds that went into takes or parts of that name, of all bundles."""
        return sum(each.players.store.spent(name) for each in (self.own, *self.rivals))

    @property
    def seeds(self) -> list[int]:
        """One a take."""
        return [self.seed + i for i in range(self.takes)]

    @property
    def asked(self) -> dict[str, Any]:
        """What every part depends on, beside the bundle."""
        engine = self.own.players.engine
        return {"music": self.music.hash, "seed": self.seed, "engine": engine}

    @property
    def rival_hashes(self) -> dict[str, str]:
        """The rivals' bundles, by name."""
        return {each.name: each.hash for each in self.rivals}


@dataclass(frozen=True)
class Part:
    """One of the five: how it is measured, and how it is told.

    `measure` gives plain values, among them `reached` and `wanted` (sentences) and `met`, `tell`
    the lines of Markdown for the page. A result is kept by what it `depends` on beside
    `Examination.asked`; what `spent` says went into its takes, in seconds, may have been in a run
    that was cut.
    """

    letter: str
    title: str
    measure: Callable[[Examination], dict[str, Any]]
    tell: Callable[[dict[str, Any]], list[str]]
    depends: Callable[[Examination], dict[str, Any]]
    spent: Callable[[Examination], float]
