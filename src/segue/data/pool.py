"""A pool of worker processes that outlives any file: outcomes in order, the dead replaced."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from segue.data.reading import Outcome, read_piece
from segue.data.scan import Found
from segue.encodings.base import Encoding
from segue.errors import DataError

SECONDS_PER_FILE = 300.0

# A task is this much work at most: enough to hide the hand-over, little enough to spread evenly.
_TASK_BYTES, _TASK_FILES = 2**20, 64
# How many tasks a worker may be ahead of the reader of the outcomes: bounds the memory.
_AHEAD = 3

_START = "import sys; sys.path[:] = {path!r}; from segue.data.worker import main; main()"


def outcomes(
    root: Path,
    files: Sequence[Found],
    encoding: Encoding,
    *,
    workers: int | None = None,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Iterator[Outcome]:
    """The Outcome of each file, in the order of `files` whatever the number of workers.

    `workers` 0 reads in this process (no protection from a reader that crashes or hangs); None
    takes one worker a processor. A file that ends its worker twice, or takes longer than
    `seconds_per_file`, is refused. Raises DataError if workers cannot be started.
    """
    if workers == 0:
        for file in files:
            yield read_piece(root, file.path, encoding)
        return
    tasks = list(_tasks(files))
    count = min(workers or processors(), len(tasks))
    with _Pool(root, encoding, count, seconds_per_file) as pool:
        ahead: deque[Future[list[Outcome]]] = deque()
        for task in tasks:
            ahead.append(pool.submit(task))
            while len(ahead) > count * _AHEAD:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tasks(files: Sequence[Found]) -> Iterator[list[str]]:
    task: list[str] = []
    size = 0
    for file in files:
        task.append(file.path)
        size += file.size
        if size >= _TASK_BYTES or len(task) >= _TASK_FILES:
            yield task
            task, size = [], 0
    if task:
        yield task


class _Pool:
    """Threads, each of which talks to one worker at a time, and a watch over slow files."""

    def __init__(self, root: Path, encoding: Encoding, count: int, patience: float) -> None:
        self._root, self._encoding = root, encoding
        self._patience = patience
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._all: set[_Worker] = set()
        self._closing = threading.Event()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="segue-prepare")
        self._watch = threading.Thread(target=self._watch_over, daemon=True)
        self._count = count

    def __enter__(self) -> _Pool:
        try:
            for _ in range(self._count):
                self._idle.put(self._started())
            for worker in tuple(self._all):
                worker.greet()
        except BaseException:
            self._close()
            raise
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._closing.set()
        for worker in tuple(self._all):
            worker.stop()
        self._threads.shutdown(cancel_futures=True)

    def submit(self, task: list[str]) -> Future[list[Outcome]]:
        return self._threads.submit(self._run, task)

    def _started(self) -> _Worker:
        worker = _Worker(self._root, self._encoding)
        self._all.add(worker)
        return worker

    def _run(self, task: list[str]) -> list[Outcome]:
        done: list[Outcome] = []
        tries = 0
        worker = self._idle.get()
        worker.give(task)
        while len(done) < len(task) and not self._closing.is_set():
            outcome = worker.answer()
            if outcome is None and not self._closing.is_set():
                late = worker.late
                words = worker.last_words()
                self._all.discard(worker)
                worker = self._started()
                worker.greet()
                tries += 1
                if tries >= 2 or late:
                    reason = f"took longer than {self._patience:g} s" if late else words
                    outcome = Outcome(task[len(done)], reason=reason)
            if outcome is not None:
                done.append(outcome)
                tries = 0
            if not worker.busy and len(done) < len(task):
                worker.give(task[len(done) :])
        self._idle.put(worker)
        return done

    def _watch_over(self) -> None:
        while not self._closing.wait(min(1.0, self._patience / 4)):
            for worker in tuple(self._all):
                worker.end_if_late(self._patience)


class _Worker:
    """One worker process and what is known of it."""

    def __init__(self, root: Path, encoding: Encoding) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in last_words and stop
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            # One thread a worker: the workers are the parallelism.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self._asked = float("inf")
        self._left = 0
        self.late = False
        self._send((root, encoding))

    @property
    def busy(self) -> bool:
        """Whether files were given that are not yet answered."""
        return self._left > 0

    def _send(self, message: Any) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it died: the next answer says so
            pickle.dump(message, self._process.stdin, protocol=5)
            self._process.stdin.flush()

    def _receive(self) -> Any:
        assert self._process.stdout
        try:
            return pickle.load(self._process.stdout)  # noqa: S301 - from our own child
        except (EOFError, pickle.UnpicklingError, ValueError):
            return None

    def greet(self) -> None:
        """Wait until the worker is up; DataError if it cannot start."""
        if self._receive() is None:
            raise DataError(f"a worker process could not be started: {self.last_words()}")

    def give(self, paths: list[str]) -> None:
        """Hand over files to read."""
        self._left = len(paths)
        self._asked = time.monotonic()
        self._send(paths)

    def answer(self) -> Outcome | None:
        """The next file's Outcome; None if the worker has died."""
        outcome: Outcome | None = self._receive()
        self._left -= 1
        self._asked = time.monotonic() if self._left else float("inf")
        return outcome

    def end_if_late(self, patience: float) -> None:
        """Kill the worker if the file in hand has taken longer than `patience` seconds."""
        if time.monotonic() - self._asked > patience:
            self.late = True
            self._process.kill()

    def last_words(self) -> str:
        """Why it died: the signal, or the last line it wrote to standard error."""
        code = self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        self.stop()
        if code < 0:
            return f"crashed its reader ({signal.Signals(-code).name})"
        return f"crashed its reader ({lines[-1].strip()[:200] if lines else f'exit {code}'})"

    def stop(self) -> None:
        """End the process and free what it held."""
        self._asked = float("inf")
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._stderr.close()
