"""The table of corpora that Segue knows, and how each is brought to disk."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from segue.data.chorales import CHORALES, write_chorales
from segue.data.download import download
from segue.data.origin import RECORD, read_record
from segue.data.unpack import unpack
from segue.errors import DataError, nearest
from segue.files import write_json

TABLE = Path(__file__).parent / "corpora.toml"
_PARTS = ".download"

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is)."""


@dataclass(frozen=True)
class Source:
    """A row of `corpora.toml`; the file says what each key means."""

    name: str
    music: str
    files: int
    size: int
    licence: str
    home: str
    urls: tuple[str, ...] = ()
    sha256: str = ""
    unpacked: int = 2**31
    keep: str = ""
    package: str = ""

    @property
    def how(self) -> str:
        """How it is got, in a few words."""
        if self.package:
            return f"from the installed {self.package}"
        return "download, checksum known" if self.sha256 else "download, checksum recorded"


def sources(table: Path = TABLE) -> dict[str, Source]:
    """The rows of the table by name; DataError for a table that cannot be read."""
    try:
        rows = tomllib.loads(table.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{table} cannot be read as a table of corpora: {error}.") from None
    return {name: _row(name, values, table) for name, values in rows.items()}


def _row(name: str, values: Any, table: Path) -> Source:
    allowed = [field.name for field in fields(Source) if field.name != "name"]
    given = values if isinstance(values, dict) else {}
    for key in given:
        if key not in allowed:
            raise DataError(
                f"{table}: {name} has the unknown key {key!r}; {nearest(key, allowed)}."
            )
    try:
        row = Source(name, **{**given, "urls": tuple(given.get("urls", ()))})
    except TypeError as error:
        raise DataError(f"{table}: {name} is not a corpus ({error}).") from None
    if not row.urls and not row.package:
        raise DataError(f"{table}: {name} has neither urls nor a package: add one.")
    return row


def find(name: str, table: Path = TABLE) -> Source:
    """The row of one corpus; DataError with the nearest name for an unknown one."""
    known = sources(table)
    if name not in known:
        raise DataError(f"there is no corpus {name!r}; {nearest(name, known)}.")
    return known[name]


def get(source: Source, folder: str | Path, progress: Progress | None = None) -> dict[str, Any]:
    """Bring a corpus into `folder`, and give the record that is left in it.

    A download that was cut off goes on where it stopped; what came is checked before it is
    unpacked, and the folder gets its record last. A folder that already holds the corpus is left
    as it is. Raises DataError if the folder holds something else, the music cannot be had, or it
    is not what the table says it is.
    """
    target = Path(folder)
    known = read_record(target)
    if known is not None and known.get("name") == source.name:
        return known
    if target.exists() and (not target.is_dir() or {p.name for p in target.iterdir()} - {_PARTS}):
        raise DataError(f"{target} is not empty: give a new folder, so that nothing is lost.")
    parts = target / _PARTS
    tell = progress or (lambda what, done, total: None)
    if source.package:
        facts = _from_package(source, parts / "music", tell)
    else:
        facts = _from_archive(source, parts, tell)
    for path in sorted((parts / "music").iterdir()):
        path.replace(target / path.name)
    shutil.rmtree(parts)
    record = {
        "name": source.name,
        "music": source.music,
        "licence": source.licence,
        "home": source.home,
        **facts,
    }
    write_json(target / RECORD, record)  # last: with it the folder is complete
    return record


def _from_package(source: Source, music: Path, tell: Progress) -> dict[str, Any]:
    if source.name != CHORALES:
        raise DataError(f"{source.name}: only {CHORALES} can be taken from a package.")
    shutil.rmtree(music, ignore_errors=True)
    return write_chorales(music, lambda done, total: tell("Reading", done, total))


def _from_archive(source: Source, parts: Path, tell: Progress) -> dict[str, Any]:
    archive = parts / "archive"
    url, digest = download(
        source.urls,
        archive,
        size=source.size,
        sha256=source.sha256,
        progress=lambda done, total: tell("Downloading", done, total),
    )
    music = parts / "music"
    shutil.rmtree(music, ignore_errors=True)
    files = unpack(archive, music, keep=source.keep, limit=source.unpacked)
    return {"files": files, "url": url, "sha256": digest, "bytes": archive.stat().st_size}
