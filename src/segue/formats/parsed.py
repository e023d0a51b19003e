"""What symusic parsed, as arrays: from its state in one block, or column by column.

symusic hands out an array for each column of each list, and filling those takes half as long as
parsing did. The state it pickles is its own memory in one copy, so the arrays here are views of
that. Its layout is symusic's private matter: the first parse checks it on a small Score, and the
columns are used if it has changed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import symusic

# symusic's structures; spare bytes fill them up to their alignment. Pitch and velocity are signed
# in them, so that a data byte over 127 shows as a negative number.
_SPARE = ("spare", "V2")
NOTES = np.dtype(
    [("onset", "<i4"), ("duration", "<i4"), ("pitch", "i1"), ("velocity", "i1"), _SPARE]
)
CONTROLS = np.dtype([("onset", "<i4"), ("number", "u1"), ("value", "u1"), _SPARE])
BENDS = np.dtype([("onset", "<i4"), ("value", "<i4")])
TEMPI = np.dtype([("onset", "<i4"), ("microseconds", "<i4")])
METRES = np.dtype([("onset", "<i4"), ("numerator", "u1"), ("denominator", "u1"), _SPARE])
KEYS = np.dtype([("onset", "<i4"), ("fifths", "i1"), ("minor", "u1"), _SPARE])

# symusic's own names for the columns.
_COLUMNS = {
    "notes": (NOTES, ("time", "duration", "pitch", "velocity")),
    "controls": (CONTROLS, ("time", "number", "value")),
    "pitch_bends": (BENDS, ("time", "value")),
    "tempos": (TEMPI, ("time", "mspq")),
    "time_signatures": (METRES, ("time", "numerator", "denominator")),
    "key_signatures": (KEYS, ("time", "key", "tonality")),
}

_COUNT = struct.Struct("<I")


@dataclass(frozen=True)
class ParsedTrack:
    """A track as symusic splits them: a chunk, channel and program each."""

    name: str
    program: int
    is_drum: bool
    notes: Any
    controls: Any
    bends: Any


@dataclass(frozen=True)
class Parsed:
    """A parsed file; tables are structured arrays of the dtypes above."""

    division: int
    tracks: list[ParsedTrack]
    tempi: Any
    metres: Any
    keys: Any


def parse(data: bytes) -> Parsed:
    """Parse sound MIDI bytes. Raises what symusic does: RuntimeError, ValueError, IndexError."""
    score = symusic.Score.from_midi(data)
    return _from_state(score.__getstate__()) if _layout_is_known() else _from_columns(score)


class _Reader:
    """Counts, tables and strings out of one block, from front to back."""

    def __init__(self, block: bytes) -> None:
        self.block, self.at = block, 0

    def count(self) -> int:
        (n,) = _COUNT.unpack_from(self.block, self.at)
        self.at += _COUNT.size
        return int(n)

    def table(self, dtype: np.dtype[Any]) -> Any:
        count = self.count()
        at = self.at
        self.at += count * dtype.itemsize
        return np.frombuffer(self.block, dtype, count, at)

    def string(self) -> str:
        length = self.count()
        at = self.at
        self.at += length
        return self.block[at : at + length].decode("utf-8", "replace")

    def texts(self) -> None:
        for _ in range(self.count()):
            self.at += _COUNT.size
            self.string()


def _from_state(block: bytes) -> Parsed:
    reader = _Reader(block)
    division = reader.count()
    tracks = [_track(reader) for _ in range(reader.count())]
    metres, keys, tempi = (reader.table(dtype) for dtype in (METRES, KEYS, TEMPI))
    return Parsed(division, tracks, tempi, metres, keys)


def _track(reader: _Reader) -> ParsedTrack:
    name = reader.string()
    program, drum = reader.block[reader.at], bool(reader.block[reader.at + 1])
    reader.at += 2
    notes, controls, bends = (reader.table(dtype) for dtype in (NOTES, CONTROLS, BENDS))
    reader.table(BENDS)  # pedals, which the controllers hold too
    reader.texts()
    return ParsedTrack(name, program, drum, notes, controls, bends)


def _from_columns(score: Any) -> Parsed:
    tracks = [
        ParsedTrack(
            track.name,
            track.program,
            track.is_drum,
            *(_column_table(track, name) for name in ("notes", "controls", "pitch_bends")),
        )
        for track in score.tracks
    ]
    tables = (_column_table(score, n) for n in ("tempos", "time_signatures", "key_signatures"))
    return Parsed(score.tpq, tracks, *tables)


def _column_table(owner: Any, name: str) -> Any:
    dtype, sources = _COLUMNS[name]
    events = getattr(owner, name)
    table = np.empty(len(events), dtype)
    if len(table):
        columns = events.numpy()
        for field, source in zip(dtype.names or (), sources, strict=False):
            table[field] = columns[source]
    return table


@cache
def _layout_is_known() -> bool:
    """Whether a Score with something in every list reads the same both ways."""
    score = symusic.Score(480)
    for name in ("one", ""):
        track = symusic.Track(name, 5, True)
        track.notes.append(symusic.Note(1, 2, 3, 4))
        track.notes.append(symusic.Note(5, 6, 7, 8))
        track.controls.append(symusic.ControlChange(9, 10, 11))
        track.pitch_bends.append(symusic.PitchBend(12, -13))
        track.pedals.append(symusic.Pedal(14, 15))
        track.lyrics.append(symusic.TextMeta(16, "text"))
        score.tracks.append(track)
    score.tempos.append(symusic.Tempo(17, mspq=18))
    score.time_signatures.append(symusic.TimeSignature(19, 3, 4))
    score.key_signatures.append(symusic.KeySignature(20, -1, 1))
    try:
        return _same(_from_state(score.__getstate__()), _from_columns(score))
    except (ValueError, IndexError, struct.error):
        return False


def _same(one: Parsed, other: Parsed) -> bool:
    return repr(_plain(one)) == repr(_plain(other))


def _plain(parsed: Parsed) -> list[Any]:
    """Everything in a parse as plain values."""
    tracks = [
        (t.name, t.program, t.is_drum, *map(_rows, (t.notes, t.controls, t.bends)))
        for t in parsed.tracks
    ]
    return [parsed.division, tracks, *map(_rows, (parsed.tempi, parsed.metres, parsed.keys))]


def _rows(table: Any) -> list[Any]:
    return [table[name].tolist() for name in table.dtype.names if name != "spare"]
