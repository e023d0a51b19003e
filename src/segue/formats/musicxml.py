"""MusicXML scores, plain or zipped, in and out.

Keeps pitch, onset, length, loudness, tempo, metre, key, pedal, instruments, chord symbols and the
first verse of lyrics; repeats are unfolded. Loses layout, ornaments other than grace notes, and
articulation. Source: the MusicXML 4.0 reference.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from segue.errors import FormatError
from segue.formats.musicxml_load import load
from segue.formats.musicxml_play import played
from segue.formats.musicxml_write import to_text
from segue.formats.table import Reading
from segue.score import Score

_CONTAINER = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles>'
    b'<rootfile full-path="score.musicxml" media-type="application/vnd.recordare.musicxml+xml"/>'
    b"</rootfiles></container>\n"
)


def read(path: str | Path) -> Reading:
    """Read a MusicXML score, repairing what is damaged.

    Raises FormatError for a file that is no score or has no notes, LimitError for one past what
    can be played.
    """
    root, repairs = load(path)
    score, more = played(root, str(path))
    if not len(score):
        raise FormatError(f"{path} is a MusicXML score without notes; give one with music in it.")
    return Reading(score, (*repairs, *more))


def write(score: Score, path: str | Path) -> None:
    """Write a Score as a readable MusicXML 4.0 score, zipped if `path` ends in `.mxl`.

    Keyboard tracks get two staves, parted between hands; key and metre are estimated or taken
    for 4/4 where the Score has none. Raises FormatError for a Score without notes.
    """
    file = Path(path)
    data = to_text(score).encode()
    if file.suffix.lower() == ".mxl":
        data = _zipped(data)
    file.write_bytes(data)


def _zipped(data: bytes) -> bytes:
    """MusicXML as an `.mxl` archive; the same data gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("META-INF/container.xml", _CONTAINER), ("score.musicxml", data)):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
