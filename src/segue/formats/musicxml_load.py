"""A MusicXML file as an element tree, against zip bombs, entities and wrong encodings.

A file is told by its first bytes, not its suffix: many `.mxl` are plain XML and some `.xml` are
zipped. Broken XML is read up to where it breaks.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from segue.errors import FormatError, LimitError
from segue.formats.limits import check

LARGEST_FILE = 50 << 20
"""Bytes of XML, zipped or inflated; the largest score of music21's corpus has 12 million."""
LARGEST_ARCHIVE = 16 << 20
"""Bytes of a zipped score; scores of full operas have a tenth of this."""
LARGEST_RATIO = 200
"""Inflated to zipped size, once inflated is over a megabyte; real scores reach 60."""
MOST_TAGS = 1_500_000
"""Opening brackets in the XML: what bounds the time and memory of its tree; a real 35 MB."""
MOST_MEASURES = 200_000
"""Measures of all parts together; a symphony has a fifth of this."""

_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    KeyError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # a password
    ValueError,
)


def load(path: str | Path) -> tuple[Element, list[str]]:
    """The root element of a score and what had to be repaired to get it.

    Raises FormatError for a file that is not MusicXML, is damaged from the start or declares XML
    entities; LimitError for one past the limits above.
    """
    file = Path(path)
    size = file.stat().st_size
    check("bytes", size, LARGEST_FILE, str(path))
    data = file.read_bytes()
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        check("bytes zipped", size, LARGEST_ARCHIVE, str(path))
        data = _unzipped(file)
    root, repairs = parse(data, str(path))
    if root.tag not in ("score-partwise", "score-timewise"):
        raise FormatError(
            f"{path} is XML but not a MusicXML score: its outermost element is {root.tag[:40]!r}, "
            "'score-partwise' or 'score-timewise' is allowed."
        )
    return root, repairs


def _unzipped(file: Path) -> bytes:
    """The score inside of an `.mxl` archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _inflated(archive, _score_name(archive, file), file)
    except _ZIP_ERRORS as error:
        raise FormatError(
            f"{file} is a damaged or unusual zip archive ({error}): save the score as plain "
            ".musicxml and try again."
        ) from error


def _score_name(archive: zipfile.ZipFile, file: Path) -> str:
    """The member that `META-INF/container.xml` names, else the first that can be a score."""
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        # A broken container is no reason to give up: there is but one score in most archives.
        with suppress(FormatError):
            root, _ = parse(_inflated(archive, "META-INF/container.xml", file), str(file))
            for element in root.iter("rootfile"):
                if (path := element.get("full-path", "")) in names:
                    return path
    for name in names:
        if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF"):
            return name
    raise FormatError(f"{file} is a zip archive without a MusicXML score in it.")


def _inflated(archive: zipfile.ZipFile, name: str, file: Path) -> bytes:
    """A member's bytes, read no further than the limits whatever its header claims."""
    with archive.open(name) as member:
        data = member.read(LARGEST_FILE + 1)
    check("bytes once inflated", len(data), LARGEST_FILE, str(file))
    zipped = max(archive.getinfo(name).compress_size, 1)
    if len(data) > 1 << 20 and len(data) > LARGEST_RATIO * zipped:
        raise LimitError(
            f"{file} inflates to {len(data) // zipped} times its size; up to {LARGEST_RATIO} is "
            "read, since scores inflate far less: save it as plain .musicxml if it is one."
        )
    return data


def parse(data: bytes, name: str) -> tuple[Element, list[str]]:
    """XML bytes as a tree without namespaces, and repairs; errors as `load`."""
    data = data.lstrip(b"\0 \t\r\n") if not data.startswith((b"\xff\xfe", b"\xfe\xff")) else data
    if not data:
        raise FormatError(f"{name} is empty; give a MusicXML score.")
    check("XML tags", data.count(b"<"), MOST_TAGS, name)
    check("measures", data.count(b"<measure"), MOST_MEASURES, name)
    root, problem = _tree(data, name)
    repairs = []
    if problem is not None and "not well-formed (invalid token)" in str(problem):
        latin, second = _tree(_as_latin(data), name)
        if second is None:
            told = "its text is not in the encoding it claims: read as Latin-1"
            return _bare(latin, name), [told]
    if problem is not None:
        repairs.append(f"the XML is broken ({problem}): what comes before that was read")
    return _bare(root, name), repairs


def _tree(data: bytes | str, name: str) -> tuple[Any, ParseError | None]:
    """The tree as far as the XML is sound, and what is wrong with it."""
    builder = TreeBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=False, forbid_entities=True)
    problem = None
    try:
        parser.feed(data)
        return parser.close(), None
    except ParseError as error:
        problem = error
    except DefusedXmlException as error:
        raise FormatError(
            f"{name} declares XML entities, which no score needs and attacks use: "
            "remove its <!ENTITY> declarations if you trust it."
        ) from error
    except (LookupError, ValueError) as error:
        # An encoding that Python or expat does not know.
        raise FormatError(f"{name} cannot be read as XML: {error}.") from error
    return builder.close(), problem


def _as_latin(data: bytes) -> str:
    return re.sub(r"^<\?xml[^>]*\?>", "", data.decode("latin-1"), count=1)


def _bare(root: Any, name: str) -> Element:
    """The tree with namespaces taken off; FormatError if there is none."""
    if not isinstance(root, Element):
        raise FormatError(f"{name} is not XML; give a MusicXML score.")
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return root
