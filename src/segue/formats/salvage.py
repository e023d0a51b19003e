"""The forgiving reader: what is left of a damaged MIDI file, as sound bytes and a list of repairs.

From the outside in: what the file is wrapped in, its header, the lengths of its chunks, and then
each track, event by event (`segue.formats.salvage_track`). The result is a plain format 1 file
that the strict path reads as any other, so that salvaged music differs from sound music in
nothing but its list of repairs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from segue.errors import FormatError, LimitError
from segue.formats import limits, smf
from segue.formats.repairs import Report, bytes_of, counted
from segue.formats.salvage_lines import with_carriage_returns
from segue.formats.salvage_track import Budget, Mended, mend
from segue.formats.smf_events import events_of

DEFAULT_DIVISION = 480
"""Ticks a beat for a file that does not say; the most common figure."""

MOST_CHUNKS = 4096
"""Track chunks of a damaged file that are looked at; sound files have up to a few dozen."""

_SLACK = 64
"""Bytes behind a track's claimed end that are still taken for its own: the damage may add a few."""

# What people have under the name of a MIDI file, by its first bytes.
_OTHER_FILES = {
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"7z\xbc\xaf": "a 7-zip archive: unpack it first",
    b"RIFF": "a RIFF file without MIDI in it, such as a WAV sound",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself with `git lfs pull`",
    b"<": "a web page or XML: the download went wrong, or it needs the suffix .musicxml",
    b"vti_encoding": "a FrontPage note about a file, not the file",
    b"ID3": "an MP3 sound",
    b"fLaC": "a FLAC sound",
    b"OggS": "an Ogg sound",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"X:": "ABC notation: give it the suffix .abc",
}


@dataclass
class _Header:
    """What the header says, as far as it can be believed, and where the chunks start."""

    division: int
    tracks: int | None
    chunks_at: int
    tempo: int | None = None


