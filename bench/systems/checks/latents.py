"""What the checks of VAEs share: held-out segments through a latent, takes, and the way between.

Letters: B segments, T rows, C columns, Z latents.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from bench.systems.case import Case
from bench.systems.checks import Check
from numpy.typing import NDArray

from segue.evaluation.latents import active_units, jaccard, mean_jaccard
from segue.generation.segment_engines import Composer, make_composer

TAKES = 32
STEPS = 9
SEGMENTS = 1024
_AT_ONCE = 16

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class Latents:
    """A trained VAE and held-out segments side by side, each of them whole."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.model: Any = case.model()
        self.composer: Composer = make_composer(case.bundle)
        self.rows = self._held_out()

    def _held_out(self) -> Ints:
        from segue.training.stream import HeldOut, windows_of

        case = self.case
        windows = windows_of(case.corpus, case.recipe, case.held_out, _AT_ONCE, 1)
        return np.concatenate([b.rows[b.mask.all(1)].numpy() for b in HeldOut(windows, SEGMENTS)])

    def encoded(self) -> Floats:
        """The numbers that stand for the held-out segments, (B, Z)."""
        parts = range(0, len(self.rows), _AT_ONCE)
        return np.concatenate([self.composer.encode(self.rows[a : a + _AT_ONCE]) for a in parts])

    def composed(self, normal: NDArray[Any], heat: float = 0.0) -> Ints:
        """Segments that nothing comes before, one for each row of numbers, (B, T, C)."""
        rng = np.random.default_rng(0)
        window, columns = self.rows.shape[1:]
        made = []
        for at in range(0, len(normal), _AT_ONCE):
            some = normal[at : at + _AT_ONCE].astype(np.float32)
            uniform = rng.random((len(some), self.composer.facts["uniforms"]), np.float32)
            before = np.zeros((len(some), window, columns), np.int64)
            made.append(self.composer.compose(some, uniform, before, heat))
        return np.concatenate(made)

    def taken(self) -> Ints:
        """Segments from numbers as takes draw them, (TAKES, T, C)."""
        facts, rng = self.composer.facts, np.random.default_rng(1)
        shape = (TAKES, facts["normals"])
        drawn = rng.random(shape) if facts["uniform_prior"] else rng.standard_normal(shape)
        return self.composed(drawn, heat=1.0)

    def active(self, means: NDArray[Any], at_least: int | None = None) -> Check:
        """How many latents are in use, from posterior means of the held-out segments."""
        found = active_units(means)
        return Check(
            "active latents",
            int(found.sum()),
            at_least=at_least,
            note=f"variance of the posterior mean over 0.01, of {len(found)}, on {len(means)} "
            f"segments of {self.case.held_out}",
        )


def alike(rolls: Bools, at_most: float | None = None) -> Check:
    """How much takes from different latents share."""
    note = f"mean Jaccard of the cells of {len(rolls)} takes, pair by pair"
    return Check("two takes in common", mean_jaccard(list(rolls)), at_most=at_most, note=note)


def moves(rolls: Bools, picture: Path, alike_ends: float) -> list[Check]:
    """Whether each step of an interpolation changes the music; its picture is written."""
    draw(rolls, picture)
    steps = [jaccard(before, after) for before, after in pairwise(rolls)]
    moved = sum(shared < 1 for shared in steps)
    ends = jaccard(rolls[0], rolls[-1])
    return [
        Check("steps of an interpolation that move", moved, at_least=len(rolls) - 1),
        Check("a step and the next in common", float(np.mean(steps)), at_least=ends),
        Check("both ends in common", ends, at_most=alike_ends),
    ]


def draw(rolls: Bools, path: Path) -> None:
    """A picture of a path, a row a step: time to the right, pitch upwards."""
    from matplotlib.figure import Figure

    used = np.flatnonzero(rolls.any((0, 1)))
    low, high = int(used.min(initial=rolls.shape[2] - 1)), int(used.max(initial=0)) + 1
    figure = Figure(figsize=(8, 1.1 * len(rolls)), layout="constrained")
    for place, roll in enumerate(rolls):
        axes = figure.add_subplot(len(rolls), 1, place + 1)
        axes.imshow(
            roll.T[low:high], origin="lower", aspect="auto", cmap="Greys", interpolation="nearest"
        )
        axes.set(xticks=[], yticks=[], ylabel=f"{place / (len(rolls) - 1):.0%}")
    figure.savefig(path, dpi=80)
