"""Processes that make music, so that the one that is asked stays free to answer.

Python runs on one core. Who plays batches, decodes and looks over takes is therefore a process
apart from who speaks HTTP and keeps the database. A performer makes many jobs at once, those of one
bundle in one batch; it tells over a pipe what happens to each. One that falls (a crash in native
code, the system short of memory) costs nothing: another is hired, and its jobs begin anew.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from segue.errors import SegueError
from segue.server.jobs import Ask, Hear, perform
from segue.server.problems import RefusedError, status_of
from segue.server.shelf import Opened
from segue.server.store import TakeRow
from segue.server.work import FellError, StoppedError
from segue.workers import death, hired

LOOK = 0.25
"""Seconds between looks whether a job is to go on."""
STOOD = 10.0
"""Seconds that a process has to live for another one to be hired before it is needed."""
MOST_OPEN = 8
"""Bundles that stay open in a process, with engines and batches: megabytes to hundreds each.

The server keeps all it knows: it plays none, and to look at one again takes reading all its files.
"""
DONE, REFUSED, BUG, STOPPED, FELL = "done", "refused", "bug", "stopped", "fell"
ENDS = (DONE, REFUSED, BUG, STOPPED, FELL)


class PlayingError(Exception):
    """A bug, in a performer; `kind` is what it raised there."""

    def __init__(self, kind: str, trace: str) -> None:
        super().__init__(trace)
        self.kind = kind


@dataclass
class _Held:
    """A job that a performer has: who hears of it, and where its end is waited for."""

    hear: Hear
    ended: queue.SimpleQueue[tuple[str, Any]]
    takes: int


class Performer:
    """One process, hired when it is first needed, and again whenever it has fallen."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._held: dict[int, _Held] = {}
        self._process: Any = None
        self._pipe: Connection | None = None
        self._prepared: Path | None = None
        self._is_closed = False

    @property
    def takes(self) -> int:
        """How many takes it is asked for."""
        with self._lock:
            return sum(held.takes for held in self._held.values())

    def prepare(self, path: Path) -> None:
        """Let it open a bundle before anybody asks for it."""
        with self._lock:
            self._prepared = path
            self._say(("open", path))

    def make(self, asked: Ask, hear: Hear, go_on: Callable[[], None]) -> list[TakeRow]:
        """The takes of a job; `hear` is told its events, `go_on` raises where it is to end.

        Raises what `go_on` does, RefusedError for what cannot be made, FellError and PlayingError.
        """
        ended: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        with self._lock:
            number = next(self._numbers)
            self._held[number] = _Held(hear, ended, asked.takes)
            self._say(("make", number, asked))
        try:
            how, told = self._end_of(ended, go_on)
        finally:
            with self._lock:
                if self._held.pop(number, None) is not None and self._pipe is not None:
                    self._say(("stop", number))
        if how == DONE:
            made: list[TakeRow] = told
            return made
        if how == REFUSED:
            raise RefusedError(*told)
        if how == BUG:
            raise PlayingError(*told)
        if how == FELL:
            raise FellError(told)
        raise StoppedError

    @staticmethod
    def _end_of(
        ended: queue.SimpleQueue[tuple[str, Any]], go_on: Callable[[], None]
    ) -> tuple[str, Any]:
        while True:
            with contextlib.suppress(queue.Empty):
                return ended.get(timeout=LOOK)
            go_on()

    def close(self) -> None:
        """End the process, whatever it is doing, and hire no other one."""
        with self._lock:
            self._is_closed = True
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
        if pipe is not None:
            process.kill()
            process.join()
            pipe.close()

    def _say(self, message: Any) -> None:
        """Send to the process, which is hired first where there is none."""
        if self._is_closed:
            raise StoppedError
        if self._pipe is None:
            self._process, self._pipe = hired(_perform, self._batch)
            threading.Thread(
                target=self._listen, args=(self._process, self._pipe), name="performer", daemon=True
            ).start()
        # One that falls right now is found out by who listens.
        with contextlib.suppress(OSError):
            self._pipe.send(message)

    def _listen(self, process: Any, pipe: Connection) -> None:
        """Hand on what a process tells, until it is no more."""
        began = time.monotonic()
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, name, told = pipe.recv()
                self._hand_on(number, name, told)
        process.join()
        with self._lock:
            if self._pipe is pipe:
                self._process = self._pipe = None
            fallen, self._held = self._held, {}
            stood = time.monotonic() - began > STOOD
            if stood and self._prepared is not None and not self._is_closed and not self._pipe:
                # Who comes next need not wait, unless it falls as soon as it stands.
                self._say(("open", self._prepared))
        for held in fallen.values():
            held.ended.put((FELL, death(process.exitcode)))

    def _hand_on(self, number: int, name: str, told: Any) -> None:
        with self._lock:
            held = self._held.pop(number, None) if name in ENDS else self._held.get(number)
        if held is None:
            return
        if name in ENDS:
            held.ended.put((name, told))
        else:
            held.hear(name, told)


