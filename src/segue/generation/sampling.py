"""Choosing one symbol from logits: temperature, top-k, top-p, min-p, typical, a seeded draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError, nearest

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# NumPy takes half as long over an array of no dimension as over a number.
_NEVER = np.array(-np.inf, np.float32)
_NOTHING = np.array(0, np.float32)
_UNDER = np.array(1 - 2**-22)
"""The largest share of a sum that the sum is over even where single precision rounds it."""
_MANY, _MANY_RANKED = 2048, 1024
"""See `Sampling._many`."""


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

    @cached_property
    def _is_usual(self) -> bool:
        """Whether nothing but a temperature and top-p is set."""
        return self.temperature > 0 and self.typical == 1 and not (self.min_p or self.top_k)

    @cached_property
    def _many(self) -> int:
        """How many logits there have to be for it to pay to look which of them no take may draw."""
        return _MANY if self.top_p == 1 else _MANY_RANKED

    @cached_property
    def _tail(self) -> NDArray[np.float64]:
        """The share of the unlikeliest, as `_reaching` takes it."""
        return np.minimum(np.array(1 - self.top_p), _UNDER)

    @cached_property
    def _sharpening(self) -> NDArray[Any]:
        """What logits are multiplied with, as a number that leaves single precision alone."""
        return np.array(1 / self.temperature, np.float32)


def probabilities(logits: NDArray[Any], allowed: Bools, how: Sampling) -> Floats:
    """(B, V) logits and what is allowed to (B, V) probabilities that sum to 1.

    Every row of `allowed` needs at least one True.
    """
    found = weights(logits, allowed, how)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def weights(logits: NDArray[Any], allowed: Bools, how: Sampling) -> Floats:
    """As `probabilities`, but on whatever scale they come."""
    found = np.where(allowed, logits, _NEVER)
    best = found.argmax(axis=1)
    if how.temperature == 0:
        only = np.zeros_like(found)
        only[np.arange(len(found)), best] = 1.0
        return only
    begins = _begins(*found.shape)
    found -= found.take(best + begins)[:, None]
    if how.temperature != 1:
        found *= how._sharpening if found.dtype == np.float32 else 1 / how.temperature
    np.exp(found, out=found)  # the likeliest has 1
    if how.min_p:
        found *= found >= how.min_p
    if how.top_k and how.top_k < found.shape[1]:
        found *= found >= np.partition(found, -how.top_k, axis=1)[:, -how.top_k][:, None]
    if how.typical < 1:
        _keep_typical(found, how.typical)
    if how.top_p < 1:
        _likeliest(found, how)
    return found


@lru_cache(maxsize=256)
def _begins(takes: int, size: int) -> Ints:
    """(B,): where each row of (B, V) begins in memory."""
    begins = np.arange(takes) * size
    begins.flags.writeable = False
    return begins


def _likeliest(p: Floats, how: Sampling) -> Floats:
    """The weights, changed: 0 but for the likeliest that hold `top_p`, those for which the sum of
    what is likelier has not reached it yet. Symbols as likely as the last of them stay too."""
    ranked = p.copy()
    ranked.sort(axis=1)  # from the least likely on
    last = _reaching(ranked, how._tail)
    np.putmask(p, p < ranked.take(last + _begins(*p.shape))[:, None], _NOTHING)
    return p


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


def pick(logits: NDArray[Any], allowed: Bools, how: Sampling, uniform: NDArray[np.float64]) -> Ints:
    """`draw` of `weights`: one symbol a row of (B, V) logits, from (B,) uniform numbers."""
    takes, size = logits.shape
    if takes == 1 and how.typical == 1:
        return np.array([_picked(logits[0], allowed[0], how, float(uniform[0]))])
    if not how._is_usual:
        return draw(weights(logits, allowed, how), uniform)
    if takes * size < how._many:
        return _picked_each(logits, allowed, how, uniform)
    # What no take may draw has weight 0, and no sum is another without it.
    columns = np.logical_or.reduce(allowed, axis=0).nonzero()[0]
    if 4 * len(columns) > 3 * size:
        return _picked_each(logits, allowed, how, uniform)
    logits, allowed = logits.take(columns, axis=1), allowed.take(columns, axis=1)
    chosen: Ints = columns.take(_picked_each(logits, allowed, how, uniform))
    return chosen


def _picked_each(
    logits: NDArray[Any], allowed: Bools, how: Sampling, uniform: NDArray[np.float64]
) -> Ints:
    """As `pick`, where nothing but temperature and top-p is set: the same in fewer calls."""
    p = np.where(allowed, logits, _NEVER)
    takes, size = p.shape
    best: Ints = p.argmax(axis=1)
    p -= p.take(best + _begins(takes, size))[:, None]
    if how.temperature != 1:
        p *= how._sharpening if p.dtype == np.float32 else 1 / how.temperature
    np.exp(p, p)
    if how.top_p < 1:
        ones, most = _sure(how.top_p, size)
        unsure = p.dot(ones) > most
        count = np.count_nonzero(unsure)
        if not count:
            return best
        if 4 * count <= 3 * takes:
            those = unsure.nonzero()[0]
            p, uniform = p.take(those, axis=0), uniform.take(those)
            best[those] = _reaching(_likeliest(p, how), uniform)
            return best
        p = _likeliest(p, how)
    return _reaching(p, uniform)


@lru_cache(maxsize=256)
def _sure(top_p: float, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What sums V weights of which the largest is 1, and up to which sum that one is all that
    top-p keeps: however either is rounded, the others hold less than is left out."""
    most = 1 + 0.9 * (1 - top_p) - size * 2**-22
    return np.ones(size, np.float32), np.array(most, np.float32)


