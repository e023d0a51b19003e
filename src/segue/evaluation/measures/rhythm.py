"""Measures of when notes come: beats and bars without any, grooves that stay, times between."""

from __future__ import annotations

import numpy as np

from segue.evaluation.histograms import interval_histogram, intervals
from segue.evaluation.measures.parts import Ints, barred, bars_of, bits, share, steps
from segue.score import Score

NAN = float("nan")


def _empty_rate(first: Ints, last: Ints, count: int) -> float:
    """The share of `count` places that no note lies in, notes given by first and last place."""
    change = np.zeros(count + 1, np.int64)
    np.add.at(change, first, 1)
    np.add.at(change, last + 1, -1)
    return float((np.cumsum(change)[:count] == 0).mean())


def empty_beat_rate(score: Score) -> float:
    """The share of beats in which no note sounds, drums included. Source: MusPy.

    As in MusPy a note that ends as a beat starts counts into that beat, and the piece has one beat
    more than are full. NaN for a piece without length.
    """
    if score.end_ticks < 1:
        return NAN
    onset = score.notes["onset"]
    first = onset // score.ticks_per_beat
    last = (onset + score.notes["duration"]) // score.ticks_per_beat
    return _empty_rate(first, last, score.end_ticks // score.ticks_per_beat + 1)


def empty_measure_rate(score: Score) -> float:
    """The share of bars in which no note sounds, drums included. Source: MusPy.

    MusPy's for one metre; here bars follow the piece's changes of metre. Ends count as in
    `empty_beat_rate`.
    """
    if score.end_ticks < 1 or not barred(score):
        return NAN
    onset = score.notes["onset"]
    first, last = bars_of(score, onset), bars_of(score, onset + score.notes["duration"])
    return _empty_rate(first, last, int(bars_of(score, np.array([score.end_ticks]))[0]) + 1)


def groove_consistency(score: Score) -> float:
    """1 minus the mean Hamming distance of the onsets of neighbouring bars. Source: MusPy.

    Bars are vectors of steps, 24 to the beat (MusPy's own resolution: the finer the steps, the
    nearer is any music to 1). Only neighbours of one length are compared, so that it is defined
    for pieces that change their metre; NaN for a piece with none.
    """
    bar, place, lengths = _grid(score)
    if len(lengths) < 2:
        return NAN
    same = lengths[1:] == lengths[:-1]
    width = int(lengths.max()) + 1
    played = np.unique(bar * width + place)
    bar, place = played // width, played % width
    # What both bars have is not a difference; all else that either has is one.
    both = np.isin(played + width, played)
    count = np.bincount(bar, minlength=len(lengths))
    common = np.bincount(bar[both], minlength=len(lengths))[:-1]
    apart = count[:-1] + count[1:] - 2 * common
    return 1 - share(float(apart[same].sum()), float(lengths[:-1][same].sum()))


def _grid(score: Score) -> tuple[Ints, Ints, Ints]:
    """Bar and step within it of every onset, shape (notes,), and the steps of each bar, (bars,)."""
    if not barred(score):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    bars = int(bars_of(score, np.array([score.end_ticks]))[0]) + 1
    edges = steps(score, score.metre_map.ticks(np.arange(bars + 1)))
    at = steps(score, score.notes["onset"])
    bar = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, bars - 1)
    return bar, at - edges[bar], np.diff(edges)


def groove_similarity(score: Score, positions: int = 64) -> float:
    """1 minus the mean Hamming distance of the onsets of *all* pairs of bars. Source: MusDr's GS.

    A bar has 64 positions whatever its metre. MusDr draws a thousand pairs without a seed; all of
    them are counted here, in one pass, so that the number is always the same. NaN for under two
    bars.
    """
    if not len(score):
        return NAN
    at = score.metre_map.bars(score.notes["onset"])
    cell = np.unique(np.rint(at * positions).astype(np.int64))
    bars = max(int(np.ceil(score.end_bars - 1e-9)), int(cell.max()) // positions + 1)
    if bars < 2:
        return NAN
    ones = np.bincount(cell % positions, minlength=positions)
    pairs = bars * (bars - 1) / 2
    return 1 - float((ones * (bars - ones)).sum()) / pairs / positions


def average_inter_onset(score: Score) -> float:
    """Mean seconds from one onset to the next, 0 where notes start together. Source: mgeval."""
    found = intervals(score)
    return float(found.mean()) if len(found) else NAN


def inter_onset_entropy(score: Score) -> float:
    """Bits of the histogram of inter-onset seconds in quarter octaves; see `histograms`."""
    return bits(interval_histogram([score]))


def note_count(score: Score) -> float:
    """How many notes are played, drums included. Source: mgeval."""
    return float(len(score))


def notes_per_second(score: Score) -> float:
    """Notes, drums included, a second of the piece, from its first onset to its end."""
    if not len(score):
        return NAN
    begin = float(score.tempo_map.seconds(int(score.notes["onset"].min())))
    return share(len(score), score.end_seconds - begin)


def notes_per_beat(score: Score) -> float:
    """Notes, drums included, a beat of the piece, from its first onset to its end."""
    if not len(score):
        return NAN
    return share(
        len(score) * score.ticks_per_beat, score.end_ticks - int(score.notes["onset"].min())
    )


def density_deviation(score: Score) -> float:
    """How much bars differ in notes: standard deviation over mean. NaN for under two bars."""
    if not barred(score):
        return NAN
    counts = np.bincount(bars_of(score, score.notes["onset"]))
    return float(counts.std() / counts.mean()) if len(counts) > 1 else NAN


def average_duration(score: Score) -> float:
    """Mean length of a note in beats, drums included."""
    lengths = score.notes["duration"] / score.ticks_per_beat
    return float(lengths.mean()) if len(lengths) else NAN
