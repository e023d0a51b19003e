"""No accepted job is lost: not by `kill -9` under load, not by a stop."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segue import bundles
from segue.generation import generate
from segue.server.events import AN_ATTEMPT
from segue.server.wire import Music
from served import API, MODEL, Served, ended, events


def ask(served: Served, seed: int, bars: int = 12) -> str:
    answer = served.client.post(
        f"{API}/generate", json={"model": MODEL, "bars": bars, "takes": 2, "seed": seed}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_kill_9_under_load_loses_no_accepted_job(served: Served, run_path: Path) -> None:
    served.start()
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda seed: ask(served, seed), range(24)))
    served.stop(signal.SIGKILL)
    served.start()
    for job in jobs:
        assert ended(served.client, job)["status"] == "done"
    job = served.client.get(f"{API}/jobs/{jobs[-1]}").json()
    alone = generate(bundles.load(run_path), takes=2, bars=12, seed=23)
    for told, take in zip(job["takes"], alone, strict=True):
        music = served.client.get(f"{API}/takes/{told['id']}").json()["music"]
        assert Music.model_validate(music).score() == take.score.with_(texts=())
    # A page that was cut off is told the rest by the server that came after.
    assert job["attempt"] >= 1
    text = served.client.get(
        f"{API}/jobs/{jobs[-1]}/events", headers={"last-event-id": str(AN_ATTEMPT + 1)}
    ).text
    assert [name for _, name, _ in events(text)][-3:] == ["take", "take", "done"]


def test_a_stop_finishes_or_hands_back_every_accepted_job(served: Served) -> None:
    served.start()
    jobs = [ask(served, seed) for seed in range(12)]
    assert served.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
    served.start()
    for job in jobs:
        assert ended(served.client, job)["status"] == "done"


def test_kill_9_of_the_process_that_plays_loses_no_job(served: Served, run_path: Path) -> None:
    served.start()
    jobs = [ask(served, seed, bars=24) for seed in range(6)]
    watched = served.client.stream("GET", f"{API}/jobs/{jobs[0]}/events")
    with watched as stream:
        assert any(line == "event: note" for line in stream.iter_lines())
    assert served.process is not None
    playing = players_of(served.process.pid)
    assert len(playing) == 1
    os.kill(playing[0], signal.SIGKILL)
    ends = [ended(served.client, job) for job in jobs]
    assert [end["status"] for end in ends] == ["done"] * 6
    assert max(end["attempt"] for end in ends) == 2
    assert players_of(served.process.pid) not in ([], playing)
    alone = generate(bundles.load(run_path), takes=2, bars=24, seed=0)
    for told, take in zip(ends[0]["takes"], alone, strict=True):
        music = served.client.get(f"{API}/takes/{told['id']}").json()["music"]
        assert Music.model_validate(music).score() == take.score.with_(texts=())


def test_no_process_stays_behind_a_server_that_is_killed(served: Served) -> None:
    served.start()
    assert ended(served.client, ask(served, 1))["status"] == "done"
    assert served.process is not None
    playing = players_of(served.process.pid)
    served.stop(signal.SIGKILL)
    until = time.monotonic() + 30
    while any(is_there(pid) for pid in playing):
        assert time.monotonic() < until
        time.sleep(0.05)


def players_of(pid: int) -> list[int]:
    """The processes that a server makes music in."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system does not tell in /proc whose child a process is")
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