class Performers:
    """Several performers: a job goes to the one that has the fewest takes to play."""

    def __init__(self, count: int, batch: int) -> None:
        self._all = [Performer(batch) for _ in range(count)]

    @property
    def takes(self) -> int:
        """How many takes they are asked for."""
        return sum(each.takes for each in self._all)

    def prepare(self, path: Path) -> None:
        """Let each open a bundle before anybody asks for it."""
        for each in self._all:
            each.prepare(path)

    def make(self, asked: Ask, hear: Hear, go_on: Callable[[], None]) -> list[TakeRow]:
        """As `Performer.make`."""
        return min(self._all, key=lambda each: each.takes).make(asked, hear, go_on)

    def close(self) -> None:
        """End all of them."""
        for each in self._all:
            each.close()


# -- in the process ----------------------------------------------------------------------------


def _perform(pipe: Connection, batch: int) -> None:
    """The life of a performer: begin what it is told to, until the pipe closes."""
    # Ctrl-C and SIGTERM are the server's to answer, which closes the pipe when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _Stage(pipe, batch).play()


class _Stage:
    """What a performer is at."""

    def __init__(self, pipe: Connection, batch: int) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self._stopped: dict[int, threading.Event] = {}
        self._opened = Opened(batch, MOST_OPEN)

    def play(self) -> None:
        """Until the pipe closes."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                message = self._pipe.recv()
                if message[0] == "open":
                    threading.Thread(target=self._open, args=message[1:], daemon=True).start()
                elif message[0] == "stop":
                    if (stopped := self._stopped.get(message[1])) is not None:
                        stopped.set()
                else:
                    _, number, asked = message
                    self._stopped[number] = threading.Event()
                    threading.Thread(target=self._make, args=(number, asked), daemon=True).start()

    def _make(self, number: int, asked: Ask) -> None:
        stopped = self._stopped[number]

        def go_on(_: int = 0) -> None:
            if stopped.is_set():
                raise StoppedError

        def hear(name: str, told: dict[str, Any]) -> None:
            self._send(number, name, told)

        try:
            bundle = self._opened.get(asked.path)
            end: tuple[str, Any] = DONE, perform(asked, bundle, hear, go_on)
        except StoppedError:
            end = STOPPED, None
        except SegueError as error:
            end = REFUSED, (status_of(error), str(error))
        except MemoryError:
            end = REFUSED, (503, "the server ran out of memory: ask for less.")
        except Exception as error:  # noqa: BLE001 - reported as the bug it is; the rest goes on
            import traceback

            end = BUG, (type(error).__name__, traceback.format_exc())
        del self._stopped[number]
        self._send(number, *end)

    def _open(self, path: Path) -> None:
        with contextlib.suppress(Exception):  # whatever is wrong is told to who asks for it
            bundle = self._opened.get(path)
            bundle.ensembles.of(bundle, "auto")

    def _send(self, number: int, name: str, told: Any) -> None:
        # Who does not listen any more has gone, and so do we.
        with self._sending, contextlib.suppress(OSError):
            self._pipe.send((number, name, told))