def unwrapped(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """The file out of what it is wrapped in, from its header on, and what was done to get there.

    Raises FormatError if it is no MIDI file, saying what it is instead where that is known.
    """
    report = Report()
    data = _without_added_line_ends(_from_header(data, name, report), report)
    return data, report.lines


def mended(data: bytes, name: str, repairs: list[str]) -> tuple[bytes, list[str]]:
    """Sound bytes with what can be saved of an unwrapped file, and all `repairs`.

    Raises FormatError if there is no music to save, with the reason, and LimitError for a file
    past `segue.formats.limits`.
    """
    report = Report(list(repairs))
    header = _header(data, name, report)
    found = _track_chunks(data, header, report)
    if len(found) > MOST_CHUNKS:
        raise LimitError(f"{name} is damaged and claims {len(found)} tracks; up to {MOST_CHUNKS}.")
    budget = Budget()
    tracks: list[Mended] = []
    for number, (start, end, claimed) in enumerate(found, 1):
        tracks.append(_mended(data, start, end, claimed, header, budget))
        report.add_track(number, tracks[-1].done)
    if not any(track.notes for track in tracks):
        why = "; ".join(report.shortened()) or "no track holds a note"
        raise FormatError(f"{name} holds no notes that could be saved: {why}.")
    limits.check("ticks", max(track.last_tick for track in tracks), limits.TICKS, name)
    bodies = [track.body for track in tracks]
    if header.tempo is not None:
        bodies = [_conductor(header.tempo), *map(_without_tempi, bodies)]
    head = smf.HEADER.pack(b"MThd", 6, 1, len(bodies), header.division)
    chunks = b"".join(smf.chunk(b"MTrk", body) for body in bodies)
    return head + chunks, report.shortened()


# -- wrapping and header -------------------------------------------------------------------------


def _from_header(data: bytes, name: str, report: Report) -> bytes:
    """The file from its header on. Raises FormatError if it is no MIDI file at all."""
    if not data:
        raise FormatError(f"{name} is empty: there is nothing in it to read.")
    at = data.find(b"MThd")
    if at == 0:
        return data
    if at > 0 and data[:4] == b"RIFF" and data[8:12] == b"RMID":
        report.add("unwrapped the MIDI file from its RIFF container")
        (size,) = struct.unpack_from("<I", data, at - 4)
        inside = at + size <= len(data) and data[at - 8 : at - 4] == b"data"
        return data[at : at + size] if inside else data[at:]
    if at > 0:
        report.add(f"skipped {bytes_of(at)} before the header")
        return data[at:]
    if (first := data.find(b"MTrk")) >= 0:
        report.add(f"the header is missing: took {DEFAULT_DIVISION} ticks a beat")
        return smf.HEADER.pack(b"MThd", 6, 1, 1, DEFAULT_DIVISION) + data[first:]
    for start, what in _OTHER_FILES.items():
        if data.lstrip()[: len(start)] == start:
            raise FormatError(f"{name} is no MIDI file but {what}.")
    raise FormatError(f"{name} is no MIDI file: neither a header nor a track is found in it.")


def _header(data: bytes, name: str, report: Report) -> _Header:
    """What the header says. Raises FormatError if nothing follows it."""
    if len(data) < smf.HEADER.size:
        raise FormatError(f"{name} ends inside its header: there are no tracks to read.")
    _, length, form, tracks, division = smf.HEADER.unpack_from(data)
    at = 8 + length
    if data[at : at + 4] != b"MTrk" or length < 6:
        at = data.find(b"MTrk", 8)
        if at < 0:
            raise FormatError(f"{name} has a header but no tracks: there is nothing to read.")
        if length != 6:
            report.add(f"the header gives its length as {bytes_of(length)}, which is wrong")
    elif length > 6:
        report.add(f"the header is {length:,} bytes long: read the first 6")
    if at < smf.HEADER.size:
        report.add(f"the header is cut off: took {DEFAULT_DIVISION} ticks a beat")
        return _Header(DEFAULT_DIVISION, None, at)
    if form > 2:
        report.add(f"the header claims format {form:,}: read it as format 1")
    if division & 0x8000:
        return _timecode(division, tracks, at, report)
    if division == 0:
        report.add(f"the header claims 0 ticks a beat: took {DEFAULT_DIVISION}")
    return _Header(division or DEFAULT_DIVISION, tracks, at)


def _timecode(division: int, tracks: int, at: int, report: Report) -> _Header:
    """SMPTE time, in ticks of a fixed length, as beats of half a second and so many ticks."""
    frames, per_frame = 256 - (division >> 8), division & 0xFF
    if frames not in (24, 25, 29, 30) or not per_frame:
        report.add(
            f"the header claims {frames} frames a second of {per_frame} ticks: "
            f"took {DEFAULT_DIVISION} ticks a beat"
        )
        return _Header(DEFAULT_DIVISION, tracks, at)
    # 29 stands for 30 frames in 1.001 seconds.
    whole = 30 if frames == 29 else frames
    seconds = 1.001 if frames == 29 else 1.0
    beats = 1 if whole * per_frame % 2 else 2
    tempo = round(1e6 * seconds / beats)
    ticks = whole * per_frame // beats
    report.add(
        f"turned time code of {frames} frames a second and {per_frame} ticks a frame "
        f"into {ticks} ticks a beat"
    )
    return _Header(ticks, tracks, at, tempo)


def _without_added_line_ends(data: bytes, report: Report) -> bytes:
    """Undo a text-mode transfer that wrote CR LF for every LF, if the lengths say it was one."""
    pairs = data.count(b"\r\n")
    if not pairs or pairs != data.count(b"\n") or smf.chunks(data) is not None:
        return data
    restored = data.replace(b"\r\n", b"\n")
    if smf.chunks(restored) is None:
        return data
    returns = counted(pairs, "carriage return")
    report.add(f"took out {returns} that a text-mode transfer had put in")
    return restored


# -- chunks --------------------------------------------------------------------------------------


def _track_chunks(data: bytes, header: _Header, report: Report) -> list[tuple[int, int, int]]:
    """Start, end and claimed length of each track's body, lengths believed where they lead on."""
    found: list[tuple[int, int, int]] = []
    at, size = header.chunks_at, len(data)
    while at + smf.CHUNK.size <= size:
        kind, length = smf.CHUNK.unpack_from(data, at)
        start = at + smf.CHUNK.size
        at = start + length
        if kind == b"MTrk" and (_leads_on(data, at) or _ends_at(data, start, at)):
            found.append((start, at, length))
        elif kind == b"MTrk":
            end = _believed_end(data, start, at)
            at = _next_track(data, end)
            found.append((start, end, length))
            if end - start != length:
                report.add(
                    f"track {len(found)} claimed {bytes_of(length)}, {end - start:,} were there: "
                    "read what was there"
                )
            if at > end:
                report.add(f"skipped {bytes_of(at - end)} behind track {len(found)}")
        elif not (kind.isalnum() and _leads_on(data, at)):
            at = start - smf.CHUNK.size
            resume = _next_track(data, at)
            # Behind the promised tracks this is the slack of a disk, and may hold another piece.
            if resume == size or len(found) == header.tracks:
                break
            report.add(f"skipped {bytes_of(resume - at)} that belong to no track")
            at = resume
    if at < size:
        report.add(f"skipped {bytes_of(size - at)} after the last track")
    if header.tracks is not None and header.tracks != len(found):
        promised = counted(header.tracks, "track")
        report.add(f"the header promises {promised}, the file has {len(found):,}")
    return found


def _ends_at(data: bytes, start: int, end: int) -> bool:
    """Whether a track of well-formed events ends just at `end`, whatever follows there."""
    if end > len(data):
        return False
    events = events_of(data, start, end)
    return events.ended and events.stop == end


def _leads_on(data: bytes, at: int) -> bool:
    """Whether a chunk may end at `at`: at the file's end, or where another chunk starts."""
    if at >= len(data) - 3:
        return at <= len(data)
    if data[at : at + 4] == b"MTrk":
        return True
    if not data[at : at + 4].isalnum() or at + smf.CHUNK.size > len(data):
        return False
    return at + smf.CHUNK.size + smf.CHUNK.unpack_from(data, at)[1] <= len(data)


def _believed_end(data: bytes, start: int, claimed: int) -> int:
    """Where a track ends whose claimed end leads nowhere.

    That is where the next one starts if that comes first. If it comes later, the events say: a
    track is read past its claimed end while they are well-formed, and no further.
    """
    following = _next_track(data, start)
    if following <= claimed + _SLACK:
        return following
    return max(claimed, events_of(data, start, following).stop)


def _next_track(data: bytes, at: int) -> int:
    """Where the next track chunk starts, or the file's end."""
    found = data.find(b"MTrk", at)
    return found if found >= 0 else len(data)


# -- tracks --------------------------------------------------------------------------------------


def _mended(
    data: bytes, start: int, end: int, claimed: int, header: _Header, budget: Budget
) -> Mended:
    """One track, with carriage returns put back where their loss explains its length."""
    missing = start + claimed - end
    if missing > 0:
        restored, count = with_carriage_returns(data[start:end], missing)
        if count:
            track = mend(restored, 0, len(restored), header.division, budget)
            track.done["carriage return"] = count
            return track
    return mend(data, start, end, header.division, budget)


def _conductor(tempo: int) -> bytes:
    event = bytes([0, smf.META, smf.SET_TEMPO, 3]) + tempo.to_bytes(3, "big")
    return event + bytes([0, smf.META, smf.END_OF_TRACK, 0])


def _without_tempi(body: bytes) -> bytes:
    """The track with its tempi made private events: time code takes no notice of them."""
    events = events_of(body, 0, len(body))
    silent = bytearray(body)
    for index in events.metas(smf.SET_TEMPO):
        silent[int(events.body[index]) + 1] = smf.PRIVATE
    return bytes(silent)
