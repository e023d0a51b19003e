"""The bytes of a Standard MIDI file: its chunks, and the events of a track found in bulk.

symusic does the reading; this looks over its shoulder. `chunks` says in a few microseconds
whether a file's table of chunks adds up. `events` finds every event of a track without asking
Python about each byte: for all bytes at once NumPy works out where the next event would start if
one started there, and a walk along that table visits only the true starts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Small = NDArray[np.uint8]

HEADER = struct.Struct(">4sIHHH")
CHUNK = struct.Struct(">4sI")

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0
SYSEX, ESCAPE, META = 0xF0, 0xF7, 0xFF
TEXT, COPYRIGHT, NAME, LYRIC, MARKER, CUE = 0x01, 0x02, 0x03, 0x05, 0x06, 0x07
END_OF_TRACK, SET_TEMPO, SET_METRE, SET_KEY, PRIVATE = 0x2F, 0x51, 0x58, 0x59, 0x7F

LONGEST_DELTA = (1 << 28) - 1
"""The largest number that four bytes of seven bits hold, which is all that the format allows."""


class Chunk(NamedTuple):
    """A chunk of a file: its four letters, and where its body starts and ends."""

    kind: bytes
    start: int
    end: int


def chunks(data: bytes) -> list[Chunk] | None:
    """The chunks after the header, in order, or None if they do not fill the file exactly."""
    found = []
    at, size = HEADER.size, len(data)
    while at + CHUNK.size <= size:
        kind, length = CHUNK.unpack_from(data, at)
        at += CHUNK.size + length
        found.append(Chunk(kind, at - length, at))
    return found if at == size else None


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk as bytes."""
    return CHUNK.pack(kind, len(body)) + body


def number(value: int) -> bytes:
    """A variable-length number as bytes: seven bits a byte, the high bit set on all but the last.

    Raises ValueError past `LONGEST_DELTA`.
    """
    if not 0 <= value <= LONGEST_DELTA:
        raise ValueError(f"{value} does not fit a variable-length number; 0 to {LONGEST_DELTA}.")
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def read_number(body: bytes, at: int, end: int) -> tuple[int, int] | None:
    """The variable-length number at `at` and where it ends; None if it is cut or over 4 bytes."""
    value = 0
    for index in range(at, min(at + 4, end)):
        value = value << 7 | body[index] & 0x7F
        if body[index] < 0x80:
            return value, index + 1
    return None


@dataclass(frozen=True)
class Events:
    """The events of a stretch of a track, each array of shape (events,).

    `start` is where the event's delta time starts and `body` where its first byte after that is;
    `status` is the full status byte, running status resolved; `first` and `second` are the two
    bytes after it (of a meta event: its type, and the first byte of its length). `ticks` count
    from the stretch's start. `stop` is where the next event would start; `ended` says that the
    last event is an end of track.
    """

    start: Ints
    body: Ints
    ticks: Ints
    status: Small
    first: Small
    second: Small
    stop: int
    ended: bool

    def __len__(self) -> int:
        return len(self.start)

    def payload(self, data: bytes, event: int) -> bytes:
        """What a meta event carries."""
        length, at = read_number(data, int(self.body[event]) + 2, len(data)) or (0, 0)
        return data[at : at + length]

    def metas(self, *types: int) -> list[int]:
        """The indices of the meta events of these types, in order."""
        found = (self.status == META) & np.isin(self.first, types)
        return list(np.flatnonzero(found).tolist())

    def channels_of(self, *kinds: int) -> list[int]:
        """The channels on which messages of these kinds occur, ascending."""
        found = np.isin(self.status & 0xF0, kinds) & (self.status < SYSEX)
        return list(np.unique(self.status[found] & 0x0F).tolist())

    def has_notes(self) -> bool:
        """Whether a note starts anywhere in it."""
        return bool((((self.status & 0xF0) == NOTE_ON) & (self.second > 0)).any())


def _as_events(columns: list[Any], stop: int, ended: bool) -> Events:
    start, body, ticks, status, first, second = columns
    return Events(start, body, ticks, status, first, second, stop, ended)


