"""Music laid segment after segment, by models that make whole windows from random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.generation.engine import IntRows
from segue.generation.segment_engines import Composer

Floats = NDArray[np.float32]


def lay(
    composer: Composer,
    seeds: Sequence[int],
    count: int,
    columns: int,
    *,
    heat: float = 1.0,
    walk: float = 0.0,
    before: IntRows | None = None,
    on_row: Callable[[int], None] | None = None,
) -> list[IntRows]:
    """`count` segments for each seed, shape (count * window, columns) each.

    A segment's normal numbers keep the share `walk` of those of the one before it (and the rest
    is drawn, so that their variance stays 1). `before`, shape (window, columns), is the segment
    that takes go on from: it is looked at by a model that looks back, and encoded by one that
    encodes and walks. Every take draws from a generator of its own.
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
    laid = []
    for number in range(count):
        drawn = [_numbers(g, facts["normals"], facts["uniform_prior"]) for g in generators]
        fresh = np.stack(drawn)
        normal = fresh if normal is None else walk * normal + (1 - walk**2) ** 0.5 * fresh
        uniform = np.stack([g.random(facts["uniforms"], np.float32) for g in generators])
        last = composer.compose(normal.astype(np.float32), uniform, last, heat)
        laid.append(last)
        if on_row is not None:
            on_row((number + 1) * window)
    return list(np.concatenate(laid, axis=1))


def _numbers(generator: np.random.Generator, count: int, uniform: bool) -> Floats:
    if uniform:
        return generator.random(count, np.float32)
    return generator.standard_normal(count, np.float32)


def last_window(rows: IntRows, window: int) -> IntRows:
    """The last `window` of `rows`, after as many rows of symbol 0 as they lack."""
    lacking = max(window - len(rows), 0)
    return np.pad(rows[-window:], ((lacking, 0), (0, 0)))
