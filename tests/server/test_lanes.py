"""Lanes: places, the order of those who wait, and who leaves before his turn."""

from __future__ import annotations

import threading

from segue.server.lanes import Lane


def test_there_are_as_many_places_as_workers_and_seats() -> None:
    lane = Lane(workers=1, waiting=2, seconds=1)
    assert [lane.admit(id_) for id_ in "abcd"] == [True, True, True, False]
    lane.leave("b")
    assert lane.admit("d")
    assert len(lane) == 3
    assert "b" not in lane


def test_who_waited_longest_is_next() -> None:
    lane = Lane(1, 9, 1)
    for id_ in "abc":
        lane.put(id_)
    assert [lane.ahead(id_) for id_ in "abcd"] == [0, 1, 2, None]
    lane.leave("b")
    assert lane.next() == "a"
    assert lane.ahead("c") == 0
    assert lane.next() == "c"
    assert "c" in lane, "who is worked on has a place"


def test_workers_wait_and_go_home_once_it_is_closed() -> None:
    lane = Lane(2, 9, 1)
    had: list[str | None] = []
    workers = [threading.Thread(target=lambda: had.append(lane.next())) for _ in range(2)]
    for each in workers:
        each.start()
    lane.put("a")
    lane.close()
    lane.put("b")
    for each in workers:
        each.join(10)
    assert None in had
    assert "b" not in had