# Windows keep the tables inside the cache, and a big file's memory within a few times its size;
# the first is small, because a damaged track is walked from one damage to the next.
_FIRST_WINDOW, _WINDOW = 1 << 11, 1 << 14
# The longest that an event can be before its payload: delta, status, type and length.
_LOOKAHEAD = 10
# Where the table says that no event starts here, and that the track ends here.
_DAMAGE, _ENDED = 1 << 29, 1 << 30


def _classes() -> bytes:
    """What each status byte takes: 0 is a data byte, 4 and 8 that many data bytes times four."""
    classes = bytearray(NOTE_OFF) + bytes([16]) * 128
    classes[NOTE_OFF:SYSEX] = bytes(4 if PROGRAM <= s < BEND else 8 for s in range(0x80, 0xF0))
    classes[META] = 12
    return bytes(classes)


def _advances() -> Any:
    """Shape (32,): two times the way from a status byte to the next event, plus the new width.

    Indexed by the class of the byte and whether the next two are data bytes; a pair of 32-bit
    numbers in one of 64, for running status that takes one data byte and two.
    """
    pairs = np.full((32, 2), _DAMAGE, np.int32)
    for first_low in (0, 1):
        for second_low in (0, 1):
            follows = 2 * first_low + second_low
            pairs[0 + follows, 0] = 2
            if first_low:
                pairs[0 + follows, 1] = 5
                pairs[4 + follows] = 4
            if first_low and second_low:
                pairs[8 + follows] = 7
    return pairs.view(np.int64).ravel()


_CLASSES, _ADVANCES = _classes(), _advances()
_INDEX = np.arange(_WINDOW + 4)
_TWICE_INDEX = np.repeat(2 * _INDEX[:, None], 2, axis=1).astype(np.int32).view(np.int64).ravel()


def events(data: bytes, at: int, end: int, running: int = 0) -> Events:
    """All well-formed events from `at`, up to an end of track, `end` or the first that is not.

    `running` is the status in force (0: none). Channel messages and meta events are followed;
    system exclusive and other system messages stop the walk for the caller to see to, and so do
    data bytes over 127, data bytes before any status, and numbers of more than four bytes.
    """
    parts: list[tuple[Any, ...]] = []
    code, tick, size = at, 0, _FIRST_WINDOW
    while at < end:
        fields, code = _window(data, at, end, running, size)
        size = min(4 * size, _WINDOW)
        if running == 0:
            fields, code = _without_orphans(fields, code)
        if len(fields[0]):
            fields[2] += tick
            tick = int(fields[2][-1])
            channel = fields[3][fields[3] < SYSEX]
            running = int(channel[-1]) if len(channel) else running
            parts.append(tuple(fields))
        if code >= _DAMAGE:
            at = int(code) - _ENDED if code >= _ENDED else int(code) - _DAMAGE
            break
        at = code
    columns: list[Any] = [np.concatenate(c) for c in zip(*parts, strict=True)] if parts else []
    columns = columns or [np.empty(0, dtype) for dtype in (np.int64,) * 3 + (np.uint8,) * 3]
    return _as_events(columns, at, code >= _ENDED)


def followed(data: bytes, at: int, end: int) -> Events:
    """As `events`, going on behind system exclusive messages, which it leaves out."""
    parts: list[Events] = []
    running, tick, gap = 0, 0, 0
    while True:
        part = events(data, at, end, running)
        if len(part):
            part.ticks[:] += tick + gap
            tick, gap = int(part.ticks[-1]), 0
            channel = part.status[part.status < SYSEX]
            running = int(channel[-1]) if len(channel) else running
        parts.append(part)
        delta = None if part.ended else read_number(data, part.stop, end)
        if delta is None or delta[1] >= end or data[delta[1]] not in (SYSEX, ESCAPE):
            break
        length = read_number(data, delta[1] + 1, end)
        if length is None or sum(length) > end:
            break
        gap, at = gap + delta[0], sum(length)
    columns: list[Any] = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("start", "body", "ticks", "status", "first", "second")
    ]
    return _as_events(columns, parts[-1].stop, parts[-1].ended)


