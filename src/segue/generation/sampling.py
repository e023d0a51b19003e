"""Choosing one symbol from logits: temperature, top-k, top-p and min-p, then a seeded draw."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How symbols are drawn.

    `temperature` divides the logits (0 takes the likeliest symbol, always); `top_k` keeps the k
    likeliest; `top_p` (nucleus, Holtzman et al. 2020) keeps the likeliest that together hold
    probability p; `min_p` (Nguyen et al. 2024) keeps those at least p times as likely as the
    likeliest. 0, 1 and 0 switch them off.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        checks = [
            ("temperature", self.temperature, 0 <= self.temperature < float("inf"), "0 or more"),
            ("top-k", self.top_k, self.top_k >= 0, "0 or more"),
            ("top-p", self.top_p, 0 < self.top_p <= 1, "over 0, at most 1"),
            ("min-p", self.min_p, 0 <= self.min_p < 1, "0 or more, under 1"),
        ]
        for name, value, good, allowed in checks:
            if not good:
                raise SegueError(f"{name} came as {value}; {allowed} is allowed.")

    def settings(self) -> dict[str, Any]:
        """For the receipt."""
        return asdict(self)


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
    if how.top_p < 1:
        order = np.argsort(-p, axis=1, kind="stable")
        ranked = np.take_along_axis(p, order, axis=1)
        # Keep a symbol if those likelier than it have not reached the share yet.
        ranked[ranked.cumsum(axis=1) - ranked >= how.top_p * ranked.sum(axis=1, keepdims=True)] = 0
        np.put_along_axis(p, order, ranked, axis=1)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def draw(p: Floats, uniform: Floats) -> NDArray[np.int64]:
    """One symbol a row of (B, V) probabilities, by inverting the (B,) uniform numbers in [0, 1)."""
    cumulative = p.cumsum(axis=1)
    chosen = (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(axis=1)
    return chosen.astype(np.int64)
