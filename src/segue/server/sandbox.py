"""Files from outside are read, and files for outside written, in child processes.

Music libraries are native code and people's files are odd: what crashes, hangs or eats memory
there costs that one file. Each child has a limit of memory and each file one of time.
"""

from __future__ import annotations

import asyncio
import queue
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue import formats
from segue.errors import FormatError, SegueError
from segue.formats.table import suffix_of
from segue.score import Score
from segue.server import sound, wire
from segue.server.problems import RefusedError
from segue.workers import BUG, DONE, Crew, Outcome

READABLE = (".mid", ".midi", ".kar", ".rmi", ".smf", ".abc", ".musicxml", ".xml", ".mxl", ".krn",
            ".kern", ".tx1.txt", ".tx2.txt", ".tx1", ".tx2")  # fmt: skip

FILES: dict[str, tuple[str, str]] = {
    "mid": (".mid", "audio/midi"),
    "abc": (".abc", "text/vnd.abc"),
    "musicxml": (".musicxml", "application/vnd.recordare.musicxml+xml"),
    "wav": (".wav", "audio/wav"),
    "flac": (".flac", "audio/flac"),
    "mp3": (".mp3", "audio/mpeg"),
    "ogg": (".ogg", "audio/ogg"),
    "pdf": (".pdf", "application/pdf"),
    "svg": (".sheet.svg", "image/svg+xml"),
    "png": (".png", "image/png"),
    "roll": (".svg", "image/svg+xml"),
}
"""What music is turned into: a suffix that `segue.formats` knows, and a media type.

"svg" is sheet music, "png" and "roll" are pictures of the piano roll.
"""


@dataclass(frozen=True)
class Upload:
    """A file to be read; `suffix` says what it claims to be."""

    name: str
    data: bytes
    memory: int


@dataclass(frozen=True)
class Drawing:
    """Music to be written as `suffix`."""

    score: Score
    suffix: str
    title: str
    prompt_end: int | None
    memory: int


@dataclass(frozen=True)
class Span:
    """Seconds `begin` to `end` of music to be sounded as `suffix`."""

    score: Score
    begin: float
    end: float | None
    suffix: str
    sample_rate: int
    gain: float | None
    memory: int


def work(item: Upload | Drawing | Span) -> Any:
    """What a child does with an item."""
    _limit(item.memory)
    match item:
        case Upload():
            return _read(item)
        case Drawing():
            return _written(item)
        case Span():
            return sound.span(
                item.score, item.begin, item.end, item.suffix, item.sample_rate, item.gain
            )


def _limit(memory: int) -> None:
    """No more address space than that for this process."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _read(item: Upload) -> dict[str, Any]:
    suffix = suffix_of(item.name).lower()
    if suffix not in READABLE:
        raise FormatError(
            f"{item.name}: {suffix or 'a name without a suffix'} is not music that Segue reads; "
            f"allowed: {', '.join(READABLE)}."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"music{suffix}"
        path.write_bytes(item.data)
        try:
            reading = formats.read_reported(path)
        except SegueError as error:
            said = str(error).replace(str(path), item.name).replace(path.name, item.name)
            raise type(error)(said) from None
    score = reading.score
    return {
        "name": item.name,
        "music": wire.of_score(score),
        "repairs": [r.replace(str(path), item.name) for r in reading.repairs],
        "notes": len(score),
        "bars": round(score.end_bars, 3),
        "seconds": round(score.end_seconds, 3),
    }


def _written(item: Drawing) -> bytes:
    options: dict[str, Any] = {}
    if formats.format_of(f"a{item.suffix}").name == "roll":
        options = {"title": item.title, "prompt_end_ticks": item.prompt_end}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"music{item.suffix}"
        try:
            formats.write(item.score, path, **options)
        except SegueError as error:
            raise type(error)(str(error).replace(str(path), item.title)) from None
        return path.read_bytes()


class Sandbox:
    """A few children, each with one item at a time; a bounded number of items waits."""

    def __init__(self, children: int, seconds: float, memory: int, waiting: int) -> None:
        self._seconds, self.memory, self._most = seconds, memory, waiting + children
        self._crews: queue.Queue[Crew[Any, Any] | None] = queue.Queue()
        for _ in range(children):
            self._crews.put(None)  # hired when first needed
        self._hired: list[Crew[Any, Any]] = []
        self._count = 0
        self._slots = asyncio.Semaphore(children)

    async def run(self, item: Upload | Drawing | Span) -> Any:
        """What becomes of an item.

        Raises the child's own error, or a RefusedError: 422 for one that crashed or took too
        long, 429 where too many wait.
        """
        if self._count >= self._most:
            raise RefusedError(429, "too many files are waiting: ask again in a moment.", after=2)
        self._count += 1
        try:
            async with self._slots:
                outcome = await asyncio.to_thread(self._one, item)
        finally:
            self._count -= 1
        if outcome.status == DONE:
            return outcome.value
        if outcome.status == BUG:
            raise RuntimeError(outcome.reason)
        raise RefusedError(422, outcome.reason)

    def _one(self, item: Any) -> Outcome[Any]:
        crew = self._crews.get()
        if crew is None:
            crew = Crew(work, 1, self._seconds)
            self._hired.append(crew)
        try:
            return next(iter(crew.each([item])))
        finally:
            self._crews.put(crew)

    def close(self) -> None:
        """End the children, whatever they are doing; a second time is no harm."""
        for crew in self._hired:
            crew.kill()
