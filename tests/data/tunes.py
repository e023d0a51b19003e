"""Music made for tests of the data package: short, seeded, written as MIDI."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segue.formats.table import write
from segue.score import NOTE, Score, Track


def tune(seed: int, notes: int = 40) -> Score:
    """One voice of `notes` notes, a beat apart, pitches by `seed`."""
    rng = np.random.default_rng(seed)
    table = np.zeros(notes, NOTE)
    table["onset"] = 480 * np.arange(notes)
    table["duration"] = 480
    table["pitch"] = rng.integers(40, 80, notes)
    table["velocity"] = rng.choice([40, 90], notes)
    return Score(480, table, (Track("Voice"),))


def folder_of(where: Path, pieces: int, notes: int = 40) -> Path:
    """A folder with `pieces` different MIDI files of `notes` notes and more."""
    for n in range(pieces):
        write(tune(n, notes + n), where / f"{n:02}.mid")
    return where
