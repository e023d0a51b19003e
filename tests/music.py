"""Small music made on the spot, for tests that need a folder to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import segue
from segue.score import METRE, NOTE, TEMPO, Score, Track, events

BEAT = 480

TINY = (
    "model.hidden=16",
    "model.embedding=8",
    "model.layers=1",
    "data.window=16",
    "train.batch=4",
    "train.warmup=2",
    "train.schedule=constant",
    "train.validate_every=4",
    "train.sample_rows=12",
    "train.lr=0.01",
)
"""Overrides that make `chorale-lstm` a twin small enough for a test."""


def chorale(seed: int, bars: int = 6) -> Score:
    """Four voices in quarter notes that walk along a scale: tuneful, and different by seed."""
    rng = np.random.default_rng(seed)
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    key = int(rng.integers(12))
    rows = []
    for track, octave in enumerate((72, 65, 58, 46)):
        degree = int(rng.integers(7))
        for beat in range(4 * bars):
            degree = int(np.clip(degree + rng.integers(-1, 2), 0, 6))
            length = BEAT - 1 if beat % 4 < 3 else BEAT
            rows.append((beat * BEAT, length, track, octave + key % 5 + scale[degree], 80))
    names = ("Soprano", "Alto", "Tenor", "Bass")
    return Score(
        BEAT,
        events(NOTE, rows),
        tuple(Track(name) for name in names),
        tempi=events(TEMPO, [(0, 600_000)]),
        metres=events(METRE, [(0, 4, 4)]),
    )


def folder_of_chorales(folder: Path, pieces: int = 12) -> Path:
    """A folder with that many MIDI files."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(pieces):
        segue.write(chorale(seed), folder / f"chorale-{seed:02d}.mid")
    return folder
