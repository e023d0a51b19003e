"""Choosing one symbol from logits: temperature, top-k, top-p, min-p, typical, a seeded draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError, nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How symbols are drawn.

    `temperature` divides the logits (0 takes the likeliest symbol, always); `top_k` keeps the k
    likeliest; `top_p` (nucleus, Holtzman et al. 2020) keeps the likeliest that together hold
    probability p; `min_p` (Nguyen et al. 2024) keeps those at least p times as likely as the
    likeliest; `typical` (Meister et al. 2023) keeps those whose surprise is nearest to the mean
    surprise and that together hold that probability. 0, 1, 0 and 1 switch them off.

    `heats` are temperatures of single columns, by name ("pitch", "duration"), which count instead
    of the common one. `loop_beats` damps what would make a loop longer that has already gone on
    for so many beats (0: off; see `generation.loops`).
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical: float = 1.0
    heats: tuple[tuple[str, float], ...] = ()
    loop_beats: float = 0.0

    def __post_init__(self) -> None:
        checks = [
            ("temperature", self.temperature, 0 <= self.temperature < float("inf"), "0 or more"),
            ("top-k", self.top_k, self.top_k >= 0, "0 or more"),
            ("top-p", self.top_p, 0 < self.top_p <= 1, "over 0, at most 1"),
            ("min-p", self.min_p, 0 <= self.min_p < 1, "0 or more, under 1"),
            ("typical", self.typical, 0 < self.typical <= 1, "over 0, at most 1"),
            ("loop-beats", self.loop_beats, 0 <= self.loop_beats < float("inf"), "0 or more"),
            *(
                (f"the temperature of {name}", heat, 0 <= heat < float("inf"), "0 or more")
                for name, heat in self.heats
            ),
        ]
        for name, value, good, allowed in checks:
            if not good:
                raise SegueError(f"{name} came as {value}; {allowed} is allowed.")

    def by_column(self, columns: Sequence[str]) -> list[Sampling]:
        """How each of `columns` is drawn; SegueError if `heats` names another one."""
        heats = dict(self.heats)
        for name in heats:
            if name not in columns:
                raise SegueError(f"there is no column {name!r} to heat; {nearest(name, columns)}.")
        return [replace(self, temperature=heats.get(c, self.temperature)) for c in columns]

    def settings(self) -> dict[str, Any]:
        """For the receipt."""
        return {**asdict(self), "heats": dict(self.heats)}


def probabilities(logits: NDArray[Any], allowed: NDArray[np.bool_], how: Sampling) -> Floats:
    """(B, V) logits and what is allowed to (B, V) probabilities that sum to 1.

    Every row of `allowed` needs at least one True.
    """
    masked = np.where(allowed, logits.astype(np.float64), -np.inf)
    if how.temperature == 0:
        best = np.zeros_like(masked)
        best[np.arange(len(masked)), masked.argmax(axis=1)] = 1.0
        return best
    masked = (masked - masked.max(axis=1, keepdims=True)) / how.temperature
    p = np.exp(masked)
    p /= p.sum(axis=1, keepdims=True)
    if how.min_p:
        p[p < how.min_p * p.max(axis=1, keepdims=True)] = 0
    if how.top_k and how.top_k < p.shape[1]:
        kth = np.partition(p, -how.top_k, axis=1)[:, -how.top_k][:, None]
        p[p < kth] = 0
    if how.typical < 1:
        _keep_typical(p, how.typical)
    if how.top_p < 1:
        order = np.argsort(-p, axis=1, kind="stable")
        ranked = np.take_along_axis(p, order, axis=1)
        # Keep a symbol if those likelier than it have not reached the share yet.
        ranked[ranked.cumsum(axis=1) - ranked >= how.top_p * ranked.sum(axis=1, keepdims=True)] = 0
        np.put_along_axis(p, order, ranked, axis=1)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _keep_typical(p: Floats, share: float) -> None:
    """Zero all but the symbols of the most usual surprise, in place; they hold `share`."""
    p /= p.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = -np.log(p)
        mean = np.where(p > 0, p * surprise, 0).sum(axis=1, keepdims=True)
    order = np.argsort(np.abs(surprise - mean), axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1)
    ranked[ranked.cumsum(axis=1) - ranked >= share] = 0
    np.put_along_axis(p, order, ranked, axis=1)


def draw(p: Floats, uniform: Floats) -> NDArray[np.int64]:
    """One symbol a row of (B, V) probabilities, by inverting the (B,) uniform numbers in [0, 1)."""
    cumulative = p.cumsum(axis=1)
    chosen = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=1)
    return chosen.astype(np.int64)
