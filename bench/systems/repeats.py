"""What repeats in a few takes: the complaint that users of the seeds made most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from segue.score import Score


def repeats(takes: Sequence[Score]) -> dict[str, Any]:
    """Numbers over all takes together; of none without notes.

    `top_pitch` is the share of the most frequent pitch among all notes. `longest_run` is how often
    in a row one take sounds the same pitches (those that start together count as one). `pitches`
    are the distinct ones. `alike` is the mean share of notes (onset and pitch) that two takes have
    in common, of those that either has. `silent` takes have no notes.
    """
    pitches = np.concatenate([take.notes["pitch"] for take in takes] or [np.zeros(0, np.int64)])
    counts = np.unique(pitches, return_counts=True)[1]
    return {
        "takes": len(takes),
        "silent": sum(len(take) == 0 for take in takes),
        "notes": len(pitches),
        "pitches": len(counts),
        "top_pitch": float(counts.max() / counts.sum()) if len(counts) else None,
        "longest_run": max((longest_run(take) for take in takes), default=0),
        "alike": _alike(takes),
    }


def longest_run(take: Score) -> int:
    """How often in a row the same pitches start."""
    order = np.lexsort((take.notes["pitch"], take.notes["onset"]))
    pairs = [(int(n["onset"]), int(n["pitch"])) for n in take.notes[order]]
    chords = [tuple(pitch for _, pitch in same) for _, same in groupby(pairs, lambda p: p[0])]
    return max((len(list(same)) for _, same in groupby(chords)), default=0)


def _alike(takes: Sequence[Score]) -> float | None:
    """The mean Jaccard index of the note sets of takes that follow one another."""
    sets = [
        set(zip(t.notes["onset"].tolist(), t.notes["pitch"].tolist(), strict=True)) for t in takes
    ]
    shares = [len(a & b) / len(a | b) for a, b in pairwise(sets) if a | b]
    return float(np.mean(shares)) if shares else None
