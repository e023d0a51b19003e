"""A keyboard track parted between two hands, as a pianist would finger it.

Every group of notes that begin together is cut between two neighbours in pitch; the best cuts
over the whole track are found by the Viterbi algorithm, with a cost for wide stretches, for full
hands, for leaps, and for straying from the middle of the keyboard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MIDDLE = 60
_HOME = (50.0, 69.0)  # where a hand lies when nothing else is known
_REACH = 14  # semitones that a hand spans without breaking the chord
_FINGERS = 5


class _Path(NamedTuple):
    cost: float
    left: float  # where the left hand lies: the mean of its last notes
    right: float
    cuts: tuple[int, object]  # this cut and those before it, as a linked list


def split_hands(groups: Sequence[Sequence[int]]) -> list[int]:
    """For each group of pitches, low to high, how many of its lowest the left hand plays."""
    paths = {0: _Path(0.0, *_HOME, (0, ()))}
    for pitches in groups:
        paths = {cut: _best(paths, pitches, cut) for cut in _cuts(pitches)}
    cuts: list[int] = []
    link: object = min(paths.values(), key=lambda path: path.cost).cuts
    while isinstance(link, tuple) and link:
        cuts.append(link[0])
        link = link[1]
    return cuts[::-1][1:]


def _cuts(pitches: Sequence[int]) -> range:
    # Past a stretch over middle C nothing is worth trying: keeps the search short for clusters.
    low = sum(pitch < MIDDLE - 24 for pitch in pitches)
    high = sum(pitch <= MIDDLE + 24 for pitch in pitches)
    return range(low, max(high, low) + 1)


def _best(paths: dict[int, _Path], pitches: Sequence[int], cut: int) -> _Path:
    low, high = pitches[:cut], pitches[cut:]
    own = _stretch(low) + _stretch(high)
    left = sum(low) / len(low) if low else None
    right = sum(high) / len(high) if high else None
    own += 0.02 * abs(left - _HOME[0]) if left is not None else 0.0
    own += 0.02 * abs(right - _HOME[1]) if right is not None else 0.0
    # Below middle C belongs to the left hand unless the line says otherwise, and the reverse.
    own += 0.06 * sum(max(pitch - MIDDLE, 0) for pitch in low)
    own += 0.06 * sum(max(MIDDLE - pitch, 0) for pitch in high)

    def total(path: _Path) -> float:
        leap = abs(left - path.left) if left is not None else 0.0
        leap += abs(right - path.right) if right is not None else 0.0
        return path.cost + own + 0.12 * leap

    before = min(paths.values(), key=total)
    return _Path(
        total(before),
        left if left is not None else before.left,
        right if right is not None else before.right,
        (cut, before.cuts),
    )


def _stretch(pitches: Sequence[int]) -> float:
    if not pitches:
        return 0.0
    wide = max(pitches[-1] - pitches[0] - _REACH, 0)
    return 2.0 * wide + 5.0 * max(len(pitches) - _FINGERS, 0)
