"""Find the music in a folder: every file with a readable suffix, and the tables beside it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segue.errors import DataError
from segue.formats.table import READABLE, suffix_of


@dataclass(frozen=True)
class Found:
    """A file: its path relative to the root with forward slashes, bytes, time of change (ns)."""

    path: str
    size: int
    changed: int


@dataclass(frozen=True)
class Source:
    """What a folder holds: music files and CSV tables, each sorted by path."""

    root: Path
    music: tuple[Found, ...]
    tables: tuple[Found, ...]

    @property
    def size(self) -> int:
        """Bytes of music."""
        return sum(file.size for file in self.music)

    def suffixes(self) -> dict[str, int]:
        """How many files there are of each suffix, the most frequent first."""
        return dict(Counter(suffix_of(file.path) for file in self.music).most_common())

    def fingerprint(self) -> str:
        """SHA-256 over names, sizes and times of change: the same while nothing was touched."""
        digest = hashlib.sha256()
        for file in (*self.music, *self.tables):
            digest.update(f"{file.path}\0{file.size}\0{file.changed}\n".encode())
        return digest.hexdigest()


def scan(folder: str | Path, *, leave_out: Path | None = None) -> Source:
    """Every readable file under `folder` (or the one file it names) and every CSV file.

    Names that start with a dot and the folder `leave_out` are passed over; links to folders are
    followed, each folder once. Raises DataError for a path that is not there or holds no music.
    """
    root = Path(folder)
    if root.is_file():
        found = [_found(root, root.name)]
        root = root.parent
    elif root.is_dir():
        found = sorted(_walk(root, leave_out.resolve() if leave_out else None), key=_path)
    else:
        raise DataError(f"{root} does not exist: give a folder of music files, or one file.")
    music = tuple(file for file in found if file.path.lower().endswith(READABLE))
    tables = tuple(file for file in found if file.path.lower().endswith(".csv"))
    if not music:
        raise DataError(
            f"{folder} holds no file that Segue reads ({len(found)} others were passed over); "
            f"readable: {', '.join(READABLE)}."
        )
    return Source(root, music, tables)


def _path(file: Found) -> str:
    return file.path


def _found(path: Path, name: str) -> Found:
    stat = path.stat()
    return Found(name, stat.st_size, stat.st_mtime_ns)


def _walk(root: Path, leave_out: Path | None) -> Iterator[Found]:
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        stat = here.stat()
        if (stat.st_dev, stat.st_ino) in seen or here.resolve() == leave_out:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        wanted = (*READABLE, ".csv")
        for name in files:
            # A dangling link is a name without a file.
            if name.lower().endswith(wanted) and name[0] != "." and (here / name).is_file():
                yield _found(here / name, (here / name).relative_to(root).as_posix())
