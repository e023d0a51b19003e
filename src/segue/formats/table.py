"""The table of formats: suffixes on the left, a reader and a writer on the right.

Readers and writers are named, not imported, so that `segue.read("a.mid")` loads nothing but the
MIDI reader. A reader is `read(path) -> Reading`; a writer is `write(score, path, **options)` and
writes a whole file or none.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.errors import FormatError, nearest
from segue.files import written_whole
from segue.score import Score


@dataclass(frozen=True)
class Reading:
    """A Score and, a sentence each, what had to be repaired in its file to get it."""

    score: Score
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A row of the table; `reader`, `writer` and `collection` are "module:function" or None.

    A `collection(path)` gives all pieces of a file that may hold many, one Reading after the other,
    each with a `number`.
    """

    name: str
    suffixes: tuple[str, ...]
    summary: str
    reader: str | None = None
    writer: str | None = None
    collection: str | None = None


FORMATS: tuple[Format, ...] = (
    Format(
        "midi",
        (".mid", ".midi", ".kar", ".rmi", ".smf"),
        "Standard MIDI file",
        "segue.formats.midi:read",
        "segue.formats.midi:write",
    ),
    Format(
        "abc",
        (".abc",),
        "ABC notation",
        "segue.formats.abc:read",
        "segue.formats.abc:write",
        "segue.formats.abc:read_tunes",
    ),
    Format(
        "musicxml",
        (".musicxml", ".xml", ".mxl"),
        "MusicXML score, plain or zipped",
        "segue.formats.musicxml:read",
        "segue.formats.musicxml:write",
    ),
    Format("kern", (".krn", ".kern"), "Humdrum **kern score", "segue.formats.kern:read"),
    Format(
        "nes",
        (".tx1.txt", ".tx2.txt", ".tx1", ".tx2"),
        "NES event text (NES-MDB)",
        "segue.formats.nes_text:read",
        "segue.formats.nes_text:write",
    ),
    Format(
        "audio",
        (".wav", ".flac", ".ogg", ".mp3"),
        "sound, rendered with a SoundFont",
        None,
        "segue.formats.audio:write",
    ),
    Format(
        "roll",
        (".png", ".svg"),
        "piano-roll picture",
        None,
        "segue.formats.roll:write",
    ),
    Format(
        "sheet",
        (".pdf", ".sheet.svg", ".sheet.png"),
        "sheet music",
        None,
        "segue.formats.sheet:write",
    ),
)

READABLE = tuple(s for f in FORMATS if f.reader for s in f.suffixes)
WRITABLE = tuple(s for f in FORMATS if f.writer for s in f.suffixes)


def suffix_of(path: str | Path) -> str:
    """The longest suffix of the table that `path` ends with, else its plain suffix, lower case."""
    name = Path(path).name.lower()
    known = [s for f in FORMATS for s in f.suffixes if name.endswith(s)]
    return max(known, key=len) if known else Path(name).suffix


def format_of(path: str | Path) -> Format:
    """The row for a path by its suffix; FormatError if there is none."""
    suffix = suffix_of(path)
    for row in FORMATS:
        if suffix in row.suffixes:
            return row
    every = {s for f in FORMATS for s in f.suffixes}
    raise FormatError(
        f"{path}: the suffix {suffix or '(none)'} is not one Segue knows; {nearest(suffix, every)}."
    )


def _load(name: str) -> Callable[..., Any]:
    module, function = name.split(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded


def options_of(row: Format) -> tuple[str, ...]:
    """The names of the options that a row's writer takes; none for a row without a writer."""
    if row.writer is None:
        return ()
    parameters = inspect.signature(_load(row.writer)).parameters.values()
    return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


def read_reported(path: str | Path) -> Reading:
    """Read any supported file, with what had to be repaired.

    Raises FormatError for a missing file, a suffix that cannot be read, or a file with no music
    to save; LimitError for one past the limits in `segue.formats.limits`.
    """
    file = Path(path)
    reading: Reading = _load(_readable(file).reader or "")(file)
    return reading


def _readable(file: Path) -> Format:
    """The row of a file that is there and can be read; FormatError for any other."""
    row = format_of(file)
    if row.reader is None:
        raise FormatError(
            f"{file}: {row.summary} can be written but not read; readable: {', '.join(READABLE)}."
        )
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise FormatError(f"{file} {what}: give the path of a music file.")
    return row


def read_pieces(path: str | Path) -> Iterator[tuple[str, Reading]]:
    """Every piece of a file with its name inside of it, such as a tune's number in a tune book.

    The name is empty where the file holds one piece, and different for each of several; pieces
    without notes come too. Errors as `read_reported`.
    """
    file = Path(path)
    collection = _readable(file).collection
    if collection is None:
        yield "", read_reported(file)
        return
    readings = iter(_load(collection)(file))
    first = list(itertools.islice(readings, 2))
    if len(first) == 1:
        yield "", first[0]
        return
    seen: set[str] = set()
    for place, reading in enumerate(itertools.chain(first, readings), start=1):
        name = reading.number if reading.number not in ("", *seen) else f"{reading.number}({place})"
        seen.add(name)
        yield name, reading


def read(path: str | Path) -> Score:
    """Read any supported file as a Score; errors as `read_reported`."""
    return read_reported(path).score


def write(score: Score, path: str | Path, **options: Any) -> None:
    """Write a Score in the format that the suffix of `path` names; whole or not at all.

    `options` go to that format's writer (see its `write`). Raises FormatError for a suffix that
    cannot be written or a folder that cannot be written to.
    """
    file = Path(path)
    row = format_of(file)
    if row.writer is None:
        raise FormatError(
            f"{file}: {row.summary} can be read but not written; writable: {', '.join(WRITABLE)}."
        )
    writer = _load(row.writer)
    with written_whole(file) as beside:
        writer(score, beside, **options)
