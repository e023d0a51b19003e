"""Mending one track: every well-formed event is kept, and what lies between is made sense of.

The walk goes from damage to damage. At each it asks the same question of every way to go on:
do well-formed events follow from there? The first way that a short chain of them confirms is
taken. What is dropped leaves a private meta event of the same delta time behind, so that what
follows stays where it was.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from segue.formats import smf
from segue.formats.salvage_notes import Ledger, imbalance, with_ends
from segue.formats.smf_events import Events, Walker, events_of

MOST_BREAKS = 10_000
"""Places in one file at which the walk may stop: about a second's work."""

_GLANCE = 200
"""Bytes that show whether notes and their ends match; some fifty events."""

_LONGEST_SYSEX = 4096
"""How far the end of a system exclusive message is sought, in bytes."""

_SEARCH = 1 << 16
"""How far ahead a place to go on from is sought, in bytes."""

MOST_TRIALS = 300_000
"""Places in one file that are tried as ones to go on from: under a second's work."""

_LONG_PAUSE_BEATS = 400
"""A delta time over this is damage, if its track is damaged: no piece rests a hundred bars."""

# An event that opens with a status byte, after a delta time of at most two bytes: longer ones are
# rare, and a byte over 127 behind another is rather a part of the damage.
_EVENT = re.compile(
    rb"(?:(?<![\x80-\xff])[\x80-\xff])?[\x00-\x7f]"
    rb"(?:[\x80-\xbf\xe0-\xef][\x00-\x7f]{2}|[\xc0-\xdf][\x00-\x7f]|\xff[\x00-\x7f]|\xf0)"
)

_FORGIVEN = smf.CHAIN - 2
"""Events of a chain that may be damaged in the same way: what wrote one wrong wrote more so."""

_SILENCE = bytes([smf.META, smf.PRIVATE, 0])
"""An event that says nothing, for the place of one that is left out."""


@dataclass
class Mended:
    """A track that is sound now: its bytes, and how often each thing was done to it."""

    body: bytes
    done: Counter[str] = field(default_factory=Counter)
    notes: int = 0
    last_tick: int = 0


class _Step(NamedTuple):
    """How to get past one break: where to go on, what to write instead, and what that is called."""

    resume: int
    written: bytes
    what: str = ""
    ended: bool = False


class Budget:
    """How much more work one file is worth: a file of pure noise must end in a second or two."""

    def __init__(self) -> None:
        self.breaks, self.trials = MOST_BREAKS, MOST_TRIALS

    def another_break(self) -> bool:
        """Use one up; False if none is left."""
        self.breaks -= 1
        return self.breaks >= 0

    def another_trial(self) -> bool:
        """Use one up; False if none is left."""
        self.trials -= 1
        return self.trials >= 0


def mend(data: bytes, start: int, end: int, division: int, budget: Budget) -> Mended:
    """The track in `data[start:end]` as a sound one; `division` is the ticks a beat."""
    done: Counter[str] = Counter()
    written: list[bytes] = []
    parts: list[Events] = []
    at, running, ended = start, 0, False
    walker = Walker(data, end)
    while not ended:
        part = _with_whole_sysex(data, walker.events(at, running))
        if len(part):
            parts.append(part)
            written += _verbatim(data, part)
            channel = part.status[part.status < smf.SYSEX]
            running = int(channel[-1]) if len(channel) else running
        at, ended = part.stop, part.ended
        if ended or at >= end:
            break
        if not budget.another_break():
            done["unread"] += end - at
            break
        step = _past_break(data, at, end, running) or _resumed(data, at, end, running, budget)
        if step.written:
            written.append(step.written)
            parts.append(events_of(step.written, 0, len(step.written)))
        done[step.what] += step.resume - at if step.what in _IN_BYTES else 1
        at, ended = step.resume, step.ended
    if not ended:
        done["no end of track"] += 1
    del done[""]
    return _finished(b"".join(written), parts, done, division)


_IN_BYTES = {"skipped", "cut"}
_AT_THE_END = {"cut", "no end of track"}


def _with_whole_sysex(data: bytes, part: Events) -> Events:
    """The events up to the first system exclusive message whose length cannot be right.

    Its data are bytes under 128, up to the one that ends it.
    """
    for index in _sysex(part):
        end = int(part.start[index + 1]) if index + 1 < len(part) else part.stop
        length = smf.read_number(data, int(part.body[index]) + 1, end)
        content = data[length[1] : end] if length else b""
        if part.status[index] == smf.SYSEX and not content.removesuffix(b"\xf7").isascii():
            return part.until(index)
    return part


