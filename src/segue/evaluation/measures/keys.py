"""Measures of keys: which one a piece is in, how long it stays there, how often it moves.

A key is found by how well the time that each pitch class sounds agrees with what listeners expect
of it. Sources: the profiles of Krumhansl and Kessler (1982); a path of keys over windows, moves
between which cost something, after Temperley (2001).
"""

from __future__ import annotations

import numpy as np

from segue.evaluation.measures.parts import Floats, Ints, share, tones
from segue.score import Score
from segue.score.tonality import fits

NAN = float("nan")

WINDOW_BEATS = 8
"""A local key is that of two bars of 4/4: shorter windows hear a chord as a key."""
MOVE_COST = 0.6
"""What a change of key costs a path, in correlation: a key must be plainly better, or last."""


# The seven notes of a major key, and those of a minor key with both of its sixths and sevenths.
_IN_MAJOR = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
_IN_MINOR = np.isin(np.arange(12), (0, 2, 3, 5, 7, 8, 9, 10, 11))
MEMBERS = np.stack([np.roll(p, root) for p in (_IN_MAJOR, _IN_MINOR) for root in range(12)])


def window_chroma(score: Score, beats: float = WINDOW_BEATS) -> Floats:
    """Shape (windows, 12): beats that each pitch class sounds in each window of `beats`."""
    notes = tones(score)
    width = max(1, round(beats * score.ticks_per_beat))
    count = -(-score.end_ticks // width)
    begin, end = notes["onset"], notes["onset"] + notes["duration"]
    first, last = begin // width, np.maximum(end - 1, begin) // width
    spans = last - first + 1
    note = np.repeat(np.arange(len(notes)), spans)
    window = np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans) + first[note]
    inside = np.minimum(end[note], (window + 1) * width) - np.maximum(begin[note], window * width)
    cell = window * 12 + notes["pitch"][note] % 12
    ticks = np.bincount(cell, np.maximum(inside, 0), minlength=max(count, 1) * 12)
    return np.asarray(ticks.reshape(-1, 12) / score.ticks_per_beat)


def global_key(score: Score) -> int | None:
    """The key of the whole piece: 0 to 11 major on C and up, 12 to 23 minor; None without tones."""
    chroma = window_chroma(score).sum(axis=0)
    return int(fits(chroma).argmax()) if chroma.sum() else None


def key_path(score: Score) -> Ints:
    """Shape (windows,): the likeliest key of each window, given that moves cost `MOVE_COST`."""
    score_of = fits(window_chroma(score))
    best = score_of[0].copy()
    back = np.zeros(score_of.shape, np.int64)
    for window in range(1, len(score_of)):
        move = int(best.argmax())
        moved = best[move] - MOVE_COST
        stays = best >= moved
        back[window] = np.where(stays, np.arange(24), move)
        best = np.where(stays, best, moved) + score_of[window]
    path = np.empty(len(score_of), np.int64)
    path[-1] = best.argmax()
    for window in range(len(score_of) - 1, 0, -1):
        path[window - 1] = back[window, path[window]]
    return path


def key_clarity(score: Score) -> float:
    """How well the piece agrees with its best key: a correlation, -1 to 1; NaN without tones."""
    chroma = window_chroma(score).sum(axis=0)
    return float(fits(chroma).max()) if chroma.sum() else NAN


def in_key_share(score: Score) -> float:
    """The share of sounding time on notes of the piece's key, both minor sevenths included."""
    key = global_key(score)
    if key is None:
        return NAN
    chroma = window_chroma(score).sum(axis=0)
    return share(float(chroma[MEMBERS[key]].sum()), float(chroma.sum()))


def key_stability(score: Score) -> float:
    """The share of windows of 8 beats whose key, along the best path, is the piece's main one.

    The main one is the key that the path spends most windows in. NaN without tones.
    """
    if not len(tones(score)):
        return NAN
    return float(np.bincount(key_path(score)).max() / len(key_path(score)))


def modulations(score: Score) -> float:
    """Changes of key along the best path, a hundred beats; NaN without tones."""
    if not len(tones(score)):
        return NAN
    return share(100 * float((np.diff(key_path(score)) != 0).sum()), score.end_beats)
