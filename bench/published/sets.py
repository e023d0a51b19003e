"""Readers of the sets that published likelihoods are stated on, with their fixed splits.

A set is pieces of rows, (rows, columns), whose first row is read and never scored: of a piano roll
that is the first frame, as the published protocol has it; elsewhere a row that only says "begin".
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue import encodings

Rows = NDArray[np.int16]

KEYS = 88
LOWEST, HIGHEST = 36, 81
VOICES = 4
NES_EVENTS = 631
SEGMENT = 2048
_PADDING, _END = 308, 309
_MAESTRO = {"train": "train", "valid": "validation", "test": "test"}
# Segue's events have all 128 pitches; a piano has 88 of them.
_PIANO = np.clip(np.arange(128) - 21, 0, KEYS - 1)
_EVENTS = np.concatenate([_PIANO, KEYS + _PIANO, 2 * KEYS + np.arange(132)])
_REST, _BEGIN = HIGHEST - LOWEST + 1, HIGHEST - LOWEST + 2
_SPLITS = {"train": "traindata", "valid": "validdata", "test": "testdata"}


@dataclass(frozen=True)
class Set:
    """How a set is read, what a row is and what it is divided by, and whether all is in C."""

    sizes: tuple[int, ...]
    unit: str
    units_a_row: int
    read: Callable[[Path, str], list[Rows]]
    moved: Callable[[Rows, int], Rows]
    one_key: bool


def _file(path: Path) -> Path:
    if not path.is_file():
        raise SystemExit(f"{path} does not exist: give the folder that holds it with --data.")
    return path


# -- piano rolls ---------------------------------------------------------------------------------


@cache
def _mat(path: Path) -> dict[str, NDArray[np.object_]]:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise SystemExit("reading .mat files needs scipy: pip install 'segue[search]'.") from None
    found: dict[str, NDArray[np.object_]] = loadmat(_file(path))
    return found


def poly4(data: Path, file: str, split: str) -> list[Rows]:
    """The pieces of one split: (frames, 88) of 0 and 1, lowest key first."""
    path = data / "poly4" / file
    pieces = [np.ascontiguousarray(piece, np.int16) for piece in _mat(path)[_SPLITS[split]][0]]
    wrong = [piece.shape for piece in pieces if piece.shape[1] != KEYS or piece.max() > 1]
    if wrong:
        raise SystemExit(f"{path} holds a piece of shape {wrong[0]}, wanted (frames, 88) of 0, 1.")
    return pieces


def keys_moved(frames: Rows, by: int) -> Rows:
    """Frames so many semitones higher; as they are where a note would leave the keyboard."""
    if not by:
        return frames
    lost = frames[:, -by:] if by > 0 else frames[:, :-by]
    return frames if lost.any() else np.roll(frames, by, axis=1)


def _rolls(file: str) -> Set:
    read = lambda data, split: poly4(data, file, split)  # noqa: E731 - a row of the table below
    return Set((2,) * KEYS, "a frame", 1, read, keys_moved, one_key=True)


# -- chorales ------------------------------------------------------------------------------------


def chorales(data: Path, split: str) -> list[Rows]:
    """Sixteenths of four voices, soprano first: a row that begins, then (sixteenths, 4) symbols."""
    path = _file(data / "jsb-czhuang" / "Jsb16thSeparated.json")
    pieces = []
    for piece in json.loads(path.read_text("utf-8"))[split]:
        pitches = np.asarray(piece, np.int16)
        sounds = pitches >= 0
        if pitches[sounds].min() < LOWEST or pitches[sounds].max() > HIGHEST:
            raise SystemExit(f"{path} has pitches beyond {LOWEST} to {HIGHEST}.")
        begin = np.full((1, VOICES), _BEGIN, np.int16)
        pieces.append(np.concatenate([begin, np.where(sounds, pitches - LOWEST, _REST)]))
    return pieces


def voices_moved(rows: Rows, by: int) -> Rows:
    """Voices so many semitones higher; as they are where one would leave the range."""
    sounds = rows < _REST
    moved = rows + by
    if not by or (sounds & ((moved < 0) | (moved >= _REST))).any():
        return rows
    return np.where(sounds, moved, rows)


# -- NES songs -----------------------------------------------------------------------------------


def nes(data: Path, split: str) -> list[Rows]:
    """Songs as tx1 events, (events, 1), from the 24 Hz files: a start, which is read, then all.

    The 44.1 kHz files that published figures are stated on are not to be had; waits are coarser.
    """
    from segue import formats

    encoding = encodings.get("nes_events")
    folder = data / "nesmdb" / "midi24" / split
    paths = sorted(folder.glob("*.mid"))
    if not paths:
        raise SystemExit(f"{folder} holds no .mid file: give the folder above nesmdb/ with --data.")
    songs = [encoding.encode(formats.read(path)).rows.astype(np.int16) for path in paths]
    return [song for song in songs if len(song) > 1]


# -- performances --------------------------------------------------------------------------------


def maestro(data: Path, split: str) -> list[Rows]:
    """Performances as the 310 events of Music Transformer, (events, 1), after a row of padding.

    On and off of 88 keys, 100 shifts of 10 ms, 32 velocities, padding, the end. Held-out pieces
    come in segments of 2,048 events, each from nothing, as published; of the valid split every
    sixth, which is enough to choose weights by.
    """
    from segue import formats

    encoding = encodings.get("performance")
    folder = data / "maestro-v2"
    with _file(folder / "maestro-v2.0.0.csv").open(encoding="utf-8", newline="") as file:
        names = [r["midi_filename"] for r in csv.DictReader(file) if r["split"] == _MAESTRO[split]]
    pieces = []
    for name in names:
        events = encoding.encode(formats.read(folder / name)).rows[:, 0].astype(np.int64)
        pieces.append(np.append(_EVENTS[events], _END).astype(np.int16))
    if split != "train":
        pieces = [p[n : n + SEGMENT] for p in pieces for n in range(0, len(p), SEGMENT)]
    kept = pieces[::6] if split == "valid" else pieces
    return [np.append(np.int16(_PADDING), piece)[:, None] for piece in kept]


def performances_moved(rows: Rows, by: int) -> Rows:
    """Events of keys so many semitones higher; as they are where one would leave the keyboard."""
    keys = rows < 2 * KEYS
    moved = rows + by
    if not by or (keys & ((moved < 0) | (moved // KEYS != rows // KEYS))).any():
        return rows
    return np.where(keys, moved, rows)


SETS: dict[str, Set] = {
    "jsb": _rolls("JSB_Chorales.mat"),
    "nottingham": _rolls("Nottingham.mat"),
    "piano": _rolls("Piano_midi.mat"),
    "muse": _rolls("MuseData.mat"),
    "nes": Set((NES_EVENTS,), "an event", 1, nes, lambda rows, by: rows, one_key=False),
    "maestro": Set((_END + 1,), "an event", 1, maestro, performances_moved, one_key=False),
    "jsb16": Set((_BEGIN + 1,) * VOICES, "a note", VOICES, chorales, voices_moved, one_key=False),
}
GROUPS: dict[str, tuple[str, ...]] = {"poly4": ("jsb", "nottingham", "piano", "muse")}
"""What `--rows` may name besides a row and a set."""