def _sysex(part: Events) -> list[int]:
    found = (part.status == smf.SYSEX) | (part.status == smf.ESCAPE)
    return list(np.flatnonzero(found).tolist())


def _verbatim(data: bytes, part: Events) -> list[bytes]:
    """The bytes of well-formed events without system exclusive messages and an end of track.

    Each run of them opens with a status byte.
    """
    written: list[bytes] = []
    first, last = 0, len(part) - part.ended
    for index in [*_sysex(part), last]:
        if index > first:
            end = int(part.start[index]) if index < len(part) else part.stop
            written += _run(data, part, first, index, end)
        if index < last:
            written.append(data[int(part.start[index]) : int(part.body[index])] + _SILENCE)
        first = index + 1
    return written


def _run(data: bytes, part: Events, first: int, last: int, end: int) -> list[bytes]:
    """Events `first` up to `last`, which end at byte `end`, the first message's status stated."""
    start = int(part.start[first])
    channel = np.flatnonzero(part.status[first:last] < smf.SYSEX)
    if not len(channel):
        return [data[start:end]]
    index = first + int(channel[0])
    body = int(part.body[index])
    if data[body] >= 0x80:
        return [data[start:end]]
    return [data[start:body], bytes([part.status[index]]), data[body:end]]


# -- one break -----------------------------------------------------------------------------------


def _past_break(data: bytes, at: int, end: int, running: int) -> _Step | None:
    """A way past the break at `at`, where no well-formed channel or meta event starts, if any."""
    delta = smf.read_number(data, at, end)
    if delta is None:
        return _past_long_number(data, at, end, running)
    ticks, body = delta
    if body >= end:
        return _Step(end, b"", "cut")
    status = data[body]
    if status in (smf.SYSEX, smf.ESCAPE):
        return _past_sysex(data, ticks, body, end, running)
    if status == smf.META:
        return _past_meta(data, ticks, body, end, running)
    if status > smf.SYSEX:
        return _past_system(data, ticks, body, end, running)
    return _past_high_data(data, ticks, body, end, running)


def _pause(ticks: int) -> bytes:
    """Nothing, `ticks` after what came before."""
    return smf.number(ticks) + _SILENCE


def _past_long_number(data: bytes, at: int, end: int, running: int) -> _Step | None:
    """A delta time of five bytes or more: taken if it fits four, else as none at all."""
    body, value = at, 0
    while body < end and data[body] >= 0x80:
        value, body = (value << 7 | data[body] & 0x7F) & 0xFFFFFFFF, body + 1
    if body + 1 >= end:
        return _Step(end, b"", "cut")
    value, body = value << 7 | data[body], body + 1
    # With a delta time of nothing in front, the message is an event that can be looked at.
    alone = b"\0" + data[body : min(end, body + 4096)]
    if body - at > 12 or not smf.leads_on(alone, 0, running, len(alone)):
        return None
    message = events_of(alone, 0, len(alone), running)
    if not len(message):
        return None
    size = int(message.start[1]) if len(message) > 1 else message.stop
    raw = alone[1:size]
    status = b"" if raw[0] >= 0x80 else bytes([running])
    pause = _pause(value if value <= smf.LONGEST_DELTA else 0)
    return _Step(body + size - 1, pause + b"\0" + status + raw, "long number")


def _past_sysex(data: bytes, ticks: int, body: int, end: int, running: int) -> _Step | None:
    """A system exclusive message of a wrong length: up to the byte that ends it, if that leads on.

    A Score has no place for these messages, so that nothing is lost.
    """
    after = data.find(bytes([smf.ESCAPE]), body + 1, min(end, body + _LONGEST_SYSEX)) + 1
    if after and smf.leads_on(data, after, running, end):
        return _Step(after, _pause(ticks), "sysex")
    return None


def _past_meta(data: bytes, ticks: int, body: int, end: int, running: int) -> _Step | None:
    """A meta event of an unknown kind, or one that reaches past the end."""
    if body + 1 >= end:
        return _Step(end, b"", "cut")
    if data[body + 1] == smf.END_OF_TRACK:
        return _Step(end, _pause(ticks), ended=True)
    length = smf.read_number(data, body + 2, end)
    if length is not None:
        after = sum(length)
        if after <= end and smf.leads_on(data, after, running, end):
            return _Step(after, _pause(ticks), "meta")
        if smf.leads_on(data, length[1], running, end):
            return _Step(length[1], _pause(ticks), "meta")
    return None


