"""The log of a job: numbers that only grow, and listeners that wake."""

from __future__ import annotations

import asyncio
import threading

from segue.server.events import AN_ATTEMPT, FIRST_TAKE, LAST, MOST_BYTES, Log, Logs, told


def test_numbers_grow_through_attempts() -> None:
    log = Log()
    log.add("queued", {}, 0)
    log.begin(1)
    log.add("started", {}, 1)
    log.add("note", {"a": 1})
    log.begin(2)
    log.add("started", {}, 1)
    log.add("note", {"a": 2})
    log.add("take", {}, FIRST_TAKE)
    log.add("done", {}, LAST)
    numbers = [event.number for event in log.after(-1)]
    assert numbers == sorted(set(numbers))
    assert [event.name for event in log.after(2 * AN_ATTEMPT + 1)] == ["note", "take", "done"]
    assert log.is_over


def test_an_event_is_encoded_as_the_standard_has_it() -> None:
    log = Log()
    log.add("queued", {"ahead": 2}, 0)
    assert log.after(-1)[0].encoded == b'id: 0\nevent: queued\ndata: {"ahead":2}\n\n'


def test_who_waits_is_woken_from_another_thread() -> None:
    log = Log()

    async def wait() -> bool:
        threading.Timer(0.05, log.add, ("queued", {}, 0)).start()
        return await log.wait(-1, 10)

    assert asyncio.run(wait())
    assert not asyncio.run(log.wait(5, 0.01))


def test_old_logs_are_forgotten_but_not_open_ones() -> None:
    logs = Logs()
    open_ = logs.of("open")
    for i in range(600):
        logs.of(f"j{i}").add("done", {}, LAST)
    assert logs.known("open") is open_
    assert logs.known("j0") is None
    assert logs.known("j599") is not None


def test_nothing_comes_after_the_end() -> None:
    log = Log()
    log.begin(1)
    log.add("note", {"a": 1})
    log.add("cancelled", {}, LAST)
    log.add("note", {"a": 2})
    log.begin(2)
    log.add("started", {}, 1)
    assert log.is_over
    assert [event.name for event in log.after(-1)] == ["note", "cancelled"]


def test_long_logs_are_forgotten_sooner() -> None:
    logs = Logs()
    for i in range(3):
        logs.of(f"j{i}").add("done", {"notes": "x" * (MOST_BYTES // 2)}, LAST)
    logs.of("new")
    assert [logs.known(f"j{i}") is None for i in range(3)] == [True, True, False]


def test_a_listener_that_goes_is_not_remembered() -> None:
    log = Log()

    async def listen() -> None:
        waiting = asyncio.create_task(log.wait(-1, 10))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(listen())
    assert log._waiting == []


def test_who_listens_to_a_job_that_went_elsewhere_is_woken() -> None:
    logs = Logs()
    log = logs.of("job")

    async def wait() -> bool:
        threading.Timer(0.05, logs.drop, ("job",)).start()
        return await log.wait(-1, 10)

    assert asyncio.run(wait())
    assert logs.known("job") is None


def test_the_database_tells_the_same_ends() -> None:
    found = told("done", 2, [{"number": 0}, {"number": 1}], {"takes": []})
    assert [event.name for event in found] == ["queued", "started", "take", "take", "done"]
    assert found[-1].number == 2 * AN_ATTEMPT + LAST
    assert [e.name for e in told("running", 1, [], {})] == ["queued", "started"]
