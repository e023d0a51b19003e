"""Music laid segment after segment, by models that make whole windows from random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.generation.engine import IntRows
from segue.generation.segment_engines import Composer

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Laid:
    """A take's rows, (count * window, columns), and the (count, Z) numbers they are made from."""

    rows: IntRows
    normals: Floats


def lay(
    composer: Composer,
    seeds: Sequence[int],
    count: int,
    columns: int,
    *,
    heat: float = 1.0,
    walk: float = 0.0,
    before: IntRows | None = None,
    given: Floats | None = None,
    on_row: Callable[[int], None] | None = None,
) -> list[Laid]:
    """`count` segments for each seed.

    A segment's normal numbers keep the share `walk` of those of the one before it (and the rest
    is drawn, so that their variance stays 1). `before`, shape (window, columns), is the segment
    that takes go on from: it is looked at by a model that looks back, and encoded by one that
    encodes and walks. `given`, shape (segments, Z), are the normal numbers of the first segments
    of every take, in place of those that it would draw. Every take draws from a generator of its
    own.
    """
    facts = composer.facts
    generators = [np.random.default_rng(seed) for seed in seeds]
    window, takes = int(facts["window"]), len(seeds)
    last = np.zeros((takes, window, columns), np.int64)
    normal: Floats | None = None
    if before is not None:
        last = np.repeat(before[None], takes, axis=0)
        if facts["encodes"] and walk:
            normal = composer.encode(last)
    laid, made_from = [], []
    for number in range(count):
        drawn = [_numbers(g, facts["normals"], facts["uniform_prior"]) for g in generators]
        fresh = np.stack(drawn)
        normal = fresh if normal is None else walk * normal + (1 - walk**2) ** 0.5 * fresh
        if given is not None and number < len(given):
            normal = np.repeat(given[number][None], takes, axis=0)
        made_from.append(normal)
        uniform = np.stack([g.random(facts["uniforms"], np.float32) for g in generators])
        last = composer.compose(normal.astype(np.float32), uniform, last, heat)
        laid.append(last)
        if on_row is not None:
            on_row((number + 1) * window)
    rows, normals = np.concatenate(laid, axis=1), np.stack(made_from, axis=1)
    return [Laid(r, z.astype(np.float32)) for r, z in zip(rows, normals, strict=True)]


def _numbers(generator: np.random.Generator, count: int, uniform: bool) -> Floats:
    if uniform:
        return generator.random(count, np.float32)
    return generator.standard_normal(count, np.float32)


def last_window(rows: IntRows, window: int) -> IntRows:
    """The last `window` of `rows`, after as many rows of symbol 0 as they lack."""
    lacking = max(window - len(rows), 0)
    return np.pad(rows[-window:], ((lacking, 0), (0, 0)))
