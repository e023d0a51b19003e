"""What the tests of the service share: a small piece, waiting for jobs, a server to be killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

API = "/api/v1"
MODEL = "tiny"

PIECE: dict[str, Any] = {
    "ticks_per_quarter": 480,
    "tempi": [{"tick": 0, "qpm": 100.0}],
    "metres": [{"tick": 0, "numerator": 4, "denominator": 4}],
    "keys": [{"tick": 0, "name": "C major"}],
    "tracks": [{"name": name, "program": 0, "drums": False} for name in ("Soprano", "Bass")],
    "notes": [
        {"track": t, "onset": 480 * i, "duration": 480, "pitch": pitch - 24 * t, "velocity": 80}
        for i, pitch in enumerate((72, 74, 76, 77, 79, 77, 76, 74))
        for t in (0, 1)
    ],
    "controllers": [],
    "bends": [],
}


def ended(client: Any, job: str, seconds: float = 60) -> dict[str, Any]:
    """The job once it has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told: dict[str, Any] = client.get(f"{API}/jobs/{job}").json()
        if told["status"] not in ("queued", "running"):
            return told
        time.sleep(0.02)
    raise AssertionError(f"job {job} did not end: {told}")


def made(client: Any, way: str, **asked: Any) -> dict[str, Any]:
    """What becomes of a request to make music."""
    answer = client.post(f"{API}/{way}", json={"model": MODEL, **asked})
    assert answer.status_code == 202, answer.text
    return ended(client, answer.json()["id"])


def events(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream: number, name, data."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(
            line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] != ":"
        )
        if "event" in lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


@dataclass
class Served:
    """`segue serve` in a process of its own."""

    shelf: Path
    work: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        command = [
            sys.executable, "-m", "segue", "serve", str(self.shelf), "--work", str(self.work),
            "--port", str(self.port), *self.options,
        ]  # fmt: skip
        with (self.work.parent / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        until = time.monotonic() + 60
        while True:
            try:
                self.client.get(f"{API}/health").raise_for_status()
                return
            except httpx.TransportError:
                assert self.process.poll() is None, "the server ended early"
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.05)

    def stop(self, signal_: signal.Signals) -> int:
        """End it with a signal; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal_)
        self.client.close()
        return self.process.wait(60)
