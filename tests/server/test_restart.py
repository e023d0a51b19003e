"""No accepted job is lost: not by `kill -9` under load, not by a stop."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
