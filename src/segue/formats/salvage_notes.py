"""Which notes of a track are ended, and ends for those that are not.

A note is ended by the first end of its pitch on its channel that no earlier note has taken: first
to start, first to end, as symusic reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.formats import smf
from segue.formats.smf_events import Events, events_of


@dataclass(frozen=True)
class Ledger:
    """The notes of a track: those still open at its end, and when they started.

    `open` are keys, channel * 128 + pitch, one for each note; `opened` are the ticks of the last
    start on each. `restruck` counts starts of notes that were sounding
    already, on keys that are left open: there an end is missing somewhere before.
    """

    open: Any
    opened: Any
    last_tick: int
    restruck: int
    count: int

    @classmethod
    def of(cls, parts: list[Events]) -> Ledger:
        """The ledger of a track's events."""
        if not parts:
            none = np.empty(0, np.int64)
            return cls(none, none, 0, 0, 0)
        offset, ticks = 0, []
        for part in parts:
            ticks.append(part.ticks + offset)
            offset = int(ticks[-1][-1]) if len(part) else offset
        status = np.concatenate([p.status for p in parts])
        first = np.concatenate([p.first for p in parts])
        second = np.concatenate([p.second for p in parts])
        key, step, at = _note_steps(status, first, second)
        if not len(key):
            none = np.empty(0, np.int64)
            return cls(none, none, offset, 0, 0)
        tick = np.concatenate(ticks)[at]
        last_of_key = np.append(key[1:] != key[:-1], True)
        left = _depths(key, step)[last_of_key]
        keys = np.repeat(key[last_of_key], left)
        restruck = (step[1:] > 0) & (step[:-1] > 0) & (key[1:] == key[:-1])
        restruck &= np.isin(key[1:], keys)
        opened = np.repeat(tick[last_of_key], left)
        return cls(keys, opened, offset, int(restruck.sum()), int((step > 0).sum()))


def _note_steps(status: Any, first: Any, second: Any) -> tuple[Any, Any, Any]:
    """Starts (+1) and ends (-1) of notes by key, then time: keys, steps, places in the events."""
    kind = status & 0xF0
    on = (kind == smf.NOTE_ON) & (second > 0)
    off = (kind == smf.NOTE_OFF) | ((kind == smf.NOTE_ON) & (second == 0))
    at = np.flatnonzero(on | off)
    key = (status[at].astype(np.int64) & 0x0F) << 7 | first[at]
    # Eleven bits of key: sixteen are sorted in two passes, sixty-four by comparing.
    order = np.argsort(key.astype(np.uint16), kind="stable")
    at = at[order]
    return key[order], np.where(on[at], 1, -1), at


def _depths(key: Any, step: Any) -> Any:
    """How many notes of its key are open after each step; ends without a start do not count."""
    total = np.cumsum(step)
    new = np.append(True, key[1:] != key[:-1])
    group = np.cumsum(new) - 1
    within = total - (total - step)[new][group]
    # Each group lies wholly below the one before, so that one running minimum serves them all.
    far = (len(key) + 1) * group
    lowest = np.minimum.accumulate(within - far) + far
    return within - np.minimum(lowest, 0)


def with_ends(body: bytes) -> tuple[bytes, Any, Any]:
    """The track with an end before each start of a note that is sounding on a key left open.

    With it come the keys that are still open then, and the ticks at which their notes start.
    """
    found = events_of(body, 0, len(body))
    key, step, at = _note_steps(found.status, found.first, found.second)
    last_of_key = np.append(key[1:] != key[:-1], True)
    left = _depths(key, step)[last_of_key] > 0
    keys = key[last_of_key][left]
    again = (step[1:] > 0) & (step[:-1] > 0) & (key[1:] == key[:-1]) & np.isin(key[1:], keys)
    written, done = [], 0
    for index in np.sort(at[1:][again]).tolist():
        start, message = int(found.start[index]), int(found.body[index])
        status = int(found.status[index])
        end = bytes([smf.NOTE_OFF | status & 0x0F, int(found.first[index]), 0])
        written += [body[done:start], body[start:message], end, bytes([0, status])]
        done = message + (body[message] >= 0x80)
    # Of a key left open, each start but the last now has an end before it.
    open_now = left & (step[last_of_key] > 0)
    opened = found.ticks[at[last_of_key][open_now]]
    return b"".join([*written, body[done:]]), key[last_of_key][open_now], opened


def imbalance(events: Events) -> int:
    """Notes that nothing ends and ends that no note waits for: many where bytes are misread."""
    key, step, _ = _note_steps(events.status, events.first, events.second)
    if not len(key):
        return 0
    depths = _depths(key, step)
    last_of_key = np.append(key[1:] != key[:-1], True)
    left = depths[last_of_key]
    balance = np.add.reduceat(step, np.flatnonzero(np.append(True, last_of_key[:-1])))
    return int(left.sum() + (left - balance).sum())
