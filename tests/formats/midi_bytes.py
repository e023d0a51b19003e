"""MIDI files written by hand for the tests: a header, chunks and events, byte by byte."""

from __future__ import annotations

import struct

END = b"\x00\xff\x2f\x00"
"""Delta 0, end of track."""

SCALE = b"".join(bytes([0, 0x90, p, 80, 96, 0x80, p, 0]) for p in (60, 62, 64, 65, 67, 69, 71, 72))
"""Eight notes of 96 ticks: C D E F G A B c, loudness 80, channel 1."""


def chunk(body: bytes, kind: bytes = b"MTrk", claims: int | None = None) -> bytes:
    """A chunk; `claims` is the length it gives if that is not its own."""
    return kind + struct.pack(">I", len(body) if claims is None else claims) + body


def smf(*bodies: bytes, form: int = 1, tracks: int | None = None, division: int = 96) -> bytes:
    """A file of track chunks; `tracks` is the number that the header promises."""
    count = len(bodies) if tracks is None else tracks
    head = b"MThd" + struct.pack(">IHHH", 6, form, count, division)
    return head + b"".join(chunk(body) for body in bodies)


def note(pitch: int, delta: int = 0, length: int = 96, channel: int = 0) -> bytes:
    """A note: on after `delta` ticks, off after `length` more (both under 128)."""
    return bytes([delta, 0x90 | channel, pitch, 80, length, 0x80 | channel, pitch, 0])


def meta(kind: int, payload: bytes, delta: int = 0) -> bytes:
    """A meta event after `delta` ticks (under 128)."""
    return bytes([delta, 0xFF, kind, len(payload)]) + payload
