"""Worker processes that may be slow, crash or hang without losing the work of the others.

Music libraries are native code and people's files are odd: a segmentation fault on one file must
cost that file alone. So each worker holds one item at a time, over a pipe of its own; when it
dies or overruns its time, that item is given up with the reason and a new worker takes its place.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Self, TypeVar

from segue.errors import SegueError

Item = TypeVar("Item")
Result = TypeVar("Result")

# "done" has a value; the others have a reason. Only "refused" is the file's own doing for certain.
DONE, REFUSED, BUG, CRASHED, LATE = "done", "refused", "bug", "crashed", "late"
_READY = "ready"

# In order, a worker may have this many outcomes ready before the one that all wait for.
_AHEAD = 64


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What became of item number `index`: a value, or in one sentence why there is none."""

    index: int
    status: str
    value: Result | None = None
    reason: str = ""


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    seconds: float = 60.0,
    in_order: bool = False,
) -> Iterator[Outcome[Result]]:
    """Run `function` on every item in `workers` processes; outcomes come as they are ready.

    `function` is a module-level function; it, the items and the results must pickle. An item that
    takes longer than `seconds` is given up. With `in_order` outcomes come in the order of the
    items, and no worker runs so far ahead that memory would grow with their number. Leaving the
    iterator early stops the workers. The caller's main module is not run again in the workers.
    Raises ValueError for fewer than one worker or a limit that is not positive.
    """
    count = cores() if workers is None else workers
    if count < 1 or seconds <= 0:
        raise ValueError(f"{count} workers and {seconds} seconds came; both must be positive.")
    with Crew(function, min(count, len(items)), seconds) as crew:
        yield from crew.each(items, in_order=in_order)


class Crew(Generic[Item, Result]):
    """Workers that stay from one list of items to the next; see `each`, which hires its own."""

    def __init__(self, function: Callable[[Item], Result], workers: int, seconds: float) -> None:
        self._seconds = seconds
        self._workers = [_Worker(function) for _ in range(workers)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the workers, whatever they are doing."""
        for worker in self._workers:
            worker.end()

    def kill(self) -> None:
        """Kill the workers, as another thread may that waits for nothing they do."""
        for worker in self._workers:
            worker.process.kill()

    def each(self, items: Sequence[Item], *, in_order: bool = False) -> Iterator[Outcome[Result]]:
        """What becomes of every item; a list is taken to its end before the next one comes."""
        if in_order:
            yield from _sorted(self._workers, items, self._seconds)
            return
        for outcomes in _serve(
            self._workers, items, self._seconds, lambda given: given < len(items)
        ):
            yield from outcomes


def _sorted(crew: list[_Worker], items: Sequence[Any], seconds: float) -> Iterator[Outcome[Any]]:
    """Outcomes by index; an item is handed out only when few before it are still open."""
    early: dict[int, Outcome[Any]] = {}
    told = 0

    def wanted(given: int) -> bool:
        return given < min(len(items), told + _AHEAD * len(crew))

    for outcomes in _serve(crew, items, seconds, wanted):
        early.update((outcome.index, outcome) for outcome in outcomes)
        while told in early:
            told += 1
            yield early.pop(told - 1)


def _serve(
    crew: list[_Worker], items: Sequence[Any], seconds: float, wanted: Callable[[int], bool]
) -> Iterator[list[Outcome[Any]]]:
    """What the crew has ready, time and again; item `given` is handed out while it is `wanted`."""
    given = 0
    ready: list[Outcome[Any]] = []
    while True:
        for worker in crew:
            if worker.index is None and wanted(given):
                worker.give(given, items[given])
                given += 1
        # The crew works on while the caller looks at what is ready.
        if ready:
            yield ready
        busy = [worker for worker in crew if worker.index is not None]
        if not busy and not wanted(given):
            return
        first = min((worker.began for worker in busy), default=0.0) + seconds
        wait([worker.pipe for worker in busy], max(0.0, first - time.monotonic()))
        ready = [outcome for worker in busy if (outcome := worker.outcome(seconds))]


def hired(function: Callable[..., None], *given: Any) -> tuple[Any, Connection]:
    """A process that runs `function(pipe, *given)`, and the near end of its pipe.

    Both must pickle. It is killed when this process ends in order; where this one is killed, its
    pipe closes. The caller's main module is not run again in it.
    """
    # Spawned, not forked: a fork of a process with native threads can hang.
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=function, args=(far, *given), daemon=True)
    with _MAIN, _unknown_main():
        process.start()
    far.close()
    return process, near


_MAIN = threading.Lock()
"""Held by who changes what is known of the main module: threads may hire at the same time."""


class _Worker:
    """One process, its pipe, and the item it holds: `index` is None while it holds none."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.index: int | None = None
        self.began = 0.0
        self._start()

    def _start(self) -> None:
        self.process, self.pipe = hired(_work, self.function)

    def give(self, index: int, item: Any) -> None:
        """Hand over an item."""
        self.index = index
        self.began = time.monotonic()
        if not self.process.is_alive():
            self.end()
            self._start()
        # A worker that dies right now is found out when its outcome is asked for.
        with contextlib.suppress(BrokenPipeError):
            self.pipe.send(item)

    def outcome(self, seconds: float) -> Outcome[Any] | None:
        """The outcome of the item held, which it then holds no more; None if it still has time."""
        assert self.index is not None
        index = self.index
        if self.pipe.poll():
            try:
                status, value, reason = self.pipe.recv()
            except (EOFError, OSError):
                self.process.join()
                status, value, reason = CRASHED, None, death(self.process.exitcode)
            if status == _READY:  # the time to start a process is not the item's
                self.began = time.monotonic()
                return None
            self.index = None
            return Outcome(index, status, value, reason)
        if time.monotonic() - self.began < seconds:
            return None
        self.process.kill()
        self.process.join()
        self.index = None
        return Outcome(index, LATE, reason=f"took longer than {seconds:g} seconds.")

    def end(self) -> None:
        """Stop the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextlib.contextmanager
def _unknown_main() -> Iterator[None]:
    """Keep a process that starts meanwhile from running the caller's main module again.

    A script without an `if __name__ == "__main__"` guard would start its work anew in each
    worker, and one that imports torch would load it there.
    """
    main = sys.modules["__main__"]
    known = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    try:
        for name in known:
            setattr(main, name, None)
        yield
    finally:
        for name, value in known.items():
            setattr(main, name, value)


def _work(pipe: Connection, function: Callable[[Any], Any]) -> None:
    """The life of a worker: take an item, send what became of it, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    with contextlib.suppress(EOFError, ConnectionError):  # the parent has gone: so do we
        pipe.send((_READY, None, ""))
        while True:
            pipe.send(_outcome_of(function, pipe.recv()))


def _outcome_of(function: Callable[[Any], Any], item: Any) -> tuple[str, Any, str]:
    """Status, value and reason of one item."""
    try:
        return DONE, function(item), ""
    except SegueError as error:
        return REFUSED, None, str(error)
    except MemoryError:
        return REFUSED, None, "needs more memory than there is."
    except Exception as error:  # noqa: BLE001 - reported as the bug it is; the rest goes on
        return BUG, None, f"a bug in Segue ({type(error).__name__}: {error})."


def death(code: int | None) -> str:
    """How a process ended, in a sentence."""
    how = f"with code {code}" if code is None or code >= 0 else f"({signal.strsignal(-code)})"
    return f"the process that worked on it ended early {how}."