def _picked(logits: NDArray[Any], allowed: Bools, how: Sampling, share: float) -> int:
    """As `pick`, of one take: the same sums in the same order, in a third of the time."""
    found = np.where(allowed, logits, _NEVER)
    best = int(found.argmax())
    if how.temperature == 0:
        return best
    found -= found[best]
    if how.temperature != 1:
        found *= 1 / how.temperature
    np.exp(found, out=found)
    if not how._is_usual:
        if how.min_p:
            found *= found >= how.min_p
        if how.top_k and how.top_k < len(found):
            found *= found >= np.partition(found, -how.top_k)[-how.top_k]
    if how.top_p < 1:
        ones, most = _sure(how.top_p, len(found))
        if how._is_usual and found.dot(ones) <= most:
            return best
        ranked = found.copy()
        ranked.sort()
        found *= found >= ranked[_first_over(ranked, 1 - how.top_p)]
    return _first_over(found, share)


def _first_over(p: Floats, share: float) -> int:
    """The first of (V,) weights up to which their sum is over a share of all."""
    held = p.cumsum()
    # In doubles, rounded once: what `_reaching` gets, in fewer calls.
    bound = held.dtype.type(min(share, float(_UNDER)) * float(held[-1]))
    return int(held.searchsorted(bound, "right"))


def draw(p: Floats, uniform: NDArray[np.float64]) -> Ints:
    """One symbol a row of (B, V) weights, by inverting the (B,) uniform numbers in [0, 1)."""
    return _reaching(p, uniform)


def _reaching(p: Floats, share: NDArray[np.float64]) -> Ints:
    """(B,): the first symbol up to which the sum of (B, V) weights is over a share of all.

    `share` is (B,) or one for all. Sums run from the first symbol to the last, so that a take's do
    not depend on how many takes there are. The symbol never has weight 0, however sums are rounded.
    """
    held = np.add.accumulate(p, 1)
    # In doubles, rounded once to what the sums are.
    bound = (np.minimum(share, _UNDER) * held[:, -1]).astype(held.dtype)
    reached: Ints = (held > bound[:, None]).argmax(axis=1)
    return reached
