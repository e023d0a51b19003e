"""What sharing a run among processes costs here: one process beside two, and the exchange alone.

    python bench/scaling.py [--steps 30] [--write bench/results/scaling.json]

The same recipe at the same batch is trained by one process with all cores, and by two of one
core each under torchrun (gloo). The exchange is an all-reduce of as many float32 as the model
has parameters, between the same two processes. `docs/scaling.md` builds its plan on these.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EXCHANGE = """
import json, os, statistics, sys, time
import torch, torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo")
gradient = torch.randn(int(sys.argv[1]))
taken = []
for _ in range(12):
    dist.barrier()
    began = time.perf_counter()
    dist.all_reduce(gradient)
    taken.append(time.perf_counter() - began)
if dist.get_rank() == 0:
    print(json.dumps(statistics.median(taken[2:])))
dist.destroy_process_group()
"""
SETTINGS = ["train.batch=32", "train.sample_rows=0", "train.validate_every=100000"]


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def torchrun(*words: str) -> list[str]:
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    return [*run, "--master-port", str(free_port()), *words]


def called(command: list[str], threads: int) -> str:
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stderr[-2000:])
    return ran.stdout


def seconds_a_step(metrics: Path) -> float:
    """From the time stamps that the log's lines carry."""
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    at = [(x["step"], x["time"]) for x in lines if "train/nats" in x]
    pace = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(at)]
    return statistics.median(pace)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args(argv)
    cores = os.cpu_count() or 1
    rows: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {cores} cores",
        "load": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        called([sys.executable, "-m", "segue", "corpora", "get", "bach-chorales",
                "-o", str(folder / "music")], cores)  # fmt: skip
        wish = ["train", str(folder / "music"), "--seed", "1", "--max-steps", str(given.steps)]
        wish += [f"--set={s}" for s in SETTINGS]
        one = [sys.executable, "-m", "segue", *wish, "-o", str(folder / "one")]
        two = torchrun("-m", "segue", *wish, "--devices", "2", "-o", str(folder / "two"))
        called(one, cores)
        rows["one process, all cores, seconds a step"] = seconds_a_step(
            folder / "one/metrics.jsonl"
        )
        called(two, 1)
        rows["two processes of one core, seconds a step"] = seconds_a_step(
            folder / "two/metrics.jsonl"
        )
        parameters = json.loads((folder / "one/bundle/bundle.json").read_text())["parameters"]
        rows["parameters"] = parameters
        script = folder / "exchange.py"
        script.write_text(EXCHANGE)
        rows["exchange of gradients, seconds"] = json.loads(
            called(torchrun(str(script), str(parameters)), 1)
        )
    for key, value in rows.items():
        print(f"{key}: {value:,.4f}" if isinstance(value, float) else f"{key}: {value}")
    first, second = (rows[k] for k in rows if k.endswith("a step"))
    print(f"two processes take {second / first:.2f} times as long a step as one with all cores")
    if given.write:
        given.write.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
