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

from itertools import pairwise
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
    whose, rows = _rows(score, np.array(channels, np.int64))
    edges = np.searchsorted(whose, np.arange(len(channels) + 1))
    # A track on a channel with other programs states its own just before it plays.
    waits = np.zeros(len(channels), np.int64)
    for index, channel in enumerate(channels):
        if len(programs[channel]) > 1 and edges[index] < edges[index + 1]:
            waits[index] = rows[edges[index], 0]
    packed = _packed_by_track(rows, edges, waits)
    return [
        _head(track, channel, wait) + body + _meta(0, smf.END_OF_TRACK, b"")
        for track, channel, wait, body in zip(
            score.tracks, channels, waits.tolist(), packed, strict=True
        )
    ]


def _head(track: Track, channel: int, wait: int) -> bytes:
    """What a track's chunk begins with: its name, and its program after so many ticks."""
    head = _meta(0, smf.NAME, track.name.encode("utf-8", "replace")) if track.name else b""
    return head + _delta(wait) + bytes([smf.PROGRAM | channel, track.program])


# -- events as rows: tick and three bytes --------------------------------------------------------


def _rows(score: Score, channels: Any) -> tuple[Any, Any]:
    """The events of all tracks, one track after the other, each in order.

    Shape (events,): their tracks; (events, 4): tick and three bytes. `channels` is one a track.
    """
    notes, controls, bends = score.notes, score.controls, score.bends
    count, settings = len(notes), len(controls)
    columns = np.empty((6, 2 * count + settings + len(bends)), np.int64)
    stops, starts = columns[:, :count], columns[:, count : 2 * count]
    _put_notes(stops, starts, notes)
    if settings:
        sets = columns[:, 2 * count : 2 * count + settings]
        sets[0], sets[1], sets[2] = controls["track"], controls["onset"], _CONTROLS
        sets[3], sets[4], sets[5] = smf.CONTROL, controls["number"], controls["value"]
    if len(bends):
        turns = columns[:, 2 * count + settings :]
        value = bends["value"].astype(np.int64) + 8192
        turns[0], turns[1], turns[2] = bends["track"], bends["onset"], _BENDS
        turns[3], turns[4], turns[5] = smf.BEND, value & 0x7F, value >> 7
    # Ticks take 38 bits at the most, and places within a tick three.
    key = (columns[0] << 41) | (columns[1] << 3) | columns[2]
    columns = columns[:, np.argsort(key, kind="stable")]
    columns[3] |= channels[columns[0]]
    return columns[0], columns[[1, 3, 4, 5]].T


def _put_notes(stops: Any, starts: Any, notes: Any) -> None:
    """Starts and ends, paired so that the first to start is the first to end."""
    onset = notes["onset"].copy()
    ends = onset + notes["duration"]
    voice = (notes["track"].astype(np.int64) << 7) | notes["pitch"]
    paired = np.empty_like(ends)
    # Of each pitch of a track the notes are by onset already.
    paired[np.argsort(voice, kind="stable")] = ends[np.lexsort((ends, voice))]
    starts[0], starts[1], starts[2] = notes["track"], onset, _STARTS
    starts[3], starts[4], starts[5] = smf.NOTE_ON, notes["pitch"], notes["velocity"]
    stops[0], stops[1], stops[4] = starts[0], paired, starts[4]
    stops[2] = np.where(paired == onset, _EMPTY_ENDS, _ENDS)
    stops[3], stops[5] = smf.NOTE_OFF, 0


def _packed_by_track(rows: Any, edges: Any, waits: Any) -> list[bytes]:
    """The rows of each track, from edge to edge, as `_packed` gives them after so many ticks."""
    places = list(pairwise(edges.tolist()))
    first = edges[:-1][edges[:-1] < edges[1:]]
    deltas = np.diff(rows[:, 0], prepend=0)
    deltas[first] = rows[first, 0] - waits[edges[:-1] < edges[1:]]
    if not len(rows) or int(deltas.max()) <= smf.LONGEST_DELTA:
        packed, size = _messages(rows, deltas)
        ends = np.append(0, np.cumsum(size))
        return [packed[ends[begin] : ends[end]] for begin, end in places]
    bodies = []
    for (begin, end), wait in zip(places, waits.tolist(), strict=True):
        mine = rows[begin:end].copy()
        mine[:, 0] -= wait
        bodies.append(_packed(mine))
    return bodies


def _packed(rows: Any) -> bytes:
    """Rows in order as delta times and messages of three bytes."""
    if not len(rows):
        return b""
    deltas = np.diff(rows[:, 0], prepend=0)
    if int(deltas.max()) > smf.LONGEST_DELTA:
        return _packed_across_gaps(rows, deltas)
    return _messages(rows, deltas)[0]


def _messages(rows: Any, deltas: Any) -> tuple[bytes, Any]:
    """Messages with their delta times, and how many bytes each takes, (events,)."""
    wide = np.empty((len(rows), 7), np.uint8)
    used = np.ones(wide.shape, bool)
    size = np.full(len(rows), 4)
    for place, shift in enumerate((21, 14, 7)):
        wide[:, place] = deltas >> shift & 0x7F | 0x80
        used[:, place] = longer = deltas >> shift > 0
        size += longer
    wide[:, 3] = deltas & 0x7F
    wide[:, 4:] = rows[:, 1:]
    return wide[used].tobytes(), size


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
            rows[index, 1:].astype("u1").tobytes(),
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