def _window(data: bytes, at: int, end: int, running: int, size: int) -> tuple[list[Any], int]:
    """The events that start in one window, and where the next one starts.

    That is a position, or `_DAMAGE` or `_ENDED` plus a position.
    """
    available = end - at
    limit = min(available, size)
    taken = min(available, limit + _LOOKAHEAD)
    b = np.zeros(limit + _LOOKAHEAD + 2, np.uint8)
    b[:taken] = np.frombuffer(data, np.uint8, taken, at)
    body, after = _successors(b, limit, available)
    narrow = PROGRAM <= running < BEND
    visited = _walk(after, 0 if narrow else 1)
    final = int(after[visited[-1]])
    start = visited >> 1
    if final >= _ENDED:
        final += at + int(body[start[-1]]) + 3
    elif final >= _DAMAGE:
        final, start = _DAMAGE + at + int(start[-1]), start[:-1]
    else:
        final = at + (final >> 1)
    return _decoded(b, start, body[start], at, running), final


def _successors(b: Any, limit: int, available: int) -> tuple[Any, Any]:
    """Shapes (limit,) and (2 * limit,): an event's first byte after its delta, and what follows.

    Entry 2 * i + w of the second is 2 * j + v: an event whose delta starts at i while running
    status takes w + 1 data bytes is followed by one at j while it takes v + 1.
    """
    m = limit + 4
    high = b >= 0x80
    low = ~high
    h0 = high[:limit]
    h1 = h0 & high[1 : limit + 1]
    h2 = h1 & high[2 : limit + 2]
    h3 = h2 & high[3 : limit + 3]
    body = _INDEX[1 : limit + 1] + (h0.view(np.uint8) + h1 + h2)
    classes = np.frombuffer(b[:m].tobytes().translate(_CLASSES), np.uint8)
    follows = _ADVANCES.take(classes + 2 * low[1 : m + 1].view(np.uint8) + low[2 : m + 2])
    follows += _TWICE_INDEX[:m]
    metas = np.flatnonzero(classes == _CLASSES[META])
    if len(metas):
        pairs = follows.view(np.int32).reshape(m, 2)
        pairs[metas, 0], pairs[metas, 1] = _after_metas(b, metas, available)
    after = follows.take(body).view(np.int32)
    # Four bytes with the high bit set are no number; no event may reach past the end.
    for bad in np.flatnonzero(h3).tolist():
        after[2 * bad : 2 * bad + 2] = _DAMAGE
    tail = after[-4 * _LOOKAHEAD :]
    tail[(tail > 2 * available + 1) & (tail < _DAMAGE)] = _DAMAGE
    return body, after


def _after_metas(b: Any, metas: Any, available: int) -> tuple[Any, Any]:
    """What follows the meta events at `metas`, for either width of running status."""
    end, kind = _meta_ends(b, metas)
    good = (kind < 0x80) & (end <= available)
    narrow = np.where(good, 2 * end, _DAMAGE)
    narrow[good & (kind == END_OF_TRACK)] = _ENDED
    return narrow, narrow + (narrow < _DAMAGE)


def _meta_ends(b: Any, metas: Any) -> tuple[Any, Any]:
    """Where the meta events at `metas` end, and their types; a bad length leads to 2^28."""
    kind = b[metas + 1]
    length = np.zeros(len(metas), np.int64)
    at = metas + 2
    open_ = np.ones(len(metas), bool)
    for _ in range(4):
        byte = b[np.minimum(at, len(b) - 1)].astype(np.int64)
        length = np.where(open_, length << 7 | byte & 0x7F, length)
        at = at + open_
        open_ = open_ & (byte >= 0x80)
    return np.where(open_, 1 << 28, np.minimum(at + length, 1 << 28)), kind


