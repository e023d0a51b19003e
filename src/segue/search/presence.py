"""Who is at work: a locked file for each worker, which the system unlocks when the worker dies."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl


@contextmanager
def at_work(folder: Path) -> Iterator[str]:
    """A worker's token while it is at work; its file in `folder` is locked as long."""
    folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(8)
    path = _path(folder, token)
    with path.open("w", encoding="utf-8") as handle:
        _lock(handle)
        try:
            yield token
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def found_dead(folder: Path, token: str) -> Iterator[bool]:
    """Whether a worker left its file without its lock: it was killed.

    Nobody else finds it dead during the block, nor after it. False for a worker of another folder,
    and where files cannot be locked: there the heartbeat in the study's database tells, later.
    """
    path = _path(folder, token)
    if sys.platform == "win32" or not path.is_file():
        yield False
        return
    with path.open("a", encoding="utf-8") as handle:
        dead = _lock(handle) and path.is_file()
        try:
            yield dead
        finally:
            if dead:
                path.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path, job: str) -> Iterator[None]:
    """Wait until no other worker of the folder is at `job`, then keep it to oneself."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{job}.turn").open("w", encoding="utf-8") as handle:
        _lock(handle, wait=True)
        yield


def _path(folder: Path, token: str) -> Path:
    return folder / f"{token}.lock"


def _lock(handle: IO[str], *, wait: bool = False) -> bool:
    """Lock an open file; False if someone else has, or the file system knows no locks."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
