"""Standard MIDI files: read by symusic where they are sound, repaired first where they are not.

A file is *sound* when its header and its table of chunks add up and symusic takes it; its notes
are then exactly symusic's. All others go through `segue.formats.salvage`, which returns sound
bytes and a list of what it did, and those bytes are read the same way.

Decisions, for every file:

* A chunk that holds several channels or programs becomes a track for each, as symusic splits it.
* A track stays in the Score if it has notes, controllers or bends; others (the conductor) go.
* Notes of one pitch that overlap in one track end first in, first out.
* Texts (FF 01), copyrights, lyrics and markers (cue points too) of all chunks are kept.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import symusic

from segue.errors import FormatError
from segue.formats import limits, smf
from segue.formats.midi_text import renamed, texts_of, with_silent_channels
from segue.formats.midi_write import to_bytes
from segue.formats.repairs import counted
from segue.formats.smf import Chunk
from segue.formats.table import Reading
from segue.score import BEND, CONTROL, KEY, METRE, NOTE, TEMPO, Score, Track
from segue.score.score import in_order


class _OutOfRangeError(Exception):
    """symusic took a data byte over 127 for a value."""


def read(path: str | Path) -> Reading:
    """Read a MIDI file, repairing what is damaged.

    Raises FormatError if there is no music in it to save, LimitError if it is past
    `segue.formats.limits`.
    """
    file = Path(path)
    limits.check("bytes", file.stat().st_size, limits.BYTES, str(path))
    return read_bytes(file.read_bytes(), str(path))


def read_bytes(data: bytes, name: str = "the data") -> Reading:
    """Read a MIDI file held in memory; `name` is what messages call it. Errors as `read`."""
    limits.check("bytes", len(data), limits.BYTES, name)
    tracks = _sound_tracks(data)
    if tracks is not None:
        parsed = _parsed(data)
        if parsed is not None and not _has_lost_all(parsed, data, tracks):
            with contextlib.suppress(_OutOfRangeError):
                return _reading(parsed, data, tracks, name, _missing(data, tracks))
    from segue.formats.salvage import salvage

    data, repairs = salvage(data, name)
    tracks = _sound_tracks(data)
    parsed = _parsed(data) if tracks is not None else None
    if parsed is None or tracks is None:
        raise FormatError(f"{name} is too damaged to be read: {'; '.join(repairs)}.")
    return _reading(parsed, data, tracks, f"what is left of {name}", repairs)


def write(score: Score, path: str | Path) -> None:
    """Write a Score as a format 1 MIDI file; see `segue.formats.midi_write`."""
    Path(path).write_bytes(to_bytes(score))


# -- is it sound? --------------------------------------------------------------------------------


def _sound_tracks(data: bytes) -> list[Chunk] | None:
    """The track chunks of a file that symusic may be given, or None."""
    if len(data) < smf.HEADER.size:
        return None
    head, length, form, count, division = smf.HEADER.unpack_from(data)
    if head != b"MThd" or length != 6 or form > 2 or not 0 < division < 0x8000:
        return None
    tracks = [c for c in smf.chunks(data) or () if c.kind == b"MTrk"]
    sound = 0 < len(tracks) <= count and not _is_risky(data, tracks)
    return tracks if sound else None


def _is_risky(data: bytes, tracks: list[Chunk]) -> bool:
    """Whether symusic could do harm, or read a note where there is none.

    It counts ticks in 32 bits, and a data byte over 127 right behind a status byte makes it pair
    notes across channels, or on channel 16 write past its own table. Either needs bytes over 127
    side by side, which sound files of ordinary length have next to none of; only where there are
    such bytes are the events looked at one by one.
    """
    high = np.frombuffer(data, np.uint8) >= 0x80
    # Steps of up to two bytes: no file of this length reaches a later tick with those alone.
    last_tick = len(data) // 3 << 14
    if last_tick < 1 << 31 and not (high[1:] & high[:-1]).any():
        return False
    return not all(_follows(data, track) for track in tracks)


def _follows(data: bytes, track: Chunk) -> bool:
    """Whether a track is well-formed event by event and ends before the last tick allowed."""
    found = smf.followed(data, track.start, track.end)
    short = not len(found) or int(found.ticks[-1]) <= limits.TICKS
    return short and (found.ended or found.stop == track.end)


def _missing(data: bytes, tracks: list[Chunk]) -> list[str]:
    """A line of the report if the header promises more tracks than there are."""
    promised, there = smf.HEADER.unpack_from(data)[3], len(tracks)
    if promised == there:
        return []
    return [f"the header promises {counted(promised, 'track')}, the file has {there:,}"]


def _parsed(data: bytes) -> Any | None:
    try:
        return symusic.Score.from_midi(data)
    except (RuntimeError, ValueError, IndexError):
        return None


def _has_lost_all(parsed: Any, data: bytes, tracks: list[Chunk]) -> bool:
    """Whether notes start in the file though symusic returns none: none of them ends."""
    if parsed.note_num():
        return False
    return any(smf.followed(data, t.start, t.end).has_notes() for t in tracks)


# -- from symusic to a Score ---------------------------------------------------------------------


def _reading(
    parsed: Any, data: bytes, chunks: list[Chunk], name: str, repairs: list[str]
) -> Reading:
    """The Score of what symusic parsed, and what had to be left out to make it valid."""
    heard = with_silent_channels(data, chunks, sum(1 for t in parsed.tracks if len(t.notes)))
    if heard is not data:
        again = _parsed(heard)
        parsed = again if again is not None else parsed
    tracks = [t for t in parsed.tracks if len(t.notes) or len(t.controls) or len(t.pitch_bends)]
    limits.check("tracks", len(tracks), limits.TRACKS, name)
    limits.check("notes", sum(len(t.notes) for t in tracks), limits.NOTES, name)
    if any(t.program > 127 for t in tracks):
        raise _OutOfRangeError
    changes = sum(len(t.controls) + len(t.pitch_bends) for t in tracks)
    limits.check("controller changes", changes, limits.CHANGES, name)
    limits.check("changes of tempo", len(parsed.tempos), limits.TEMPI, name)
    repairs = list(repairs)
    score = Score.unchecked(
        parsed.tpq,
        renamed(tuple(Track(t.name, t.program, t.is_drum) for t in tracks), data, chunks),
        notes=_joined("notes", [t.notes for t in tracks], NOTE),
        controls=_joined("controls", [t.controls for t in tracks], CONTROL),
        bends=_joined("bends", [t.pitch_bends for t in tracks], BEND),
        tempi=_table(parsed.tempos, TEMPO),
        metres=_valid_metres(_table(parsed.time_signatures, METRE), repairs),
        keys=_valid_keys(_table(parsed.key_signatures, KEY), repairs),
    )
    score = _valid_tempi(score, repairs)
    limits.check_length(score, name)
    texts = texts_of(data, chunks)
    return Reading(score.with_(texts=texts) if texts else score, tuple(repairs))


# A Score's columns after symusic's names for them, table by table.
_COLUMNS = {
    NOTE: ("time", "duration", "pitch", "velocity"),
    CONTROL: ("time", "number", "value"),
    BEND: ("time", "value"),
    TEMPO: ("time", "mspq"),
    METRE: ("time", "numerator", "denominator"),
    KEY: ("time", "key", "tonality"),
}


def _fields(dtype: np.dtype[Any]) -> list[tuple[str, str]]:
    names = [n for n in dtype.names or () if n != "track"]
    return list(zip(names, _COLUMNS[dtype], strict=True))


_FIELDS = {dtype: _fields(dtype) for dtype in _COLUMNS}


def _table(events: Any, dtype: np.dtype[Any]) -> Any:
    """A list of symusic's events as a Score's table."""
    table = np.empty(len(events), dtype)
    if len(table):
        columns = events.numpy()
        for field, source in _FIELDS[dtype]:
            table[field] = columns[source]
    return table


def _joined(name: str, of_tracks: list[Any], dtype: np.dtype[Any]) -> Any:
    """The events of all tracks as one table in canonical order."""
    table = np.empty(sum(len(events) for events in of_tracks), dtype)
    end = 0
    for index, events in enumerate(of_tracks):
        if len(events):
            start, end = end, end + len(events)
            columns, part = events.numpy(), table[start:end]
            _check_range(columns, dtype)
            for field, source in _FIELDS[dtype]:
                part[field] = columns[source]
            part["track"] = index
    return in_order(name, table)


def _check_range(columns: dict[str, Any], dtype: np.dtype[Any]) -> None:
    """symusic keeps pitch and velocity in 8 signed bits, controllers in 8 unsigned ones."""
    if dtype is NOTE:
        good = columns["pitch"].min() >= 0 and columns["velocity"].min() > 0
    elif dtype is CONTROL:
        good = columns["number"].max() < 128 and columns["value"].max() < 128
    else:
        good = columns["value"].min() >= -8192 and columns["value"].max() < 8192
    if not good:
        raise _OutOfRangeError


def _left_out(table: Any, good: Any, what: str, repairs: list[str]) -> Any:
    """The good rows of a table; the others are counted in a line of `repairs`."""
    bad = len(table) - int(good.sum())
    if not bad:
        return table
    repairs.append(f"left out {counted(bad, what)} with a value that does not exist")
    return table[good].copy()


def _valid_metres(table: Any, repairs: list[str]) -> Any:
    if not len(table):
        return table
    good = (table["numerator"] > 0) & (table["denominator"] > 0) & (table["denominator"] <= 128)
    return _left_out(table, good, "time signature", repairs)


def _valid_keys(table: Any, repairs: list[str]) -> Any:
    if not len(table):
        return table
    return _left_out(table, np.abs(table["fifths"].astype(int)) <= 7, "key signature", repairs)


def _valid_tempi(score: Score, repairs: list[str]) -> Score:
    good = score.tempi["microseconds"] > 0
    if good.all():
        return score
    return score.with_(tempi=_left_out(score.tempi, good, "tempo", repairs))
