"""Archives from strangers: only plain files, only below the folder, only so much."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from segue.errors import DataError
from segue.formats.table import READABLE

# Beside music, what says how it is split and on what terms it may be used.
_ALSO = (".csv", ".json", ".txt", ".md")
_NAMES = ("license", "licence", "readme", "copying")
_MOST_FILES = 500_000
_BLOCK = 2**20


def unpack(archive: Path, folder: Path, *, keep: str = "", limit: int = 2**31) -> int:
    """Unpack the music of a zip or tar archive into `folder`; gives the number of music files.

    `keep` is a regular expression that members must match; without it music files, tables and
    terms of use are kept. If all lie in one top folder, that is left out of their paths. Links,
    devices and everything else are passed over. Raises DataError for a path that leads out of
    the folder, for more than `limit` bytes, and for what is not an archive.
    """
    wanted = re.compile(keep).search if keep else _is_wanted
    try:
        paths = [_safe(name) for name, _ in _members(archive, read=False)]
        names = [path for path in paths if wanted(f"/{path}")]
        top = _common_top(names)
        left = limit
        music = 0
        for name, member in _members(archive, read=True):
            path = _safe(name)
            if member is None or not wanted(f"/{path}"):
                continue
            place = folder / path.relative_to(top)
            place.parent.mkdir(parents=True, exist_ok=True)
            left -= _copy(member, place, left, limit)
            music += place.name.lower().endswith(READABLE)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, RuntimeError) as error:
        raise DataError(f"{archive} cannot be unpacked: {error}.") from error
    if not music:
        raise DataError(f"{archive} holds no music that Segue reads.")
    return music


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name.lower())
    if any(part.startswith((".", "__macosx")) for part in path.parts[1:]):
        return False
    return path.name.endswith(READABLE + _ALSO) or path.stem in _NAMES


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise DataError(f"the archive names a file {name!r}, which leads out of its folder.")
    return path


def _common_top(names: list[PurePosixPath]) -> PurePosixPath:
    tops = {path.parts[0] if len(path.parts) > 1 else "" for path in names}
    top = tops.pop() if len(tops) == 1 else ""
    return PurePosixPath(top)


def _members(archive: Path, *, read: bool) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Every plain file of the archive: its name and, with `read`, its contents."""
    members = _zip(archive, read) if zipfile.is_zipfile(archive) else _tar(archive, read)
    for count, (name, member) in enumerate(members):
        if count >= _MOST_FILES:
            raise DataError(f"{archive} holds more than {_MOST_FILES:,} files.")
        yield name, member


def _zip(archive: Path, read: bool) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
            if info.is_dir() or is_link:
                continue
            if read:
                with opened.open(info) as member:
                    yield info.filename, member
            else:
                yield info.filename, None


def _tar(archive: Path, read: bool) -> Iterator[tuple[str, IO[bytes] | None]]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if info.isfile():
                yield info.name, opened.extractfile(info) if read else None


def _copy(member: IO[bytes], place: Path, left: int, limit: int) -> int:
    """Copy at most `left` bytes, counted as they come and not as the archive claims."""
    done = 0
    with place.open("wb") as file:
        while block := member.read(_BLOCK):
            done += len(block)
            if done > left:
                raise DataError(f"the archive unpacks to more than {limit:,} bytes.")
            file.write(block)
    return done
