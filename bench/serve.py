"""The service under load, from a second process on loopback: figures of issue 9.

    python bench/serve.py [RUN] [--users 16] [--each 3] [--bars 8] [--burst 200] [--out FILE]

RUN is a bundle or the run that made one; segue-piano where none is named. Five measurements, each
on a server that is warm:

- alone: requests one after the other, each waited for;
- users: so many users at once, each with one request after the other; how many times the takes a
  second of "alone" that is, and how long after its request each user got a note (both are done
  --rounds times, and the round in the middle is told);
- continuing: the same of users who each carry on eight bars of their own;
- burst: so many requests at once; how many were accepted and finished, how many were answered 429
  with Retry-After, and what memory the server took;
- continue: the first note after a prompt, and that note's sound.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from segue.bundles import shipped
from segue.bundles.own import DEFAULT
from segue.files import write_json

API = "/api/v1"
Asked = Callable[[int], dict[str, Any]]
"""What is asked the n-th time."""
PROMPT = {
    "ticks_per_quarter": 480,
    "tempi": [{"tick": 0, "qpm": 90.0}],
    "metres": [{"tick": 0, "numerator": 4, "denominator": 4}],
    "tracks": [{"name": "Soprano", "program": 19, "drums": False}],
    "notes": [
        {"track": 0, "onset": 480 * i, "duration": 480, "pitch": pitch, "velocity": 80}
        for i, pitch in enumerate((67, 69, 71, 72, 74, 72, 71, 69, 67, 66, 67, 69, 71, 69, 67, 67))
    ],
}


def started(run: Path, work: Path, port: int, options: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "segue", "serve", str(run), "--work", str(work)]
    command += ["--port", str(port), *options]
    with (work.parent / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            command, stderr=log, stdout=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            httpx.get(f"http://127.0.0.1:{port}{API}/health").raise_for_status()
            return server
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not answer")


async def one(client: httpx.AsyncClient, way: str, asked: dict[str, Any]) -> dict[str, Any]:
    """One request, to its end: when its first note and its end came, and how it ended."""
    began = time.monotonic()
    answer = await client.post(f"{API}/{way}", json=asked)
    if answer.status_code != 202:
        return {"status": answer.status_code, "after": answer.headers.get("retry-after")}
    first = end = None
    async with client.stream("GET", answer.json()["links"]["events"]) as stream:
        async for line in stream.aiter_lines():
            if line == "event: note" and first is None:
                first = time.monotonic() - began
            if line in ("event: done", "event: failed", "event: cancelled"):
                end = line.removeprefix("event: ")
    return {"status": 202, "end": end, "first": first, "seconds": time.monotonic() - began}


def client_of(port: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=600, max_keepalive_connections=64)
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=600, limits=limits)


async def alone(
    client: httpx.AsyncClient, asked: Asked, way: str, count: int, pid: int
) -> dict[str, Any]:
    began, worked = time.monotonic(), cpu(pid)
    results = [await one(client, way, asked(i)) for i in range(count)]
    seconds = time.monotonic() - began
    first = [r["first"] for r in results]
    return {
        "requests": count,
        "a_second": count / seconds,
        "cpu_seconds_each": (cpu(pid) - worked) / count,
        "first_note_p50": float(np.percentile(first, 50)),
        "errors": sum(r.get("end") != "done" for r in results),
    }


async def users(
    client: httpx.AsyncClient, asked: Asked, way: str, count: int, each: int, pid: int
) -> dict[str, Any]:
    async def user(number: int) -> list[dict[str, Any]]:
        return [await one(client, way, asked(1000 * number + i)) for i in range(each)]

    began, worked, answered = time.monotonic(), cpu(pid), cpu(pid, alone=True)
    results = [r for rs in await asyncio.gather(*(user(n) for n in range(count))) for r in rs]
    seconds = time.monotonic() - began
    first = [r["first"] for r in results]
    return {
        "users": count,
        "requests": len(results),
        "a_second": len(results) / seconds,
        "cpu_seconds_each": (cpu(pid) - worked) / len(results),
        "of_which_answering": (cpu(pid, alone=True) - answered) / len(results),
        "first_note_p50": float(np.percentile(first, 50)),
        "first_note_p95": float(np.percentile(first, 95)),
        "seconds_p95": float(np.percentile([r["seconds"] for r in results], 95)),
        "errors": sum(r.get("end") != "done" for r in results),
    }


async def compared(
    client: httpx.AsyncClient, asked: Asked, way: str, pid: int, given: argparse.Namespace
) -> dict[str, Any]:
    """One user and many, in turn, time and again: other work on the machine hits both alike."""
    rounds = []
    for number in range(given.rounds):
        one_ = await alone(client, _from(asked, 200_000 * number), way, given.alone, pid)
        later = _from(asked, 200_000 * number + 100_000)
        rounds.append((one_, await users(client, later, way, given.users, given.each, pid)))
    times = [many["a_second"] / one_["a_second"] for one_, many in rounds]
    middle = int(np.argsort(times)[len(times) // 2])
    return {
        "alone": rounds[middle][0],
        "users": rounds[middle][1],
        "times_alone": times[middle],
        "times_alone_of_each_round": times,
    }


def _from(asked: Asked, first: int) -> Asked:
    """What is asked from the `first` time on."""
    return lambda number: asked(first + number)


def page_of(number: int) -> dict[str, Any]:
    """Eight bars of quavers over crotchets, 96 notes, which differ from number to number."""
    chance = np.random.default_rng(number)
    high = 72 + chance.integers(-5, 6, 64)
    low = 48 + chance.integers(-5, 6, 32)
    notes = [(0, 240 * i, 240, p) for i, p in enumerate(high)]
    notes += [(1, 480 * i, 480, p) for i, p in enumerate(low)]
    names = ("track", "onset", "duration", "pitch")
    tracks = [{"name": n, "program": 0, "drums": False} for n in ("Right hand", "Left hand")]
    told = [dict(zip(names, map(int, note), strict=True)) | {"velocity": 80} for note in notes]
    return {**PROMPT, "tracks": tracks, "notes": told}


async def burst(
    client: httpx.AsyncClient, asked: dict[str, Any], count: int, pid: int
) -> dict[str, Any]:
    before = memory(pid)
    results = await asyncio.gather(
        *(one(client, "generate", {**asked, "seed": i}) for i in range(count))
    )
    statuses = Counter(r["status"] for r in results)
    accepted = [r for r in results if r["status"] == 202]
    refused = [r for r in results if r["status"] == 429]
    return {
        "requests": count,
        "statuses": dict(statuses),
        "accepted_and_finished": sum(r["end"] == "done" for r in accepted),
        "429_with_retry_after": sum(r["after"] is not None for r in refused),
        "memory_mib_before": before,
        "memory_mib_peak": memory(pid, "VmHWM"),
        "alive": (await client.get(f"{API}/health")).status_code == 200,
    }


async def continued(client: httpx.AsyncClient, model: str) -> dict[str, Any]:
    """From pressing continue to the first new note, and until its sound is there."""
    firsts, sounds = [], []
    for seed in range(5):
        asked = {"model": model, "music": PROMPT, "bars": 4, "takes": 4, "seed": seed}
        began = time.monotonic()
        answer = await client.post(f"{API}/continue", json=asked)
        async with client.stream("GET", answer.json()["links"]["events"]) as stream:
            seen = False
            async for line in stream.aiter_lines():
                if seen or line == "event: note":
                    if line.startswith("data: "):
                        notes = json.loads(line[6:])["notes"]
                        break
                    seen = True
        firsts.append(time.monotonic() - began)
        music = {**PROMPT, "notes": [*PROMPT["notes"], *({**n, "track": 0} for n in notes)]}
        begin = len(PROMPT["notes"]) * 60 / 90
        span = {"music": music, "begin": begin, "end": begin + 1, "sample_rate": 22050}
        sound = await client.post(f"{API}/render", json=span)
        assert sound.status_code == 200, sound.text
        sounds.append(time.monotonic() - began)
    return {"first_note": float(np.median(firsts)), "first_sound": float(np.median(sounds))}


def family(pid: int) -> list[int]:
    """The server's process, and those that it began."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def cpu(pid: int, *, alone: bool = False) -> float:
    """Seconds of processor that the server and its processes have used; or the server alone."""
    total = 0
    for each in [pid] if alone else family(pid):
        after = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(after[11]) + int(after[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory(pid: int, what: str = "VmRSS") -> float:
    """MiB that the server and its processes hold, or, as VmHWM, have held at most each."""
    total = 0
    for each in family(pid):
        text = Path(f"/proc/{each}/status").read_text()
        line = next((line for line in text.splitlines() if line.startswith(what)), "x 0")
        total += int(line.split()[1])
    return round(total / 1024, 1)


async def measured(port: int, pid: int, given: argparse.Namespace) -> dict[str, Any]:
    async with client_of(port) as client:
        model = (await client.get(f"{API}/models")).json()["models"][0]["name"]
        asked = {"model": model, "bars": given.bars, "takes": 1}
        await one(client, "generate", asked)  # opens the bundle
        told: dict[str, Any] = {"model": model}
        told |= await compared(client, lambda i: {**asked, "seed": i}, "generate", pid, given)
        # Music of one's own each time, so that none was read before.
        own = lambda i: {**asked, "seed": i, "music": page_of(i)}  # noqa: E731
        told["continuing"] = await compared(client, own, "continue", pid, given)
        told["burst"] = await burst(client, asked, given.burst, pid)
        told["continue"] = await continued(client, model)
        return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?", default=shipped()[DEFAULT])
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--alone", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--burst", type=int, default=200)
    parser.add_argument("--out", type=Path, help="Write the figures as JSON.")
    parser.add_argument("--serve", nargs="*", default=[], help="Options for `segue serve`.")
    given = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = started(given.run, Path(folder) / "work", port, given.serve)
        try:
            told = asyncio.run(measured(port, server.pid, given))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
    told["bars"] = given.bars
    told["machine"] = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    told["load_average"] = os.getloadavg()[0]
    print(json.dumps(told, indent=2))
    if given.out:
        write_json(given.out, told)


if __name__ == "__main__":
    main()
