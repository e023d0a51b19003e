"""The jobs of this server: accepted, waiting, worked on, cancelled, taken over, handed back.

Each kind of job has a lane with workers of its own, so that a training does not keep a musician
waiting. A job is in the database before it is accepted; this server renews its leases on its jobs
and takes over those of servers that have fallen.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue.errors import SegueError
from segue.server.events import FIRST_TAKE, LAST, Log, Logs
from segue.server.lanes import Lane
from segue.server.metrics import Metrics
from segue.server.problems import TITLES, RefusedError, status_of
from segue.server.settings import Limits
from segue.server.store import CANCELLED, DONE, FAILED, JobRow, Store, TakeRow

MAKE, JUDGE, TRAIN = "make", "judge", "train"

MOST_ATTEMPTS = 3
"""How often a job is begun that the process it was made in did not live through."""
MOST_BEGINNINGS = 10
"""How often a job is begun at all, trainings apart: one that fells server after server is not."""
LEAVE = 10.0
"""Seconds that workers have to stop, once they were told that there is no more time."""


class FellError(Exception):
    """The process in which the job was worked on is no more; a sentence says how it ended."""


class StoppedError(Exception):
    """The job is to go no further: it was cancelled, or the server stops."""


@dataclass
class Running:
    """A job that is being worked on: what the work asks, and what it tells."""

    job: JobRow
    log: Log
    seconds: float
    """How long it may take."""
    cancelled: threading.Event
    stopping: threading.Event
    """Whether there is no more time for any job."""
    began: float = field(default_factory=time.monotonic)

    def go_on(self, _: int = 0) -> None:
        """Raise StoppedError or a RefusedError where the work is to end here."""
        if self.cancelled.is_set() or self.stopping.is_set():
            raise StoppedError
        if time.monotonic() > self.began + self.seconds:
            raise RefusedError(
                408, "the job took longer than this server allows: ask for fewer bars or takes."
            )


@dataclass(frozen=True)
class Outcome:
    """What a job came to: takes, or another result."""

    takes: list[TakeRow] = field(default_factory=list)
    result: dict[str, Any] | None = None


Work = Callable[[Running], Outcome]


class Works:
    """Accepts jobs and sees to them. `work` has a function for each kind, `lane_of` its lane."""

    def __init__(
        self, store: Store, limits: Limits, work: Mapping[str, tuple[str, Work]],
        logger: logging.Logger, metrics: Metrics,
    ) -> None:  # fmt: skip
        self.store, self.limits, self._work = store, limits, dict(work)
        self._logger, self._metrics = logger, metrics
        self.owner = f"{socket.gethostname()[:60]}/{os.getpid()}/{secrets.token_hex(8)}"
        self.logs = Logs()
        self.is_stopping = False
        self.is_closing = False
        """Whether streams are to end, since the server waits for them to stop."""
        self._is_urgent = False
        """Whether what was begun is not waited for."""
        seconds = limits.job_seconds
        self._lanes = {
            MAKE: Lane(limits.running, limits.waiting, seconds),
            JUDGE: Lane(1, limits.waiting, 10 * seconds),
            TRAIN: Lane(limits.trainings, 8, float("inf")),
        }
        self._lock = threading.Lock()
        self._cancelled: dict[str, threading.Event] = {}
        """Whether jobs that a worker has taken are cancelled; before they are begun, and after."""
        self._running: dict[str, Running] = {}
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()

    # -- from outside ------------------------------------------------------------------------

    def start(self) -> None:
        """Hire the workers, and begin again what other servers left behind."""
        for name, lane in self._lanes.items():
            for number in range(lane.workers):
                self._hire(self._serve, f"{name}-{number}", lane)
        for owner in self.store.owners():
            if _has_fallen(owner):
                self.store.hand_back(owner)
        self._look_after()
        self._hire(self._keep, "keeper")

    def _hire(self, function: Callable[..., None], name: str, *args: Any) -> None:
        thread = threading.Thread(target=function, name=name, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def submit(
        self, kind: str, request: dict[str, Any], *, key: str | None, seed: int | None = None,
        same: Any = None,
    ) -> JobRow:  # fmt: skip
        """Accept a job, or give the one that the same key was given for.

        `same` is what makes two requests the same, where that is not all of the request.
        Raises RefusedError: 409 for a key that came with another request, 429 where too many
        wait, 503 where the server stops.
        """
        digest = hashlib.sha256(
            json.dumps([kind, same or request], sort_keys=True).encode()
        ).hexdigest()  # fmt: skip
        if key is not None and (known := self._same(key, digest)) is not None:
            return known
        if self.is_stopping:
            raise RefusedError(503, "the server is about to stop: ask again in a moment.", after=5)
        name = self._work[kind][0]
        lane = self._lanes[name]
        id_ = secrets.token_hex(10)
        if not lane.admit(id_):
            self._metrics.refused.labels("queue").inc()
            raise RefusedError(
                429,
                f"{len(lane)} jobs are under way and no more may wait: ask again later.",
                after=self._wait(name),
            )
        job = None
        try:
            job = self.store.add(
                id_, kind, request, digest, key=key, seed=seed, owner=self.owner,
                lease=time.time() + self.limits.lease_seconds,
            )  # fmt: skip
        finally:
            if job is None:
                lane.leave(id_)
        if job is None:
            assert key is not None
            known = self._same(key, digest)
            assert known is not None
            return known
        self.logs.of(id_).add("queued", {"ahead": self.ahead(id_)}, 0)
        lane.put(id_)
        self._metrics.accepted.labels(kind).inc()
        return job

    def _same(self, key: str, digest: str) -> JobRow | None:
        known = self.store.job_of_key(key)
        if known is not None and known.digest != digest:
            raise RefusedError(
                409,
                "this Idempotency-Key came with another request before: give a new request a key "
                "of its own.",
            )
        return known

    def _wait(self, lane: str) -> float:
        """Seconds after which there is likely to be a place: a job's usual time, or two."""
        return max(1.0, min(60.0, self._metrics.usual_seconds(lane)))

    def cancel(self, id_: str) -> JobRow:
        """Cancel a job; one that has ended stays as it is. RefusedError, 404, for none."""
        job = self.store.job(id_)
        if job is None:
            raise RefusedError(404, f"there is no job {id_!r}.")
        if job.is_open:
            self.store.ask_to_cancel(id_)
            with self._lock:
                cancelled = self._cancelled.get(id_)
            if cancelled is not None:
                cancelled.set()
            elif self.store.finish(id_, self.owner, CANCELLED):
                for lane in self._lanes.values():
                    lane.leave(id_)
                self._metrics.ended.labels(job.kind, CANCELLED).inc()
                self._end(id_, CANCELLED, {})
        return self.store.job(id_) or job

    def ahead(self, id_: str) -> int:
        """How many jobs of the same lane wait before this one."""
        return next((n for lane in self._lanes.values() if (n := lane.ahead(id_)) is not None), 0)

    def has(self, id_: str) -> bool:
        """Whether this server has a job; one that stood still too long loses it to another."""
        job = self.store.job(id_)
        return job is not None and job.owner == self.owner

    def counts(self) -> tuple[int, int]:
        """How many jobs wait here and how many are worked on."""
        with self._lock:
            running = len(self._running)
        return max(0, sum(map(len, self._lanes.values())) - running), running

    def close_streams(self) -> None:
        """Accept no more, and end the streams of events: those who listen come back."""
        self.is_stopping = self.is_closing = True
        self.logs.wake()

    def hurry(self) -> None:
        """Wait no longer for what was begun, which is handed back."""
        self._is_urgent = True

    def stop(self) -> None:
        """Finish what was begun, if it is done in time; hand back everything else."""
        self.is_stopping = True
        until = time.monotonic() + self.limits.stop_seconds
        for lane in self._lanes.values():
            lane.close()
        while time.monotonic() < until and not self._is_urgent:
            if all(r.job.kind == "train" for r in self._all_running()):
                break  # a training goes on from its last checkpoint
            time.sleep(0.05)
        self._ended.set()
        until = time.monotonic() + LEAVE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        left = self.store.hand_back(self.owner)
        self._logger.info("stopped", extra={"handed_back": left})

    def _all_running(self) -> list[Running]:
        with self._lock:
            return list(self._running.values())

    # -- the workers -------------------------------------------------------------------------

    def _serve(self, lane: Lane) -> None:
        while (id_ := lane.next()) is not None:
            try:
                while self._see_to(id_, lane.seconds):
                    pass
            except Exception as error:  # told in the log; the keeper lets the job wait again
                self._logger.exception("worker", exc_info=error, extra={"job": id_})
            finally:
                lane.leave(id_)

    def _see_to(self, id_: str, seconds: float) -> bool:
        """Work on a job; whether it has to be begun again."""
        cancelled = threading.Event()
        with self._lock:
            self._cancelled[id_] = cancelled
        try:
            job = self.store.begin(id_, self.owner, time.time() + self.limits.lease_seconds)
            if job is None:
                return False
            if job.cancel:
                cancelled.set()
            log = self.logs.of(id_)
            return self._work_on(Running(job, log, seconds, cancelled, self._ended))
        finally:
            with self._lock:
                del self._cancelled[id_]

    def _work_on(self, running: Running) -> bool:
        """Work on a job that was begun; whether it has to be begun again."""
        job, log = running.job, running.log
        id_ = job.id
        with self._lock:
            self._running[id_] = running
        log.begin(job.attempt)
        log.add("started", {"attempt": job.attempt, "seed": job.seed}, 1)
        try:
            status, told = self._ended_as(running)
        except FellError as error:
            self._logger.warning(
                "fell", extra={"job": id_, "attempt": job.attempt, "how": str(error)}
            )
            return not self.is_stopping
        finally:
            with self._lock:
                del self._running[id_]
        took = time.monotonic() - running.began
        if status is None:
            self._logger.info("handed back", extra={"job": id_, "kind": job.kind})
            self.logs.drop(id_)
            return False
        self._metrics.finished(job.kind, self._work[job.kind][0], status, took)
        self._logger.info(
            "job", extra={"job": id_, "kind": job.kind, "status": status, "seconds": round(took, 3)}
        )
        self._end(id_, status, told)
        return False

    def _ended_as(self, running: Running) -> tuple[str | None, dict[str, Any]]:
        """How the job ends, which is in the database when this returns; None: handed back."""
        job = running.job
        problem: dict[str, Any] | None = None
        outcome = Outcome()
        status = DONE
        try:
            running.go_on()
            self._require_hope(job)
            outcome = self._work[job.kind][1](running)
        except StoppedError:
            if not running.cancelled.is_set():
                return None, {}
            status = CANCELLED
        except SegueError as error:
            status, problem = FAILED, _problem(status_of(error), str(error))
        except MemoryError:
            status, problem = FAILED, _problem(503, "the server ran out of memory: ask for less.")
        except FellError as error:
            if job.attempt < MOST_ATTEMPTS:
                raise
            detail = f"{error} It was begun {job.attempt} times: ask for less, or look in the log."
            status, problem = FAILED, _problem(503, detail)
        except Exception as error:
            self._logger.exception("bug", exc_info=error, extra={"job": job.id})
            kind = getattr(error, "kind", type(error).__name__)
            status = FAILED
            problem = _problem(500, f"this is a bug in Segue ({kind}); the server's log has more.")
        mine = self.store.finish(
            job.id, self.owner, status, problem=problem, result=outcome.result, made=outcome.takes
        )
        if not mine:
            return None, {}
        for take in outcome.takes:
            running.log.add("take", take.facts, FIRST_TAKE + take.number)
        if problem is not None:
            return status, {"problem": problem}
        return status, end_of(status, [take.id for take in outcome.takes], outcome.result)

    def _require_hope(self, job: JobRow) -> None:
        """Refuse a job that was begun often, and that whoever worked on it did not live through."""
        if job.attempt > MOST_BEGINNINGS and self._work[job.kind][0] != TRAIN:
            raise RefusedError(
                503,
                f"it was begun {MOST_BEGINNINGS} times and never came to an end: ask for less, or "
                "look in the log.",
            )

    def _end(self, id_: str, status: str, told: dict[str, Any]) -> None:
        self.logs.of(id_).add(status, told, LAST)

    # -- the keeper --------------------------------------------------------------------------

    def _keep(self) -> None:
        """Renew leases, hear of cancellations elsewhere, look for fallen servers."""
        while not self._ended.wait(self.limits.lease_seconds / 4):
            try:
                self._look_after()
            except Exception as error:
                self._logger.exception("keeper", exc_info=error)

    def _look_after(self) -> None:
        lease = time.time() + self.limits.lease_seconds
        self.store.renew(self.owner, lease)
        for id_ in self.store.to_cancel(self.owner):
            self.cancel(id_)
        if self.is_stopping:
            return
        for id_, kind in self.store.open_of(self.owner):
            if kind in self._work and id_ not in (lane := self._lanes[self._work[kind][0]]):
                # Its end could not be written down, or not even its beginning.
                self._logger.warning("stranded", extra={"job": id_})
                lane.put(id_)
        waiting, running = self.counts()
        free = max(1, self.limits.running + self.limits.waiting - waiting - running)
        for job in self.store.adopt(self.owner, lease, free):
            if job.kind not in self._work:
                continue
            self._logger.info("taken over", extra={"job": job.id, "attempt": job.attempt})
            self._metrics.adopted.inc()
            self._lanes[self._work[job.kind][0]].put(job.id)
        self.store.trim(self.limits.kept_jobs, self.limits.kept_takes)


def _has_fallen(owner: str) -> bool:
    """Whether a server was a process of this machine that is no more; of others leases tell."""
    host, process, _ = (*owner.split("/"), "", "")[:3]
    if host != socket.gethostname()[:60] or not process.isdigit() or int(process) == os.getpid():
        return False
    return not Path(f"/proc/{process}").exists() and Path("/proc/self").exists()


def end_of(status: str, takes: list[str], result: dict[str, Any] | None) -> dict[str, Any]:
    """What the last event says of a job that came to no harm."""
    return {"takes": takes, "result": result} if status == DONE else {}


def _problem(status: int, detail: str) -> dict[str, Any]:
    title = TITLES.get(status, "It did not work")
    return {"type": f"/problems/{status}", "title": title, "status": status, "detail": detail}
