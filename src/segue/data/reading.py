"""The one function that every engine runs on every file: read, hash, encode."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue.encodings.base import Encoding, Rows
from segue.errors import SegueError
from segue.formats.table import read_reported

# What a damaged file can drive a reader or an encoding to. Anything else is a mistake in Segue:
# it ends the worker, and the file is refused with its last words.
_REFUSED = (
    SegueError,
    ValueError,
    ArithmeticError,
    LookupError,
    MemoryError,
    RecursionError,
    OSError,
)


@dataclass(frozen=True)
class Outcome:
    """What became of a file: rows of shape (rows, columns), or the reason it was refused.

    `hash` is `Score.music_hash()`; `rows` are in the encoding's unfitted symbols.
    """

    path: str
    hash: str = ""
    notes: int = 0
    bars: float = 0.0
    seconds: float = 0.0
    repairs: tuple[str, ...] = ()
    header: dict[str, Any] = field(default_factory=dict)
    rows: Rows | None = None
    reason: str = ""


def read_piece(root: Path, path: str, encoding: Encoding) -> Outcome:
    """Read, hash and encode the file `path` under `root`; a file that fails comes back refused."""
    file = root / path
    try:
        reading = read_reported(file)
        score = reading.score
        if not len(score):
            return Outcome(path, repairs=reading.repairs, reason="holds no notes")
        encoded = encoding.encode(score)
        return Outcome(
            path,
            hash=score.music_hash(),
            notes=len(score),
            bars=round(score.end_bars, 3),
            seconds=round(score.end_seconds, 3),
            repairs=tuple(_without_root(repair, file, path) for repair in reading.repairs),
            header=encoded.header,
            rows=encoded.rows,
        )
    except _REFUSED as error:
        return Outcome(path, reason=_reason(error, file, path))


def _without_root(sentence: str, file: Path, path: str) -> str:
    """The sentence with no absolute path in it: manifests of the same music stay the same."""
    return sentence.replace(str(file), path)


def _reason(error: BaseException, file: Path, path: str) -> str:
    said = _without_root(str(error), file, path).removeprefix(path).lstrip(": ")
    if isinstance(error, SegueError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
