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

import os
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import FormatError
from segue.formats import limits, smf
from segue.formats.midi_text import renamed, texts_of, with_silent_channels, without_voices
from segue.formats.midi_write import to_bytes
from segue.formats.parsed import NOTES, Parsed, ParsedTrack, parse
from segue.formats.repairs import counted
from segue.formats.smf import Chunk
from segue.formats.smf_events import events_of
from segue.formats.sound import sound_tracks
from segue.formats.table import Reading
from segue.score import BEND, CONTROL, KEY, METRE, NOTE, TEMPO, Score, Track
from segue.score.score import in_order

# glibc gives memory back to the system after each file and fetches it page by page for the next
# one, until it has seen a block of this size go: a quarter of the time it takes to read a file.
np.empty(1 << 23, np.uint8)


class _OutOfRangeError(Exception):
    """symusic took a data byte over 127 for a value."""


def read(path: str | Path) -> Reading:
    """Read a MIDI file, repairing what is damaged.

    Raises FormatError if there is no music in it to save, LimitError if it is past
    `segue.formats.limits`.
    """
    with Path(path).open("rb", buffering=0) as file:
        limits.check("bytes", os.fstat(file.fileno()).st_size, limits.BYTES, str(path))
        data = file.read()
    return read_bytes(data, str(path))


def read_bytes(data: bytes, name: str = "the data") -> Reading:
    """Read a MIDI file held in memory; `name` is what messages call it. Errors as `read`."""
    limits.check("bytes", len(data), limits.BYTES, name)
    reading = _sound_reading(data, name, [])
    if reading is not None:
        return reading
    from segue.formats import salvage

    data, repairs = salvage.unwrapped(data, name)
    reading = _sound_reading(data, name, repairs) if repairs else None
    if reading is not None:
        return reading
    data, repairs = salvage.mended(data, name, repairs)
    reading = _sound_reading(data, f"what is left of {name}", repairs, mended=True)
    if reading is None:
        raise FormatError(f"{name} is too damaged to be read: {'; '.join(repairs)}.")
    return reading


def write(score: Score, path: str | Path) -> None:
    """Write a Score as a format 1 MIDI file; see `segue.formats.midi_write`."""
    Path(path).write_bytes(to_bytes(score))


# -- from symusic to a Score ---------------------------------------------------------------------


def _sound_reading(
    data: bytes, name: str, repairs: list[str], mended: bool = False
) -> Reading | None:
    """The reading of a sound file, or None for another; one that we `mended` has sound events."""
    chunks = sound_tracks(data, events_are_sound=mended)
    parsed = _parsed(data) if chunks is not None else None
    if parsed is None or chunks is None or _has_lost_all(parsed, data, chunks):
        return None
    try:
        return _reading(parsed, data, chunks, name, repairs + _missing(data, chunks))
    except _OutOfRangeError:
        return None


def _missing(data: bytes, tracks: list[Chunk]) -> list[str]:
    """A line of the report if the header promises more tracks than there are."""
    promised, there = smf.HEADER.unpack_from(data)[3], len(tracks)
    if promised == there:
        return []
    return [f"the header promises {counted(promised, 'track')}, the file has {there:,}"]


def _parsed(data: bytes) -> Parsed | None:
    try:
        return parse(data)
    except (RuntimeError, ValueError, IndexError):
        return None


def _has_lost_all(parsed: Parsed, data: bytes, tracks: list[Chunk]) -> bool:
    """Whether notes start in the file though symusic returns none: none of them ends."""
    if any(len(t.notes) for t in parsed.tracks):
        return False
    return any(events_of(data, t.start, t.end).has_notes() for t in tracks)


def _reading(
    parsed: Parsed, data: bytes, chunks: list[Chunk], name: str, repairs: list[str]
) -> Reading:
    """The Score of what symusic parsed, and what had to be left out to make it valid."""
    heard = with_silent_channels(data, chunks, sum(1 for t in parsed.tracks if len(t.notes)))
    tracks = parsed.tracks
    if heard is not data:
        tracks = without_voices((_parsed(heard) or parsed).tracks, parsed.tracks)
    tracks = [t for t in tracks if len(t.notes) or len(t.controls) or len(t.bends)]
    _check_limits(parsed, tracks, name)
    repairs = list(repairs)
    score = Score.unchecked(
        parsed.division,
        renamed(tuple(Track(t.name, t.program, t.is_drum) for t in tracks), data, chunks),
        notes=_joined("notes", [t.notes for t in tracks], NOTE),
        controls=_joined("controls", [t.controls for t in tracks], CONTROL),
        bends=_joined("bends", [t.bends for t in tracks], BEND),
        tempi=_table(_valid_tempi(parsed.tempi, repairs), TEMPO),
        metres=_table(_valid_metres(parsed.metres, repairs), METRE),
        keys=_table(_valid_keys(parsed.keys, repairs), KEY),
    )
    if _may_be_long(parsed, tracks):
        limits.check_length(score, name)
    texts = texts_of(data, chunks)
    return Reading(score.with_(texts=texts) if texts else score, tuple(repairs))


