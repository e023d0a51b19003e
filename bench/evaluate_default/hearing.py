"""Music as it is heard from one piano, so that takes and real music are measured alike."""

from __future__ import annotations

import numpy as np

from segue.score import Score, Track, tidy
from segue.score.edit import sustain


def heard(score: Score) -> Score:
    """One track, in which notes last as long as the pedal holds them.

    Which hand plays a note, and whether a length came from a finger or the pedal, is not heard,
    and encodings differ in what they keep of it.
    """
    held = sustain(score)
    notes = held.notes.copy()
    notes["track"] = 0
    controls = held.controls[np.zeros(len(held.controls), bool)]
    bends = held.bends[np.zeros(len(held.bends), bool)]
    return tidy(held.with_(notes=notes, tracks=(Track("Piano"),), controls=controls, bends=bends))
