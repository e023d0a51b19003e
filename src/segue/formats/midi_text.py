"""What symusic does not hand over: texts of all kinds, names in old encodings, silent channels.

Each is looked for cheaply first; the events of a track are found only where there is something
to fetch.
"""

from __future__ import annotations

import re
from dataclasses import replace

from segue.formats import smf
from segue.formats.parsed import ParsedTrack
from segue.formats.smf import Chunk
from segue.formats.smf_events import events_of
from segue.score import Text, Track

KINDS = {
    smf.TEXT: "text",
    smf.COPYRIGHT: "copyright",
    smf.LYRIC: "lyric",
    smf.MARKER: "marker",
    smf.CUE: "marker",
}
"""Meta event types as kinds of Text; a cue point is a marker."""

_META, _TYPES = bytes([smf.META]), {bytes([kind]) for kind in KINDS}
_MAY_START_NOTE = re.compile(rb"[\x90-\x9f][\x00-\x7f][\x01-\x7f]")
_MAY_CHANGE = re.compile(rb"[\xb0-\xbf\xe0-\xef][\x00-\x7f]")


def decoded(raw: bytes) -> str:
    """Text of a MIDI file: UTF-8, or else the Western encoding that older programs wrote."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            pass
    return raw.decode("latin-1")


def texts_of(data: bytes, chunks: list[Chunk]) -> tuple[Text, ...]:
    """All texts of all tracks, with their ticks."""
    found: list[Text] = []
    at = 0
    for track in chunks:
        if at < track.start and at >= 0:
            at = _next_text(data, track.start)
        if not 0 <= at < track.end:
            continue
        events = events_of(data, track.start, track.end)
        found += [
            Text(int(events.ticks[i]), decoded(events.payload(data, i)), KINDS[events.first[i]])
            for i in events.metas(*KINDS)
        ]
    return tuple(found)


def _next_text(data: bytes, at: int) -> int:
    """The next place at which a text may stand, -1 if there is none."""
    at = data.find(_META, at)
    while at >= 0 and data[at + 1 : at + 2] not in _TYPES:
        at = data.find(_META, at + 1)
    return at


def renamed(tracks: tuple[Track, ...], data: bytes, chunks: list[Chunk]) -> tuple[Track, ...]:
    """The tracks with the names that symusic spoiled, because they are not UTF-8, mended."""
    if not any("\ufffd" in t.name for t in tracks):
        return tracks
    names = {}
    for chunk in chunks:
        events = events_of(data, chunk.start, chunk.end)
        for index in events.metas(smf.NAME):
            raw = events.payload(data, index)
            names[raw.decode("utf-8", "replace")] = decoded(raw)
    return tuple(replace(t, name=names.get(t.name, t.name)) for t in tracks)


def with_silent_channels(data: bytes, chunks: list[Chunk], heard: int) -> bytes:
    """The file with a note that can be told from others where symusic would drop controllers.

    It drops those of a channel that has no notes in its own track: a pedal recorded on a track of
    its own. `heard` is the number of tracks with notes that symusic found; the same object comes
    back if there is nothing to do, and `without_voices` takes the notes out again.
    """
    may_start = [_MAY_START_NOTE.search(data, c.start, c.end) is not None for c in chunks]
    all_heard = heard >= sum(may_start)
    parts, at = [], 0
    for chunk, notes in zip(chunks, may_start, strict=True):
        if (notes and all_heard) or not _MAY_CHANGE.search(data, chunk.start, chunk.end):
            continue
        events = events_of(data, chunk.start, chunk.end)
        channels = events.channels_of(smf.CONTROL, smf.BEND)
        if not channels or events.has_notes():
            continue
        where = int(events.start[-1]) if events.ended else chunk.end
        voices = b"".join(
            bytes([0, smf.NOTE_ON | channel, 0, 1, 0, smf.NOTE_OFF | channel, 0, 0])
            for channel in channels
        )
        body = data[chunk.start : where] + voices + data[where : chunk.end]
        parts += [data[at : chunk.start - smf.CHUNK.size], smf.chunk(chunk.kind, body)]
        at = chunk.end
    return b"".join([*parts, data[at:]]) if parts else data


def without_voices(tracks: list[ParsedTrack], before: list[ParsedTrack]) -> list[ParsedTrack]:
    """The tracks without the notes that `with_silent_channels` put there.

    `before` are those that were parsed without them: what looks like such a note there is one
    of the file's own, and stays.
    """
    own = [_content(t) for t in before if _is_voice(t)]
    without = []
    for track in tracks:
        added = _is_voice(track) and _content(track) not in own
        without.append(replace(track, notes=track.notes[:0]) if added else track)
        if _is_voice(track) and not added:
            own.remove(_content(track))
    return without


def _content(track: ParsedTrack) -> tuple[object, ...]:
    """All of a track, to be compared."""
    tables = (t.tobytes() for t in (track.notes, track.controls, track.bends))
    return (track.name, track.program, track.is_drum, *tables)


def _is_voice(track: ParsedTrack) -> bool:
    """Whether a track's only note is one that nobody would write: the lowest, softest, of no
    length."""
    if len(track.notes) != 1:
        return False
    _, duration, pitch, velocity, *_ = track.notes[0].tolist()
    return bool((duration, pitch, velocity) == (0, 0, 1))
