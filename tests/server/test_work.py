"""Jobs from their acceptance to their end, of work that does as the test says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from segue.server import Limits
from segue.server.metrics import Metrics
from segue.server.problems import RefusedError
from segue.server.store import JobRow, Store
from segue.server.work import MAKE, MOST_BEGINNINGS, Outcome, Running, Works

Made = Callable[..., Works]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    yield made
    made.close()


@pytest.fixture
def works(store: Store, quiet: logging.Logger) -> Iterator[Made]:
    """`works(function, **limits)`: works whose jobs are seen to by a function."""
    made: list[Works] = []

    def make(work: Callable[[Running], Outcome], **limits: Any) -> Works:
        given = {"stop_seconds": 20.0, "lease_seconds": 0.4, **limits}
        made.append(Works(store, Limits(**given), {"job": (MAKE, work)}, quiet, Metrics()))
        return made[-1]

    yield make
    for each in made:
        each.hurry()
        each.stop()


def held(running: Running) -> Outcome:
    """Goes on until it is told not to."""
    while True:
        running.go_on()
        time.sleep(0.01)


def at_once(running: Running) -> Outcome:
    """There is nothing to it."""
    return Outcome()


def job_of(works: Works, id_: str) -> JobRow:
    found = works.store.job(id_)
    assert found is not None
    return found


def until(works: Works, id_: str, *statuses: str) -> JobRow:
    """The job once it has come to one of these."""
    last = time.monotonic() + 20
    while (found := job_of(works, id_)).status not in statuses:
        assert time.monotonic() < last, found
        time.sleep(0.01)
    return found


def ask(works: Works) -> str:
    return works.submit("job", {}, key=None).id


def test_a_job_that_is_cancelled_while_it_waits_leaves_its_place(works: Made) -> None:
    made = works(held, running=1, waiting=2)
    made.start()
    first = ask(made)
    until(made, first, "running")
    waiting = [ask(made), ask(made)]
    with pytest.raises(RefusedError, match="3 jobs are under way") as full:
        ask(made)
    assert full.value.status == 429
    assert [made.ahead(id_) for id_ in waiting] == [0, 1]
    assert made.cancel(waiting[0]).status == "cancelled"
    assert made.ahead(waiting[1]) == 0
    assert made.cancel(waiting[0]).status == "cancelled", "twice is once"
    ask(made)
    assert made.counts() == (2, 1)


def test_a_job_that_is_cancelled_as_it_begins_is_cancelled_once(
    works: Made, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = works(held, running=1, lease_seconds=1000.0)
    begin, begun = store.begin, threading.Event()

    def begin_slowly(*args: Any) -> JobRow | None:
        job = begin(*args)
        begun.set()
        # Somebody cancels between this and the moment that the job is known to run.
        time.sleep(0.2)
        return job

    monkeypatch.setattr(store, "begin", begin_slowly)
    made.start()
    id_ = ask(made)
    assert begun.wait(10)
    made.cancel(id_)
    assert until(made, id_, "cancelled").attempt == 1
    log = made.logs.of(id_)
    while not log.is_over:
        time.sleep(0.01)
    assert [event.name for event in log.after(-1)] == ["queued", "started", "cancelled"]


def test_a_job_whose_end_cannot_be_written_is_begun_again(
    works: Made, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = works(at_once)
    finish, failures = store.finish, iter([True, True, False, False])

    def finish_at_last(*args: Any, **more: Any) -> bool:
        if next(failures):
            raise OperationalError("finish", None, Exception("the disk is full"))
        return finish(*args, **more)

    monkeypatch.setattr(store, "finish", finish_at_last)
    made.start()
    assert until(made, ask(made), "done").attempt == 3
    assert made.counts() == (0, 0)


def test_a_job_that_fells_server_after_server_is_given_up(works: Made, store: Store) -> None:
    made = works(at_once)
    store.add("a", "job", {}, "", key=None, seed=None, owner="fallen", lease=0.0)
    for _ in range(MOST_BEGINNINGS):
        assert store.begin("a", "fallen", 0.0)
    made.start()
    job = until(made, "a", "failed", "done")
    assert job.problem is not None
    assert job.problem["status"] == 503
    assert "never came to an end" in job.problem["detail"]


def test_what_was_begun_is_handed_back_when_there_is_no_time(works: Made) -> None:
    made = works(held, running=2, lease_seconds=1000.0)
    made.start()
    jobs = [ask(made) for _ in range(3)]
    until(made, jobs[0], "running")
    began = time.monotonic()
    threading.Timer(0.1, made.hurry).start()
    made.stop()
    assert time.monotonic() - began < 15, "less than it gives those who are in no hurry"
    assert [(job_of(made, id_).status, job_of(made, id_).owner) for id_ in jobs] == [
        ("queued", None)
    ] * 3
