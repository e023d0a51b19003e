"""The one function that every engine runs on every file: read, filter, measure, encode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from segue.data.filters import Filters
from segue.data.fingerprint import signature
from segue.data.traits import traits
from segue.encodings.base import Encoding, Rows
from segue.errors import SegueError
from segue.formats.table import Reading, read_pieces
from segue.workers import CRASHED, DONE, Crew, cores, each

SECONDS_PER_FILE = 300.0


@dataclass(frozen=True)
class Job:
    """What is done with every file of a folder; it pickles, and so travels to any worker."""

    root: Path
    encoding: Encoding
    filters: Filters


@dataclass(frozen=True)
class Outcome:
    """What became of a piece: rows of shape (rows, columns), or the reason it was refused.

    `path` is that of the file, with "#" and the piece's name where a file holds several; `hash` is
    `Score.music_hash()`; `rows` are in the encoding's unfitted symbols; `signature` and `traits`
    are the bytes of a SIGNATURE and a TRAITS record.
    """

    path: str
    file: str = ""
    hash: str = ""
    notes: int = 0
    bars: float = 0.0
    seconds: float = 0.0
    repairs: tuple[str, ...] = ()
    header: dict[str, Any] = field(default_factory=dict)
    rows: Rows | None = None
    reason: str = ""
    signature: bytes = b""
    traits: bytes = b""


def read_file(path: str, job: Job) -> list[Outcome]:
    """The pieces of the file `path` under the job's root; what fails comes back refused."""
    file = job.root / path
    outcomes: list[Outcome] = []
    try:
        for name, reading in read_pieces(file):
            outcomes.append(_outcome(f"{path}#{name}" if name else path, reading, path, job))
    except (SegueError, OSError) as error:
        outcomes.append(Outcome(path, path, reason=_reason(str(error), file, path)))
    return outcomes


def _outcome(name: str, reading: Reading, path: str, job: Job) -> Outcome:
    # No absolute path: manifests of the same music are the same wherever it lies.
    repairs = tuple(repair.replace(str(job.root / path), path) for repair in reading.repairs)
    refused = partial(Outcome, name, path, repairs=repairs)
    if not len(reading.score):
        return refused(reason="holds no notes")
    score = job.filters.without_drums(reading.score)
    if not len(score):
        return refused(reason="holds drums alone")
    measured = traits(score)
    reason = job.filters.refusal(score, measured[0])
    if reason:
        return refused(reason=reason)
    try:
        encoded = job.encoding.encode(score)
    except SegueError as error:
        return refused(reason=_reason(str(error), job.root / path, path))
    return Outcome(
        name,
        path,
        hash=score.music_hash(),
        notes=len(score),
        bars=round(score.end_bars, 3),
        seconds=round(score.end_seconds, 3),
        repairs=repairs,
        header=encoded.header,
        rows=encoded.rows,
        signature=signature(score).tobytes(),
        traits=measured.tobytes(),
    )


def _reason(said: str, file: Path, path: str) -> str:
    """What is wrong with the file, without its own name in front."""
    return said.replace(str(file), path).removeprefix(path).lstrip(": ")


def read_files(
    paths: Sequence[str],
    job: Job,
    *,
    workers: int | None = None,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Iterator[list[Outcome]]:
    """The outcomes of each file, in the order of `paths` whatever the number of workers.

    `workers` 0 reads in this process, without protection from a reader that crashes or hangs;
    None takes one worker a processor. A file that ends its worker twice, or takes longer than
    `seconds_per_file`, is refused and costs no other.
    """
    if workers == 0:
        yield from (read_file(path, job) for path in paths)
        return
    count = cores() if workers is None else workers
    with ReadingCrew(job, min(count, max(len(paths), 1)), seconds_per_file) as crew:
        yield from crew.read(paths)


class ReadingCrew(Crew[str, list[Outcome]]):
    """Workers that read files, and stay from one list of files to the next."""

    def __init__(self, job: Job, workers: int, seconds_per_file: float) -> None:
        self._read = partial(read_file, job=job)
        self._limit = seconds_per_file
        super().__init__(self._read, workers, seconds_per_file)

    def read(self, paths: Sequence[str]) -> Iterator[list[Outcome]]:
        """The outcomes of each file, in order; a list is taken to its end before the next."""
        for done in self.each(paths, in_order=True):
            path = paths[done.index]
            if done.status == CRASHED:  # perhaps through no fault of the file: once more, by itself
                (done,) = each(self._read, [path], workers=1, seconds=self._limit)  # noqa: PLW2901
            if done.status == DONE and done.value is not None:
                yield done.value
            else:
                yield [Outcome(path, path, reason=done.reason)]