def _check_limits(parsed: Parsed, tracks: list[ParsedTrack], name: str) -> None:
    """Refuse what is past a limit, and what symusic should have. Raises LimitError."""
    limits.check("tracks", len(tracks), limits.TRACKS, name)
    limits.check("notes", sum(len(t.notes) for t in tracks), limits.NOTES, name)
    changes = sum(len(t.controls) + len(t.bends) for t in tracks)
    limits.check("controller changes", changes, limits.CHANGES, name)
    limits.check("changes of tempo", len(parsed.tempi), limits.TEMPI, name)
    if not all(_in_range(t) for t in tracks):
        raise _OutOfRangeError


def _in_range(track: ParsedTrack) -> bool:
    """Whether a track holds nothing that a data byte over 127 left in it."""
    bends = track.bends["value"]
    # Pitch and velocity lie side by side, and so do a controller's number and its value: both
    # high bits of all pairs are looked at in one go.
    high = np.bitwise_or.reduce(_pairs(track.notes)) | np.bitwise_or.reduce(_pairs(track.controls))
    good = not high & 0x8080 and track.program < 128
    return good and not (len(bends) and (bends.min() < -8192 or bends.max() > 8191))


def _pairs(parsed: Any) -> Any:
    """Shape (events,): the two bytes before the spare ones, as one number."""
    return parsed.view(np.uint16)[parsed.dtype.itemsize // 2 - 2 :: parsed.dtype.itemsize // 2]


def _may_be_long(parsed: Parsed, tracks: list[ParsedTrack]) -> bool:
    """Whether the Score may be past a limit of length; if not, that is soon seen."""
    tables = [parsed.tempi, parsed.metres, parsed.keys]
    tables += [table for t in tracks for table in (t.notes, t.controls, t.bends)]
    last = max((int(table["onset"][-1]) for table in tables if len(table)), default=0)
    last += max((int(t.notes["duration"].max()) for t in tracks if len(t.notes)), default=0)
    # A beat may take up to 17 seconds, but the ordinary one takes less than four.
    slow = len(parsed.tempi) and int(parsed.tempi["microseconds"].max()) > 4_000_000
    return bool(slow) or last / parsed.division > min(limits.BEATS, limits.SECONDS / 4)


def _fill(table: Any, parsed: Any) -> None:
    """Copy symusic's columns into a Score's of the same names."""
    for name in parsed.dtype.names:
        if name != "spare":
            table[name] = parsed[name]


def _table(parsed: Any, dtype: np.dtype[Any]) -> Any:
    """A list of symusic's events as a Score's table."""
    table = np.empty(len(parsed), dtype)
    _fill(table, parsed)
    return table


def _joined(name: str, of_tracks: list[Any], dtype: np.dtype[Any]) -> Any:
    """The events of all tracks as one table in canonical order."""
    table = np.empty(sum(len(parsed) for parsed in of_tracks), dtype)
    end = 0
    for index, parsed in enumerate(of_tracks):
        start, end = end, end + len(parsed)
        _fill(table[start:end], parsed)
        table["track"][start:end] = index
    ordered = len(of_tracks) == 1 and _in_order(of_tracks[0])
    return table if ordered else in_order(name, table)


def _in_order(parsed: Any) -> bool:
    """Whether one track's events are in canonical order already, as symusic sorts them."""
    if parsed.dtype is NOTES:
        key = parsed["onset"].astype(np.int64)
        key <<= 8
        key |= parsed["pitch"]
        return bool((key[1:] > key[:-1]).all())
    onset = np.ascontiguousarray(parsed["onset"])
    return bool((onset[1:] >= onset[:-1]).all())


def _left_out(table: Any, good: Any, what: str, repairs: list[str]) -> Any:
    """The good rows of a table; the others are counted in a line of `repairs`."""
    bad = len(table) - int(np.count_nonzero(good))
    if not bad:
        return table
    repairs.append(f"left out {counted(bad, what)} with a value that does not exist")
    return table[good]


def _valid_metres(table: Any, repairs: list[str]) -> Any:
    if not len(table):
        return table
    good = (table["numerator"] > 0) & (table["denominator"] > 0) & (table["denominator"] <= 128)
    return _left_out(table, good, "time signature", repairs)


def _valid_keys(table: Any, repairs: list[str]) -> Any:
    if not len(table):
        return table
    good = (table["fifths"] >= -7) & (table["fifths"] <= 7) & (table["minor"] <= 1)
    return _left_out(table, good, "key signature", repairs)


def _valid_tempi(table: Any, repairs: list[str]) -> Any:
    if not len(table):
        return table
    return _left_out(table, table["microseconds"] > 0, "tempo", repairs)
