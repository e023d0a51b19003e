"""A Score as the bytes of a format 1 MIDI file, an array operation a column and no loop over notes.

The first chunk holds tempo, metre, key and texts; then comes a chunk for each track: its name,
its program, controllers, bends and notes. symusic's own writer is not used: it drops texts and
copyrights, and gives tracks their channels by counting, so that the sixteenth track changes the
first one's instrument.

What MIDI cannot hold is settled here, and reading it back gives this:

* Two notes of one pitch that overlap in one track: MIDI says that *a* note of that pitch ends.
  The first to start is the first to end; where the Score nested them, they exchange lengths.
* Tracks without an event are written, but no reader can tell them from a conductor: they go.
* Drums are on channel 10. Other tracks get a channel each while there are enough; beyond that,
  tracks of one program share first, and a track that must share with another program states its
  own just before it plays.

Events of one tick are ordered: ends of notes, controllers, bends, starts of notes, and then the
ends of notes that last no time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.errors import FormatError
from segue.formats import limits, smf
from segue.score import Score, Track

DRUM_CHANNEL = 9
_CHANNELS = [c for c in range(16) if c != DRUM_CHANNEL]
_KINDS = {"text": smf.TEXT, "copyright": smf.COPYRIGHT, "lyric": smf.LYRIC, "marker": smf.MARKER}

# The order of events within a tick.
_ENDS, _CONTROLS, _BENDS, _STARTS, _EMPTY_ENDS = range(5)


def to_bytes(score: Score) -> bytes:
    """The whole file.

    Raises FormatError for a resolution or a metre that MIDI has no number for, LimitError for a
    Score that is longer than `segue.formats.limits` lets be read back.
    """
    if score.ticks_per_beat > 0x7FFF:
        raise FormatError(
            f"{score.ticks_per_beat} ticks a beat came; MIDI holds 1 to {0x7FFF}: "
            "make the Score at a lower resolution."
        )
    limits.check_length(score, "the Score to write")
    head = smf.HEADER.pack(b"MThd", 6, 1, len(score.tracks) + 1, score.ticks_per_beat)
    bodies = [_conductor(score), *_tracks(score)]
    return head + b"".join(smf.chunk(b"MTrk", body) for body in bodies)


def channels_of(score: Score) -> list[int]:
    """A channel for each track, 0 to 15; 9 is for drums."""
    pitched = [t.program for t in score.tracks if not t.is_drum]
    waiting = len(set(pitched))
    of_program: dict[int, list[int]] = {}
    load = dict.fromkeys(_CHANNELS, 0)
    channels = []
    for track in score.tracks:
        if track.is_drum:
            channels.append(DRUM_CHANNEL)
            continue
        mine = of_program.setdefault(track.program, [])
        waiting -= not mine
        free = [c for c in _CHANNELS if not load[c]]
        # A second channel for a program only while every program still to come gets its first.
        if free and (not mine or len(free) > waiting):
            chosen = free[0]
            mine.append(chosen)
        else:
            chosen = min(mine or _CHANNELS, key=lambda c: load[c])
        load[chosen] += 1
        channels.append(chosen)
    return channels


def _tracks(score: Score) -> list[bytes]:
    """The body of each track's chunk."""
    channels = channels_of(score)
    programs: dict[int, set[int]] = {}
    for track, channel in zip(score.tracks, channels, strict=True):
        programs.setdefault(channel, set()).add(track.program)
    tables = [_by_track(t, len(channels)) for t in (score.notes, score.controls, score.bends)]
    return [
        _track(track, channel, len(programs[channel]) > 1, *(table[index] for table in tables))
        for index, (track, channel) in enumerate(zip(score.tracks, channels, strict=True))
    ]


def _by_track(table: Any, tracks: int) -> list[Any]:
    """The table cut into one a track, each in order."""
    order = np.argsort(table["track"], kind="stable")
    table = table[order]
    return np.split(table, np.searchsorted(table["track"], np.arange(1, tracks)))


# -- events as rows: tick, order within the tick, and three bytes --------------------------------


def _rows(ticks: Any, order: int, *columns: Any) -> Any:
    """Shape (events, 5): tick, order within the tick and the three bytes of `columns`."""
    rows = np.empty((len(ticks), 5), np.int64)
    rows[:, 0], rows[:, 1] = ticks, order
    for place, column in enumerate(columns):
        rows[:, 2 + place] = column
    return rows


def _note_rows(notes: Any, channel: int) -> list[Any]:
    """Starts and ends, paired so that the first to start is the first to end."""
    ends = notes["onset"] + notes["duration"]
    by_pitch = np.lexsort((notes["onset"], notes["pitch"]))
    paired = np.empty_like(ends)
    paired[by_pitch] = ends[np.lexsort((ends, notes["pitch"]))]
    on, off = smf.NOTE_ON | channel, smf.NOTE_OFF | channel
    empty = paired == notes["onset"]
    starts = _rows(notes["onset"], _STARTS, on, notes["pitch"], notes["velocity"])
    stops = _rows(paired, _ENDS, off, notes["pitch"], 0)
    stops[empty, 1] = _EMPTY_ENDS
    return [stops, starts]


