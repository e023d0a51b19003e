"""The events of a MIDI track, found in bulk.

Python is not asked about each byte: for all bytes of a window at once NumPy works out where the
next event would start if one started there, and a walk along that table visits only the true
starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.formats.smf import (
    BEND,
    END_OF_TRACK,
    ESCAPE,
    META,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    SYSEX,
    read_number,
)

Ints = NDArray[np.int64]
Small = NDArray[np.uint8]


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

    def until(self, event: int) -> Events:
        """The events before that one."""
        return Events(
            self.start[:event],
            self.body[:event],
            self.ticks[:event],
            self.status[:event],
            self.first[:event],
            self.second[:event],
            stop=int(self.start[event]),
            ended=False,
        )

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


# Windows keep the tables inside the cache, and a big file's memory within a few times its size;
# the first is small, because a damaged track is walked from one damage to the next.
_FIRST_WINDOW, _WINDOW = 1 << 11, 1 << 14
# The longest that an event can be before its payload: delta, status, type and length.
_LOOKAHEAD = 10
# Where the table says that no event starts here, and that the track ends here.
_DAMAGE, _ENDED = 1 << 29, 1 << 30


_WITH_LENGTH = 20
"""The class of bytes from which on an event says its own length."""


def _classes() -> bytes:
    """What each status byte takes: 0 is a data byte, 4 and 8 that many data bytes times four."""
    classes = bytearray(NOTE_OFF) + bytes([16]) * 128
    classes[NOTE_OFF:SYSEX] = bytes(4 if PROGRAM <= s < BEND else 8 for s in range(0x80, 0xF0))
    classes[META], classes[SYSEX], classes[ESCAPE] = _WITH_LENGTH, 28, 28
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


def events_of(data: bytes, at: int, end: int, running: int = 0) -> Events:
    """As `Walker.events`, for one walk."""
    return Walker(data, end).events(at, running)


class Walker:
    """Finds the events of `data` up to `end`; walks that go on close by share what was found."""

    def __init__(self, data: bytes, end: int) -> None:
        self._data, self._end = data, end
        self._table: _Table | None = None

    def events(self, at: int, running: int = 0) -> Events:
        """All well-formed events from `at`: to an end of track, the end or the first that is not.

        `running` is the status in force (0: none). Channel messages, meta events and system
        exclusive messages are followed. Other system messages stop the walk for the caller to see
        to, and so do data bytes over 127, data bytes before any status, and numbers of more than
        four bytes.
        """
        parts: list[tuple[Any, ...]] = []
        code, tick, size = at, 0, _FIRST_WINDOW
        while at < self._end:
            fields, code = self._at(at, size).events(at, running)
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
        columns: list[Any] = [np.concatenate(c) for c in zip(*parts, strict=True)]
        columns = columns or [np.empty(0, dtype) for dtype in (np.int64,) * 3 + (np.uint8,) * 3]
        start, body, ticks, status, first, second = columns
        return Events(start, body, ticks, status, first, second, at, code >= _ENDED)

    def _at(self, at: int, size: int) -> _Table:
        """The table that `at` lies in: the last one, or a new one of up to `size` bytes."""
        table = self._table
        if table is None or not table.base <= at < table.base + table.limit:
            table = self._table = _Table(self._data, at, self._end, size)
        return table


class _Table:
    """For every byte of a window: where the next event starts if one starts there.

    `body` has shape (limit,): an event's first byte after its delta. `after` has shape
    (2 * limit,): entry 2 * i + w is 2 * j + v if an event whose delta starts at i, while running
    status takes w + 1 data bytes, is followed by one at j while it takes v + 1.
    """

    def __init__(self, data: bytes, base: int, end: int, size: int) -> None:
        available = end - base
        self.base, self.limit = base, min(available, size)
        taken = min(available, self.limit + _LOOKAHEAD)
        self.b = np.zeros(self.limit + _LOOKAHEAD + 2, np.uint8)
        self.b[:taken] = np.frombuffer(data, np.uint8, taken, base)
        self.body, self.after = _successors(self.b, self.limit, available)
        # Steps of one event, two and four; the last entry is where all walks end.
        self.sink = len(self.after)
        self.one = np.full(self.sink + 1, self.sink)
        np.minimum(self.after, self.sink, out=self.one[:-1])
        self.two = self.one.take(self.one)
        self.four: Any = memoryview(self.two.take(self.two))  # type: ignore[arg-type]

    def events(self, at: int, running: int) -> tuple[list[Any], int]:
        """The columns of the events from `at`, and where the next one starts.

        That is a position, or `_DAMAGE` or `_ENDED` plus a position.
        """
        narrow = PROGRAM <= running < BEND
        visited = self._walk(2 * (at - self.base) + (not narrow))
        final = int(self.after[visited[-1]])
        start = visited >> 1
        if final >= _ENDED:
            final += self.base + int(self.body[start[-1]]) + 3
        elif final >= _DAMAGE:
            final, start = _DAMAGE + self.base + int(start[-1]), start[:-1]
        else:
            final = self.base + (final >> 1)
        return _decoded(self.b, start, self.body.take(start), self.base, running), final

    def _walk(self, entry: int) -> Any:
        """The entries that are visited from `entry` on, in order.

        Python takes one step in four; the three between are looked up for all of them at once.
        """
        sink, step = self.sink, self.four
        stops = []
        while entry != sink:
            stops.append(entry)
            entry = step[entry]
        visited = np.empty((len(stops), 4), np.int64)
        visited[:, 0] = stops
        self.one.take(visited[:, 0], out=visited[:, 1])
        self.two.take(visited[:, 0], out=visited[:, 2])
        self.one.take(visited[:, 2], out=visited[:, 3])
        flat = visited.ravel()
        # Only the last row can hold the sink.
        return flat[: len(flat) - int((visited[-1] == sink).sum())]


def _successors(b: Any, limit: int, available: int) -> tuple[Any, Any]:
    """The columns `body` and `after` of a table."""
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
    long = np.flatnonzero(classes >= _WITH_LENGTH)
    if len(long):
        pairs = follows.view(np.int32).reshape(m, 2)
        pairs[long, 0], pairs[long, 1] = _after_long(b, long, available)
    after = follows.take(body).view(np.int32)
    # Four bytes with the high bit set are no number; no event may reach past the end.
    for bad in np.flatnonzero(h3).tolist():
        after[2 * bad : 2 * bad + 2] = _DAMAGE
    tail = after[-4 * _LOOKAHEAD :]
    tail[(tail > 2 * available + 1) & (tail < _DAMAGE)] = _DAMAGE
    return body, after


def _after_long(b: Any, long: Any, available: int) -> tuple[Any, Any]:
    """What follows the events at `long` that say their length, for either width of status."""
    meta = b[long] == META
    kind = b[long + 1]
    end = _ends(b, long + 1 + meta)
    good = (end <= available) & ~(meta & (kind >= 0x80))
    narrow = np.where(good, 2 * end, _DAMAGE)
    narrow[good & meta & (kind == END_OF_TRACK)] = _ENDED
    return narrow, narrow + (narrow < _DAMAGE)


def _ends(b: Any, at: Any) -> Any:
    """Where data ends whose lengths stand at `at`; a bad length leads to 2^28."""
    length = np.zeros(len(at), np.int64)
    unfinished = np.ones(len(at), bool)
    for _ in range(4):
        byte = b[np.minimum(at, len(b) - 1)].astype(np.int64)
        length = np.where(unfinished, length << 7 | byte & 0x7F, length)
        at = at + unfinished
        unfinished = unfinished & (byte >= 0x80)
    return np.where(unfinished, 1 << 28, np.minimum(at + length, 1 << 28))


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
