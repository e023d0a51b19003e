"""The vocabulary of NES event text as blocks of symbols: waits, then each voice's events.

tx1 has 630 words; tx2 adds levels and timbres and has 685. Source: Donahue et al., LakhNES
(ISMIR 2019), whose vocabulary this is but for the order of its words.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Block
from segue.score.nes_voices import MAX_LEVEL, VOICES

Ints = NDArray[np.int64]

MAX_WAIT = 100_000
NOTEOFF, NOTEON, VELOCITY, TIMBRE = "NOTEOFF", "NOTEON", "VELOCITY", "TIMBRE"
WAIT = "WT"


def quantise_waits(samples: Ints) -> Ints:
    """The nearest waits: exact to 100, by tens to 1,000, by hundreds to 10,000, by thousands."""
    samples = np.minimum(samples, MAX_WAIT)
    step = np.select([samples > 10_000, samples > 1000, samples > 100], [1000, 100, 10], 1)
    return np.asarray((samples + step // 2) // step * step)


@cache
def waits() -> Ints:
    """Shape (370,): every wait there is a word for, in samples."""
    return np.unique(quantise_waits(np.arange(1, MAX_WAIT + 1)))


@cache
def blocks(levels: bool) -> tuple[Block, ...]:
    """Waits, then for each voice note-off, note-on and, with `levels`, level and timbre."""
    found = [Block(WAIT, len(waits()))]
    for voice in VOICES:
        sizes = {NOTEOFF: 1, NOTEON: voice.high - voice.low + 1}
        if levels:
            sizes |= {VELOCITY: MAX_LEVEL * voice.has_level, TIMBRE: voice.timbres}
        found += [Block(f"{voice.tag}_{kind}", size) for kind, size in sizes.items() if size]
    return tuple(found)


@cache
def firsts(levels: bool) -> dict[str, int]:
    """The first symbol of each block by its name."""
    ends = np.cumsum([block.size for block in blocks(levels)]).tolist()
    return {b.name: end - b.size for b, end in zip(blocks(levels), ends, strict=True)}


@cache
def lowest() -> dict[str, int]:
    """The number that the first symbol of each block of numbers stands for."""
    by_kind = {f"{v.tag}_{NOTEON}": v.low for v in VOICES}
    by_kind |= {f"{v.tag}_{VELOCITY}": 1 for v in VOICES}
    return by_kind


@cache
def words(levels: bool) -> tuple[str, ...]:
    """Every word in symbol order, as event text spells it."""
    found = [f"{WAIT}_{wait}" for wait in waits().tolist()]
    for block in blocks(levels)[1:]:
        if block.name.endswith(NOTEOFF):
            found.append(block.name)
        else:
            low = lowest().get(block.name, 0)
            found += [f"{block.name}_{low + i}" for i in range(block.size)]
    return tuple(found)
