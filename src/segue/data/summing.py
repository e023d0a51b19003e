"""Sums of traits over the pieces of each split: what the report of a corpus draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.pieces import SPLITS, Index
from segue.data.traits import NO_KEY

# Pieces summed at a time: bounds the memory by a few megabytes.
_PIECES = 4096

# Tempi from 20 beats a minute in steps of 10; the first bin is for pieces that state none.
TEMPO_FIRST, TEMPO_STEP, TEMPO_BINS = 20, 10, 30
# Pieces by length: three bins to each doubling, from a second and from a note.
SIZE_BINS = 48
METRES = 16
"""Numerators and powers of two that denominators may have, a bin each; the last holds the rest."""

Sums = dict[str, NDArray[np.int64]]


def sums_by_split(
    traits: NDArray[np.void], places: NDArray[np.int64], index: Index
) -> dict[str, Sums]:
    """For each split with pieces the sums of its pieces' traits.

    The piece in row i of `index` has the record `places[i]` of `traits`, dtype TRAITS, which may
    be a memory map. Histograms over notes are those of TRAITS; "tempo", "key", "metre",
    "polyphony", "seconds" and "notes" count pieces.
    """
    sums: dict[str, Sums] = {}
    for number, name in enumerate(SPLITS):
        mine = np.flatnonzero(index["split"] == number)
        if not len(mine):
            continue
        parts = [
            _sum(traits[places[block]], index[block])
            for block in np.split(mine, range(_PIECES, len(mine), _PIECES))
        ]
        sums[name] = {key: np.sum([part[key] for part in parts], axis=0) for key in parts[0]}
    return sums


def _sum(traits: Any, index: Any) -> Sums:
    over_notes = ("pitch", "velocity", "length", "density", "family", "beat")
    sums = {name: traits[name].sum(axis=0, dtype=np.int64) for name in over_notes}
    stated = np.where(traits["tempo"] > 0, 1 + (traits["tempo"] - TEMPO_FIRST) / TEMPO_STEP, 0)
    sums["tempo"] = _counted(np.maximum(stated, traits["tempo"] > 0), TEMPO_BINS)
    sums["key"] = _counted(traits["key"], NO_KEY + 1)
    numerator = np.minimum(traits["metre"][:, 0], METRES - 1).astype(np.int64)
    power = np.log2(np.maximum(traits["metre"][:, 1], 1)).astype(np.int64)
    sums["metre"] = _counted(numerator * METRES + power, METRES * METRES)
    sums["polyphony"] = _counted(traits["polyphony"], 17)
    for name in ("seconds", "notes"):
        sums[name] = _counted(3 * np.log2(np.maximum(index[name], 1)), SIZE_BINS)
    return sums


def _counted(values: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """How many values lie in each bin of width 1 from 0; the last bin holds all above."""
    return np.bincount(np.clip(values, 0, bins - 1).astype(np.int64), minlength=bins)


def metre_names(counts: NDArray[np.int64]) -> dict[str, int]:
    """The metres counted, the most frequent first; "none stated" for files without one."""
    named = {}
    for place in np.argsort(-counts, kind="stable").tolist():
        if counts[place]:
            over, power = divmod(place, METRES)
            more = "+" * (over == METRES - 1)
            named[f"{over}{more}/{2**power}" if over else "none stated"] = int(counts[place])
    return named