def _track(
    track: Track, channel: int, crowded: bool, notes: Any, controls: Any, bends: Any
) -> bytes:
    """The body of a track's chunk; `crowded` if its channel has other programs too."""
    value = bends["value"].astype(np.int64) + 8192
    number, setting = controls["number"], controls["value"]
    rows = np.concatenate(
        [
            *_note_rows(notes, channel),
            _rows(controls["onset"], _CONTROLS, smf.CONTROL | channel, number, setting),
            _rows(bends["onset"], _BENDS, smf.BEND | channel, value & 0x7F, value >> 7),
        ]
    )
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    first = int(rows[0, 0]) if len(rows) and crowded else 0
    head = _meta(0, smf.NAME, track.name.encode("utf-8", "replace")) if track.name else b""
    head += _delta(first) + bytes([smf.PROGRAM | channel, track.program])
    rows[:, 0] -= first
    return head + _packed(rows) + _meta(0, smf.END_OF_TRACK, b"")


def _packed(rows: Any) -> bytes:
    """Rows in order as delta times and messages of three bytes."""
    if not len(rows):
        return b""
    deltas = np.diff(rows[:, 0], prepend=0)
    if int(deltas.max()) > smf.LONGEST_DELTA:
        return _packed_across_gaps(rows, deltas)
    sevens = (deltas[:, None] >> np.array([21, 14, 7, 0])) & 0x7F
    sevens[:, :3] |= 0x80
    size = 1 + sum((deltas >> shift > 0).astype(np.int64) for shift in (7, 14, 21))
    wide = np.concatenate([sevens, rows[:, 2:]], axis=1).astype(np.uint8)
    used = np.ones(wide.shape, bool)
    used[:, :4] = np.arange(4) >= 4 - size[:, None]
    return wide[used].tobytes()


def _packed_across_gaps(rows: Any, deltas: Any) -> bytes:
    """As `_packed`, where a pause is longer than the format's longest step."""
    parts, done = [], 0
    for index in np.flatnonzero(deltas > smf.LONGEST_DELTA).tolist():
        before = rows[done:index].copy()
        start = int(rows[done - 1, 0]) if done else 0
        before[:, 0] -= start
        parts += [
            _packed(before),
            _delta(int(deltas[index])),
            rows[index, 2:].astype("u1").tobytes(),
        ]
        done = index + 1
    after = rows[done:].copy()
    after[:, 0] -= int(rows[done - 1, 0])
    return b"".join([*parts, _packed(after)])


# -- meta events ---------------------------------------------------------------------------------


def _delta(ticks: int) -> bytes:
    """A delta time; one too long for the format is taken in steps of events that say nothing."""
    steps, rest = divmod(ticks, smf.LONGEST_DELTA)
    pause = smf.number(smf.LONGEST_DELTA) + bytes([smf.META, smf.PRIVATE, 0])
    return pause * steps + smf.number(rest)


def _meta(delta: int, kind: int, payload: bytes) -> bytes:
    return _delta(delta) + bytes([smf.META, kind]) + smf.number(len(payload)) + payload


def _conductor(score: Score) -> bytes:
    """The body of the first chunk: what holds for all tracks."""
    found: list[tuple[int, int, bytes]] = []
    for text in score.texts:
        found.append((text.onset, _kind(text.kind), text.text.encode("utf-8", "replace")))
    for onset, microseconds in score.tempi.tolist():
        found.append((onset, smf.SET_TEMPO, microseconds.to_bytes(3, "big")))
    for onset, over, under in score.metres.tolist():
        found.append((onset, smf.SET_METRE, _metre(over, under)))
    for onset, fifths, minor in score.keys.tolist():
        found.append((onset, smf.SET_KEY, bytes([fifths & 0xFF, int(minor)])))
    found.sort(key=lambda event: event[0])
    parts, now = [], 0
    for onset, kind, payload in found:
        parts.append(_meta(onset - now, kind, payload))
        now = onset
    return b"".join(parts) + _meta(0, smf.END_OF_TRACK, b"")


def _kind(kind: str) -> int:
    if kind not in _KINDS:
        raise FormatError(f"a text of kind {kind!r} came; MIDI has {', '.join(sorted(_KINDS))}.")
    return _KINDS[kind]


def _metre(over: int, under: int) -> bytes:
    """A time signature: the lower number as a power of two, a click a beat of the metre."""
    power = under.bit_length() - 1
    if 1 << power != under:
        raise FormatError(
            f"a metre of {over}/{under} came; MIDI holds lower numbers that are powers of two."
        )
    clicks = max(96 // under, 1)
    return bytes([over, power, clicks, 8])
