"""What happens to a job, as a stream of server-sent events that can be taken up again.

The number of an event grows through all attempts at a job: notes are counted from the start of
their attempt, takes and ends have numbers that follow from what they are. So a page that was cut
off, and comes back to a server that was begun anew or to another one, is told all that it missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

AN_ATTEMPT = 1_000_000
FIRST_TAKE, FIRST_FINDING, LAST = 900_000, 950_000, 999_999
ENDS = ("done", "failed", "cancelled")
MOST_LOGS, MOST_BYTES = 512, 64 << 20
"""Jobs whose notes are still known after they ended, and how much that may be."""


@dataclass(frozen=True)
class Event:
    """One event: its number, its name, and the text that the stream holds."""

    number: int
    name: str
    encoded: bytes

    @classmethod
    def of(cls, number: int, name: str, data: dict[str, Any]) -> Event:
        """An event that says `data`."""
        body = json.dumps(data, separators=(",", ":"))
        return cls(number, name, f"id: {number}\nevent: {name}\ndata: {body}\n\n".encode())


class Log:
    """The events of one job. Threads add to it; coroutines wait for what is new."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._notes = 0
        self.attempt = 0
        self.is_over = False
        """Whether nothing more will come."""
        self.bytes = 0
        """How long it is."""

    def begin(self, attempt: int) -> None:
        """Count from the start of another attempt."""
        with self._lock:
            self.attempt, self._notes = attempt, 1

    def add(self, name: str, data: dict[str, Any], number: int | None = None) -> None:
        """One more event; `number` is its place in the attempt, or the next one.

        What comes after the end, from who has not heard yet that a job was cancelled, is left out.
        """
        with self._lock:
            if self.is_over:
                return
            if number is None:
                self._notes += 1
                number = self._notes
            event = Event.of(self.attempt * AN_ATTEMPT + number, name, data)
            self._events.append(event)
            self.bytes += len(event.encoded)
            self.is_over = name in ENDS
        self.wake()

    def after(self, number: int) -> list[Event]:
        """What came after an event."""
        with self._lock:
            return [event for event in self._events if event.number > number]

    async def wait(self, number: int, seconds: float) -> bool:
        """Until there is something after `number`; False if there is none in so many seconds."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        with self._lock:
            if self._events and self._events[-1].number > number:
                return True
            self._waiting.append(entry)
        try:
            await asyncio.wait_for(event.wait(), seconds)
            return True
        except TimeoutError:
            return False
        finally:  # as well where the listener has gone
            with self._lock:
                self._waiting = [each for each in self._waiting if each is not entry]

    def wake(self) -> None:
        """Let all who wait look again."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            with contextlib.suppress(RuntimeError):  # of a server that is no more
                loop.call_soon_threadsafe(event.set)


class Logs:
    """The logs of the jobs of this server, the oldest forgotten."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, Log] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, job: str) -> Log:
        """The log of a job, made if there is none."""
        with self._lock:
            log = self._logs.get(job)
            if log is None:
                self._forget()
                log = self._logs[job] = Log()
            return log

    def _forget(self) -> None:
        """Let go of the oldest that are over, where there are many or they are long."""
        size = sum(log.bytes for log in self._logs.values())
        for id_, log in list(self._logs.items()):
            if size <= MOST_BYTES and len(self._logs) < MOST_LOGS:
                return
            if log.is_over:
                size -= log.bytes
                del self._logs[id_]

    def drop(self, job: str) -> None:
        """Forget a job that another server has now; those who listen are sent to the database."""
        with self._lock:
            log = self._logs.pop(job, None)
        if log is not None:
            log.wake()

    def wake(self) -> None:
        """Let all who wait for any job look again."""
        with self._lock:
            logs = list(self._logs.values())
        for log in logs:
            log.wake()

    def known(self, job: str) -> Log | None:
        """The log of a job if there is one."""
        with self._lock:
            return self._logs.get(job)


def told(
    status: str, attempt: int, takes: list[dict[str, Any]], end: dict[str, Any]
) -> list[Event]:
    """The events that the database knows of a job, without its notes."""
    events = [Event.of(0, "queued", {"ahead": 0})]
    base = attempt * AN_ATTEMPT
    if attempt:
        events.append(Event.of(base + 1, "started", {"attempt": attempt}))
    for take in takes:
        events.append(Event.of(base + FIRST_TAKE + take["number"], "take", take))
    if status in ENDS:
        events.append(Event.of(base + LAST, status, end))
    return events
