"""Files that are either whole or absent: written beside their place, then renamed into it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segue.errors import FormatError


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; renamed to `path` if the block succeeds.

    Parent folders are made. On any error the temporary file is removed and `path` is untouched.
    Raises FormatError where the folder cannot be written to.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem[:40]}.", suffix=_suffix(target), dir=target.parent
        )
    except OSError as error:
        raise FormatError(
            f"cannot write {target}: {error.strerror or error}. "
            "Choose a folder that exists or can be made, and that you may write to."
        ) from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _suffix(target: Path) -> str:
    """What tells the format: two parts of the name's end where the last is not all of it."""
    both = "".join(target.suffixes[-2:])
    return both if len(both) <= 16 else target.suffix


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text whole."""
    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write indented JSON whole, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
