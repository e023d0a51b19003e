"""Measures of form: how much of a piece comes back, at which lengths.

Letters: N bars, F features of a bar, M bars of a segment.
"""

from __future__ import annotations

import numpy as np

from segue.evaluation.measures.parts import Floats, barred, bars_of, bits, tones
from segue.score import Score
from segue.score.tonality import fits

NAN = float("nan")
PARTS = 4
"""A bar's features are the pitch classes that sound in each of so many parts of it."""
MOST_BARS = 512
"""Later bars are not looked at: the matrix of a symphony would cost more than it tells."""
ALIKE, UNLIKE = 0.7, -0.5
"""Bars less alike than the first count as the second: chance likeness is no repetition."""
SEGMENTS: dict[str, tuple[int, ...]] = {
    "short": (2, 3),
    "medium": (4, 6),
    "long": (8, 12, 16, 24, 32, 48, 64),
}
"""Lengths of segments in bars: motifs, phrases, sections."""


def _part_chroma(score: Score, parts: int) -> Floats:
    """Shape (N * parts, 12): how much of each part of each bar each pitch class sounds."""
    notes = tones(score)
    place = score.metre_map.bars
    begin, end = place(notes["onset"]) * parts, place(notes["onset"] + notes["duration"]) * parts
    end = np.minimum(np.maximum(end, begin + 1e-6), MOST_BARS * parts)
    notes, begin, end = notes[begin < end], begin[begin < end], end[begin < end]
    count = min(MOST_BARS, int(np.ceil(score.end_bars - 1e-9))) * parts
    first = np.floor(begin).astype(np.int64)
    spans = np.ceil(end).astype(np.int64) - first
    note = np.repeat(np.arange(len(notes)), spans)
    part = np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans) + first[note]
    inside = np.minimum(end[note], part + 1) - np.maximum(begin[note], part)
    cell = np.minimum(part, max(count, 1) - 1) * 12 + notes["pitch"][note] % 12
    return np.asarray(np.bincount(cell, inside, max(count, 1) * 12).reshape(-1, 12), np.float64)


def bar_features(score: Score) -> Floats:
    """Shape (N, F): the pitch classes that sound in each quarter of each bar, of norm 1 or 0."""
    rows = _part_chroma(score, PARTS).reshape(-1, PARTS * 12)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norm > 0, norm, 1))


def similarity(score: Score) -> Floats:
    """Shape (N, N): the cosine of each two bars' features, 0 to 1; silent bars are like none."""
    rows = bar_features(score)
    return np.asarray(np.clip(rows @ rows.T, 0, 1))


def fitness(similar: Floats, bars: int) -> Floats:
    """Shape (N - bars + 1,): how well each segment of that many bars stands for the whole piece.

    `similar` is `similarity`'s matrix. A segment's repeats are the places, none over another, that
    are together most like it, bar for bar. Fitness is the harmonic mean of how alike they are and
    how much of the piece they cover, the segment itself not counted in either. Source: Müller,
    Jiang and Grosche (2013), as MusDr takes it from audio; bars need no time warping, so that
    repeats are diagonals and the best set of them is found exactly.
    """
    count = len(similar)
    starts = count - bars + 1
    worth = np.where(similar >= ALIKE, similar, UNLIKE)
    np.fill_diagonal(worth, 1)
    # diagonal[i, j]: how alike the segments at i and at j are, summed over their bars.
    diagonal = np.zeros((starts, starts))
    for k in range(bars):
        diagonal += worth[k : k + starts, k : k + starts]
    best, copies = np.zeros((starts, count + 1)), np.zeros((starts, count + 1))
    for end in range(1, count + 1):
        best[:, end], copies[:, end] = best[:, end - 1], copies[:, end - 1]
        if end >= bars:
            gained = best[:, end - bars] + diagonal[:, end - bars]
            better = gained > best[:, end]
            best[better, end] = gained[better]
            copies[better, end] = copies[better, end - bars] + 1
    covered = copies[:, -1] * bars
    alike = (best[:, -1] - bars) / np.maximum(covered, 1)
    cover = (covered - bars) / count
    both = alike + cover
    return np.where((alike > 0) & (cover > 0), 2 * alike * cover / np.where(both > 0, both, 1), 0.0)


def indicator(score: Score, lengths: tuple[int, ...]) -> float:
    """The best `fitness` of any segment of those lengths in bars; NaN for under two bars.

    0 where the piece is too short for two segments of the shortest length.
    """
    if not len(tones(score)) or score.end_bars < 2:
        return NAN
    similar = similarity(score)
    fit = [fitness(similar, bars).max() for bars in lengths if 2 * bars <= len(similar)]
    return float(max(fit, default=0.0))


def structure_short(score: Score) -> float:
    """`indicator` of segments of 2 and 3 bars. Source: MusDr's SI, from the score, not audio."""
    return indicator(score, SEGMENTS["short"])


def structure_medium(score: Score) -> float:
    """`indicator` of segments of 4 and 6 bars. Source: MusDr's SI, from the score, not audio."""
    return indicator(score, SEGMENTS["medium"])


def structure_long(score: Score) -> float:
    """`indicator` of segments of 8 to 64 bars. Source: MusDr's SI, from the score, not audio."""
    return indicator(score, SEGMENTS["long"])


def _windows_entropy(score: Score, bars: int) -> float:
    """Mean bits of the pitch classes of every `bars` bars in a row that have notes."""
    notes = tones(score)
    if not len(notes) or not barred(score):
        return NAN
    bar = bars_of(score, notes["onset"])
    count = int(bar.max()) + 1
    table = np.zeros((count, 12), np.int64)
    np.add.at(table, (bar, notes["pitch"] % 12), 1)
    # A piece shorter than the window is one window.
    bars = min(bars, count)
    total = np.concatenate([np.zeros((1, 12), np.int64), np.cumsum(table, axis=0)])
    windows = total[bars:] - total[:-bars]
    return float(np.mean([bits(row) for row in windows if row.any()]))


def entropy_1_bar(score: Score) -> float:
    """Mean bits of a bar's pitch classes, empty bars left out. Source: MusDr's H1."""
    return _windows_entropy(score, 1)


def entropy_4_bars(score: Score) -> float:
    """Mean bits of the pitch classes of each four bars in a row. Source: MusDr's H4."""
    return _windows_entropy(score, 4)


_TRIADS = np.stack(
    [np.roll(np.isin(np.arange(12), c), r) for c in ((0, 4, 7), (0, 3, 7)) for r in range(12)]
)


def chords(score: Score) -> list[int]:
    """The triad that fits each half bar best: 0 to 11 major on C and up, 12 to 23 minor.

    Half bars without pitched notes are left out; of triads that fit alike, the one that a listener
    would expect in that half bar's best key comes first.
    """
    rows = _part_chroma(score, 2)
    rows = rows[rows.any(axis=1)]
    fit = rows @ _TRIADS.T / rows.sum(axis=1, keepdims=True) + 1e-3 * fits(rows)
    return [int(chord) for chord in fit.argmax(axis=1)]


def chord_irregularity(score: Score) -> float:
    """The share of different ones among all triples of chords in a row. Source: MusDr's CPI.

    Chords are `chords`', each counted when it changes. MusDr leaves out the last triple and calls
    a piece of three chords or fewer 1; here all triples count, and a piece without any is NaN.
    """
    if not len(tones(score)):
        return NAN
    found = chords(score)
    found = [b for a, b in zip([-1, *found], found, strict=False) if a != b]
    triples = list(zip(found, found[1:], found[2:], strict=False))
    return len(set(triples)) / len(triples) if triples else NAN
