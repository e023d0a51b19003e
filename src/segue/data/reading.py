"""The one function that every engine runs on every file: read, hash, encode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from segue.encodings.base import Encoding, Rows
from segue.errors import SegueError
from segue.formats.table import read_reported
from segue.workers import CRASHED, DONE, each

SECONDS_PER_FILE = 300.0


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


def read_piece(path: str, root: Path, encoding: Encoding) -> Outcome:
    """Read, hash and encode the file `path` under `root`; a file that fails comes back refused."""
    file = root / path
    try:
        reading = read_reported(file)
        score = reading.score
        if not len(score):
            return Outcome(path, repairs=reading.repairs, reason="holds no notes")
        encoded = encoding.encode(score)
    except (SegueError, OSError) as error:
        return Outcome(path, reason=_reason(str(error), file, path))
    return Outcome(
        path,
        hash=score.music_hash(),
        notes=len(score),
        bars=round(score.end_bars, 3),
        seconds=round(score.end_seconds, 3),
        # No absolute path: manifests of the same music are the same wherever it lies.
        repairs=tuple(repair.replace(str(file), path) for repair in reading.repairs),
        header=encoded.header,
        rows=encoded.rows,
    )


def _reason(said: str, file: Path, path: str) -> str:
    """What is wrong with the file, without its own name in front."""
    return said.replace(str(file), path).removeprefix(path).lstrip(": ")


def read_pieces(
    root: Path,
    paths: Sequence[str],
    encoding: Encoding,
    *,
    workers: int | None = None,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Iterator[Outcome]:
    """The Outcome of each file, in the order of `paths` whatever the number of workers.

    `workers` 0 reads in this process, without protection from a reader that crashes or hangs;
    None takes one worker a processor. A file that ends its worker twice, or takes longer than
    `seconds_per_file`, is refused and costs no other.
    """
    read = partial(read_piece, root=root, encoding=encoding)
    if workers == 0:
        yield from map(read, paths)
        return
    for done in each(read, paths, workers=workers, seconds=seconds_per_file, in_order=True):
        path = paths[done.index]
        if done.status == CRASHED:  # perhaps through no fault of the file: once more, by itself
            (done,) = each(read, [path], workers=1, seconds=seconds_per_file)  # noqa: PLW2901
        if done.status == DONE and done.value is not None:
            yield done.value
        else:
            yield Outcome(path, reason=done.reason)
