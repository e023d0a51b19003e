"""Lanes: where jobs of some kinds wait, in order, for one of the lane's workers."""

from __future__ import annotations

import threading
from collections import deque


class Lane:
    """So many jobs at a time, so many that wait, so many seconds for each."""

    def __init__(self, workers: int, waiting: int, seconds: float) -> None:
        self.workers, self.seconds = workers, seconds
        self._most = workers + waiting
        self._changed = threading.Condition()
        self._queue: deque[str] = deque()
        self._held: set[str] = set()
        """Jobs that have a place here: they wait, or are worked on."""
        self._is_closed = False

    def admit(self, id_: str) -> bool:
        """Give a job a place; False if there is none left."""
        with self._changed:
            if len(self._held) >= self._most:
                return False
            self._held.add(id_)
            return True

    def put(self, id_: str) -> None:
        """Let a job wait for a worker; it has a place from now on if it had none."""
        with self._changed:
            self._held.add(id_)
            self._queue.append(id_)
            self._changed.notify()

    def next(self) -> str | None:
        """The job that waited longest, once there is one; None once the lane is closed."""
        with self._changed:
            while not self._queue and not self._is_closed:
                self._changed.wait()
            return None if self._is_closed else self._queue.popleft()

    def leave(self, id_: str) -> None:
        """Let the place of a job go to another one."""
        with self._changed:
            self._held.discard(id_)
            if id_ in self._queue:
                self._queue.remove(id_)

    def close(self) -> None:
        """Give out no more jobs."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def ahead(self, id_: str) -> int | None:
        """How many jobs wait before this one; None if it does not wait."""
        with self._changed:
            return self._queue.index(id_) if id_ in self._queue else None

    def __len__(self) -> int:
        with self._changed:
            return len(self._held)

    def __contains__(self, id_: str) -> bool:
        with self._changed:
            return id_ in self._held
