"""Measures of how many pitches sound at once, by exact ticks. Drums do not count."""

from __future__ import annotations

import numpy as np

from segue.evaluation.measures.parts import Ints, share, tones
from segue.score import Score

MANY = 2
"""MusPy's threshold: a step counts as polyphonic where more pitches than this sound."""


def voices(score: Score) -> tuple[Ints, Ints]:
    """How many different pitches sound in each stretch, and its length: shape (stretches,) each.

    Stretches lie between the times at which a note starts or ends; a pitch played by two tracks
    at once counts once, as in a piano roll.
    """
    notes = tones(score)
    order = np.lexsort((notes["onset"], notes["pitch"]))
    notes = notes[order]
    onset, end = notes["onset"], notes["onset"] + notes["duration"]
    # Each pitch in a time of its own, so that the running end never reaches into another pitch.
    apart = notes["pitch"].astype(np.int64) * (int(end.max(initial=0)) + 1)
    until = np.maximum.accumulate(np.append(np.int64(-1), (end + apart)[:-1]))
    start = np.maximum(onset, np.minimum(until - apart, end))
    times = np.concatenate([start, end])
    change = np.repeat([1, -1], len(start))
    order = np.argsort(times, kind="stable")
    times, sounding = times[order], np.cumsum(change[order])
    return sounding[:-1], np.diff(times)


def polyphony(score: Score) -> float:
    """Mean number of pitches at once, over the time in which any sounds. Source: MusPy."""
    sounding, ticks = voices(score)
    return share(float((sounding * ticks).sum()), float(ticks[sounding > 0].sum()))


def polyphony_rate(score: Score) -> float:
    """The share of the piece in which *more than two* pitches sound at once. Source: MusPy.

    Its time is counted from the start to the end of the last note, drums included.
    """
    sounding, ticks = voices(score)
    return share(float(ticks[sounding > MANY].sum()), score.end_ticks)


def silence_share(score: Score) -> float:
    """The share of seconds, from the first onset to the last end, in which no note sounds."""
    gaps = silences(score)
    if not len(score):
        return float("nan")
    begin = float(score.tempo_map.seconds(int(score.notes["onset"].min())))
    return share(float((gaps[:, 1] - gaps[:, 0]).sum()), score.end_seconds - begin)


def silences(score: Score) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Shape (gaps, 2): seconds at which sound stops and starts again, drums included.

    The time before the first note is not one of them.
    """
    onset = np.asarray(score.notes["onset"])
    reach = np.maximum.accumulate(onset + score.notes["duration"]) if len(onset) else onset
    gap = np.flatnonzero(onset[1:] > reach[:-1])
    found = np.stack([reach[:-1][gap], onset[1:][gap]], axis=1) if len(gap) else np.zeros((0, 2))
    return np.asarray(score.tempo_map.seconds(found), np.float64)
