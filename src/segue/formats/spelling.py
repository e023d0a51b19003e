"""Keys and names of pitches: which key a piece is in, and which letter a pitch is written with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from segue.score import Score

# Krumhansl and Kessler's probe-tone ratings, as printed in Krumhansl, "Cognitive Foundations of
# Musical Pitch" (1990), from the tonic upwards.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
# Signatures of the keys on C, C sharp ... B, in the spelling with fewest signs.
_MAJOR_FIFTHS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)
_MINOR_FIFTHS = (-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2)

_LETTERS = "FCGDAEB"  # by fifths, from -1
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Spelling(NamedTuple):
    """A written pitch: letter, semitones of its sign, and octave (4 begins at middle C)."""

    step: str
    alter: int
    octave: int


def estimated_key(score: Score) -> tuple[int, bool]:
    """Signature in fifths and whether it is minor, by Krumhansl's key profiles.

    Pitch classes weigh by how long they sound; drums do not count. C major without notes.
    """
    drum = np.array([t.is_drum for t in score.tracks] or [False])
    notes = score.notes[~drum[score.notes["track"]]] if len(score.notes) else score.notes
    if not len(notes):
        return 0, False
    weights = np.bincount(notes["pitch"] % 12, notes["duration"].astype(float), 12)
    if weights.std() == 0:
        return 0, False
    modes = ((_MAJOR, _MAJOR_FIFTHS, False), (_MINOR, _MINOR_FIFTHS, True))
    best = max(
        (float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1]), fifths[tonic], minor)
        for profile, fifths, minor in modes
        for tonic in range(12)
    )
    return best[1], best[2]


def spelled(pitch: int, fifths: int) -> Spelling:
    """A MIDI pitch in the spelling nearest to a key signature on the line of fifths.

    From three fifths below the major tonic to eight above: in C, E flat to G sharp.
    """
    place = fifths - 3 + (7 * pitch - (fifths - 3)) % 12
    letter = _LETTERS[(place + 1) % 7]
    alter = (place + 1) // 7
    octave = (pitch - alter - _NATURALS[letter]) // 12 - 1
    return Spelling(letter, alter, octave)


def signature(fifths: int) -> dict[str, int]:
    """The letters that a key signature alters, with their semitones."""
    if fifths >= 0:
        return dict.fromkeys(_LETTERS[:fifths], 1)
    return dict.fromkeys(_LETTERS[fifths:], -1)