def _past_system(data: bytes, ticks: int, body: int, end: int, running: int) -> _Step | None:
    """A system message that belongs on a cable, not in a file, or that does not exist at all."""
    after = body + 1 + smf.SYSTEM_DATA.get(data[body], 0)
    for resume in dict.fromkeys((after, body + 1)):
        if resume <= end and smf.leads_on(data, resume, running, end, forgiven=_FORGIVEN):
            return _Step(resume, _pause(ticks), "system")
    return None


def _past_high_data(data: bytes, ticks: int, body: int, end: int, running: int) -> _Step | None:
    """A message with a data byte over 127: a value is taken as 127, what says which goes."""
    stated = data[body] >= 0x80
    status = data[body] if stated else running
    size = 1 if smf.PROGRAM <= status < smf.BEND else 2
    after = body + stated + size
    if not status or (size == 1 and not stated):
        return None
    if after > end:
        return _Step(end, b"", "cut")
    if not smf.leads_on(data, after, status, end, forgiven=_FORGIVEN):
        return None
    if not stated and _is_misread(events_of(data, after, min(end, after + _GLANCE), status)):
        return None
    which, value = data[body + stated], data[after - 1]
    if which > 127:
        return _Step(after, _pause(ticks), "wrong message")
    return _Step(after, smf.number(ticks) + bytes([status, which, min(value, 127)]), "high data")


def _is_misread(events: Events) -> bool:
    """Whether bytes are read one off: with running status all pass for notes, few for their ends.

    What makes sense again then starts with a status byte.
    """
    notes = int(((events.status & 0xE0) == smf.NOTE_OFF).sum())
    return notes >= 8 and imbalance(events) > notes // 2


def _resumed(data: bytes, at: int, end: int, running: int, budget: Budget) -> _Step:
    """Go on at the next place from which well-formed events follow, or give the rest up."""
    limit = min(end, at + _SEARCH)
    found = _EVENT.search(data, at + 1, limit)
    while found and budget.another_trial():
        if smf.leads_on(data, found.start(), running, end, strict=True):
            return _Step(found.start(), b"", "skipped")
        found = _EVENT.search(data, found.start() + 1, limit)
    return _Step(end, b"", "cut" if end - at < 16 else "skipped")


# -- the track as a whole ------------------------------------------------------------------------


def _finished(body: bytes, parts: list[Events], done: Counter[str], division: int) -> Mended:
    """The mended events with all notes ended and an end of track."""
    end_of_track = bytes([0, smf.META, smf.END_OF_TRACK, 0])
    longest = max((int(np.diff(p.ticks, prepend=0).max()) for p in parts if len(p)), default=0)
    torn = bool(done.keys() - _AT_THE_END)
    if torn and longest > _LONG_PAUSE_BEATS * division:
        body = _without_long_pauses(body, division, done)
        parts = [events_of(body, 0, len(body))]
    notes = Ledger.of(parts)
    opened, open_ = notes.opened, notes.open
    # A track that merely breaks off leaves notes open where it does, and nowhere else.
    if notes.restruck and (torn or not done):
        done["restruck"] += notes.restruck
        body, open_, opened = with_ends(body)
    if len(open_):
        done["unended"] += len(open_)
    at_once = opened == notes.last_tick
    body += _ends_of(open_[~at_once], 0) + _ends_of(open_[at_once], division)
    return Mended(body + end_of_track, done, notes.count, notes.last_tick)


def _ends_of(keys: Any, delta: int) -> bytes:
    """Ends of notes by key, channel * 128 + pitch, all of them `delta` ticks later."""
    offs = [bytes([smf.NOTE_OFF | key >> 7, key & 0x7F, 0]) for key in keys.tolist()]
    return smf.number(delta) + b"\0".join(offs) if offs else b""


def _without_long_pauses(body: bytes, division: int, done: Counter[str]) -> bytes:
    """Delta times that only damage explains, made nothing by a number of as many bytes."""
    found = events_of(body, 0, len(body))
    deltas = np.diff(found.ticks, prepend=0)
    long = np.flatnonzero(deltas > _LONG_PAUSE_BEATS * division)
    fixed = bytearray(body)
    for index in long.tolist():
        start, stop = int(found.start[index]), int(found.body[index])
        fixed[start:stop] = b"\x80" * (stop - start - 1) + b"\0"
    done["long pause"] += len(long)
    return bytes(fixed)