def _walk(after: Any, entry: int) -> Any:
    """The entries of the table that are visited from `entry` on, in order.

    Python takes one step in four; the three between are looked up for all of them at once.
    """
    sink = len(after)
    one = np.full(sink + 1, sink)
    np.minimum(after, sink, out=one[:-1])
    two = one.take(one)
    step: Any = memoryview(two.take(two))  # type: ignore[arg-type]
    stops = []
    while entry != sink:
        stops.append(entry)
        entry = step[entry]
    visited = np.empty((len(stops), 4), np.int64)
    visited[:, 0] = stops
    one.take(visited[:, 0], out=visited[:, 1])
    two.take(visited[:, 0], out=visited[:, 2])
    one.take(visited[:, 2], out=visited[:, 3])
    flat = visited.ravel()
    # Only the last row can hold the sink.
    return flat[: len(flat) - int((visited[-1] == sink).sum())]


def _decoded(b: Any, start: Any, body: Any, at: int, running: int) -> list[Any]:
    """The six columns of `Events`, ticks counted from before the first event."""
    width = body - start
    delta = b.take(body - 1).astype(np.int64)
    for back in (2, 3, 4):
        longer = np.flatnonzero(width >= back)
        if not len(longer):
            break
        delta[longer] |= (b.take(body[longer] - back) & 0x7F).astype(np.int64) << 7 * (back - 1)
    status, first, second = b.take(body), b.take(body + 1), b.take(body + 2)
    implied = np.flatnonzero(status < 0x80)
    if len(implied):
        first[implied], second[implied] = status[implied], first[implied]
        said = np.where((status < 0x80) | (status >= SYSEX), -1, np.arange(len(status)))
        last = np.maximum.accumulate(said)[implied]
        status[implied] = np.where(last >= 0, status[last], running)
    return [start + at, body + at, delta.cumsum(), status, first, second]


def _without_orphans(fields: list[Any], code: int) -> tuple[list[Any], int]:
    """Events before data bytes that no status precedes, if there are any such."""
    orphans = np.flatnonzero(fields[3] == 0)
    if not len(orphans):
        return fields, code
    cut = int(orphans[0])
    return [f[:cut] for f in fields], _DAMAGE + int(fields[0][cut])


# -- one place at a time ------------------------------------------------------------------------

CHAIN = 5
"""Well-formed events that confirm a place to go on from; chance gives so many once in 10^5."""


def leads_on(
    data: bytes, at: int, running: int, end: int, strict: bool = False, forgiven: int = 0
) -> bool:
    """Whether `CHAIN` well-formed events, or the track's end, follow from `at`.

    `strict` asks for a status byte first and for no pause of more than three bytes, since chance
    provides many data bytes and few status bytes. As many as `forgiven` values may be over 127.
    """
    for place in range(CHAIN):
        if at >= end:
            return at == end and (place > 0 or not strict)
        delta = read_number(data, at, end)
        if delta is None or delta[1] >= end or (strict and delta[1] - at > 3):
            return False
        at = delta[1]
        if data[at] >= 0x80 and data[at] < SYSEX:
            running = data[at]
        elif strict and place == 0 and data[at] < 0x80:
            return False
        if data[at : at + 2] == bytes([META, END_OF_TRACK]):
            return True
        after = _after_message(data, at, running, end)
        if after is None and forgiven:
            after = _after_message(data, at, running, end, 1)
            forgiven -= 1
        if after is None:
            return False
        at = after
    return True


def _after_message(data: bytes, at: int, running: int, end: int, forgiven: int = 0) -> int | None:
    """Where the message at `at` ends; None if it is not well-formed or reaches past the end.

    The last `forgiven` data bytes may be over 127.
    """
    status = data[at]
    if status in (META, SYSEX, ESCAPE):
        kind = status == META
        if kind and (at + 1 >= end or data[at + 1] >= 0x80):
            return None
        length = read_number(data, at + 1 + kind, end)
        return None if length is None or sum(length) > end else sum(length)
    if status > SYSEX or not running:
        return None
    at += status >= 0x80
    after = at + (1 if PROGRAM <= running < BEND else 2)
    good = after <= end and max(data[at : after - forgiven], default=0) < 0x80
    return after if good else None
