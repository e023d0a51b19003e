"""A record a row of the table: measured once, kept as JSON, measured again when asked."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from datetime import date
from hashlib import sha256
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.systems import checks, plan
from bench.systems.case import Case
from bench.systems.repeats import repeats
from bench.systems.work import Workplace

from segue.files import write_json
from segue.recipes import Recipe

FOLDER = Path("bench/results/systems")
TAKES, BARS, SEED = 4, 16, 1


def load(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The record of a row; None where there is none."""
    path = folder / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
    return found


def save(record: dict[str, Any], folder: Path = FOLDER) -> None:
    """Keep a record."""
    write_json(folder / f"{record['row']}.json", record)


def make(name: str, workplace: Workplace, minutes: float | None = None) -> dict[str, Any]:
    """Train a row, play it, measure it."""
    row = plan.row(name)
    budget = minutes if minutes is not None else row.minutes
    began = time.monotonic()
    told = workplace.train(name, budget)
    seconds = time.monotonic() - began
    case = Case(name, workplace)
    recipe = case.recipe
    facts = {
        "row": name,
        "recipe": row.recipe,
        "family": recipe.family,
        "size": row.size,
        "set": list(row.set),
        "music": row.music.name,
        "recipe_hash": recipe_hash(row.resolved()),
        "date": date.today().isoformat(),
        "command": "segue " + " ".join(workplace.train_command(name, budget)),
        "machine": machine(),
        "versions": versions(),
        "revision": revision(),
        "budget": {"minutes": budget},
        "parameters": case.bundle.index["parameters"],
        "training": {
            "minutes": seconds / 60,
            "seconds_a_step": seconds_a_step(case.run / "metrics.jsonl"),
            "steps": told["steps"],
            "of": recipe.train.max_steps,
            "reason": told["reason"],
        },
        "held_out": told["held_out"],
    }
    return {**facts, **played(case)}


def played(case: Case) -> dict[str, Any]:
    """What is measured on a run that is there: what repeats in its takes, and its checks."""
    return {
        "takes": repeats(case.takes(TAKES, BARS, SEED)),
        "real": repeats(case.real(TAKES, BARS)),
        "checks": [check.told() for check in checks.measure(case.name, case)],
    }


def recipe_hash(recipe: Recipe) -> str:
    """Of what a recipe says itself of encoding, model, data, training and sampling.

    Not of defaults: a new key of the schema leaves every recipe as it was.
    """
    parts = recipe.model_dump(mode="json", exclude_unset=True)
    kept = {name: parts.get(name) for name in ("encoding", "model", "data", "train", "generate")}
    return sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]


def seconds_a_step(metrics: Path) -> float | None:
    """The median time of a step, from the moments of the log's lines of training."""
    lines = [json.loads(line) for line in metrics.read_text("utf-8").splitlines()]
    trained = [(a, b) for a, b in pairwise(lines) if "train/nats" in a and "train/nats" in b]
    taken = [(b["time"] - a["time"]) / (b["step"] - a["step"]) for a, b in trained]
    return median(taken) if taken else None


def machine() -> dict[str, Any]:
    """The processor, how many of its cores, how many threads, and who else was at work."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text("utf-8").splitlines() if about.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = os.cpu_count()
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": cores,
        "threads": int(os.environ.get("OMP_NUM_THREADS", cores or 1)),
        "load": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    """Python and the packages that decide numbers."""
    packages = ("segue", "numpy", "torch", "lightning", "onnxruntime", "symusic")
    return {"python": platform.python_version(), **{p: metadata.version(p) for p in packages}}


def revision() -> str:
    """The commit, with a plus where files differ from it; "unknown" outside a repository."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"
