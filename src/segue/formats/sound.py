"""Whether a MIDI file is sound: what must hold before symusic is given it."""

from __future__ import annotations

import numpy as np

from segue.formats import limits, smf
from segue.formats.smf import Chunk
from segue.formats.smf_events import events_of

_MOST_PLACES = 64
"""Long pauses looked at one by one; more than that, and looking at all events is quicker."""


def sound_tracks(data: bytes, events_are_sound: bool = False) -> list[Chunk] | None:
    """The track chunks of a file that symusic may be given, or None.

    `events_are_sound` says that the events need no look: their bytes are our own work.
    """
    if len(data) < smf.HEADER.size:
        return None
    head, length, form, count, division = smf.HEADER.unpack_from(data)
    if head != b"MThd" or length != 6 or form > 2 or not 0 < division < 0x8000:
        return None
    tracks = [c for c in smf.chunks(data) or () if c.kind == b"MTrk"]
    if not 0 < len(tracks) <= count:
        return None
    return None if not events_are_sound and _is_risky(data, tracks) else tracks


def _is_risky(data: bytes, tracks: list[Chunk]) -> bool:
    """Whether symusic could do harm, or read a note where there is none.

    It counts ticks in 32 bits, and a data byte over 127 right behind a status byte makes it pair
    notes across channels, or on channel 16 write past its own table. Either needs bytes over 127
    side by side, which are pauses of 16,384 ticks or more in sound files, and few. Each is looked
    at where it stands, and all events one by one only if that leaves a doubt.
    """
    high = np.frombuffer(data, np.int8) < 0
    pairs = (high[1:] & high[:-1]).nonzero()[0]
    # No file of this length reaches a later tick, with steps of up to two bytes, three and four.
    last_tick = len(data) // 3 << 14
    if len(pairs):
        longer = np.append(False, np.diff(pairs) == 1)
        last_tick += (len(pairs) << 21) + (int(longer.sum()) << 28)
        places = pairs[~longer]
        if len(places) > _MOST_PLACES:
            return not all(_follows(data, track) for track in tracks)
        pauses = all(smf.leads_on(data, at, 0, len(data)) for at in places.tolist())
    else:
        pauses = True
    if pauses and last_tick < 1 << 31:
        return False
    return not all(_follows(data, track) for track in tracks)


def _follows(data: bytes, track: Chunk) -> bool:
    """Whether a track is well-formed event by event and ends before the last tick allowed."""
    found = events_of(data, track.start, track.end)
    short = not len(found) or int(found.ticks[-1]) <= limits.TICKS
    return short and (found.ended or found.stop == track.end)
