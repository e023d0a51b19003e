"""The bytes of a Standard MIDI file: chunks, numbers, and the events at one place.

`segue.formats.smf_events` finds the events of a whole track.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

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


SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1}
"""The system messages that have data bytes, and how many."""

CHAIN = 5
"""Well-formed events that confirm a place to go on from; chance gives so many once in 10^5."""


def leads_on(
    data: bytes, at: int, running: int, end: int, strict: bool = False, forgiven: int = 0
) -> bool:
    """Whether `CHAIN` well-formed events, or the track's end, follow from `at`.

    `strict` asks for a status byte first and for no pause of more than three bytes, since chance
    provides many data bytes and few status bytes. As many as `forgiven` of the events may have a
    value over 127, or be a system message.
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
            after = _after_message(data, at, running, end, forgiven=True)
            forgiven -= 1
        if after is None:
            return False
        at = after
    return True


def _after_message(
    data: bytes, at: int, running: int, end: int, forgiven: bool = False
) -> int | None:
    """Where the message at `at` ends; None if it is not well-formed or reaches past the end.

    If `forgiven`, the last data byte may be over 127, and system messages are messages.
    """
    status = data[at]
    if status in (META, SYSEX, ESCAPE):
        kind = status == META
        if kind and (at + 1 >= end or data[at + 1] >= 0x80):
            return None
        length = read_number(data, at + 1 + kind, end)
        return None if length is None or sum(length) > end else sum(length)
    if status > SYSEX:
        return at + 1 + SYSTEM_DATA.get(status, 0) if forgiven else None
    if not running:
        return None
    at += status >= 0x80
    after = at + (1 if PROGRAM <= running < BEND else 2)
    good = after <= end and max(data[at : after - forgiven], default=0) < 0x80
    return after if good else None
