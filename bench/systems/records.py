"""A record a row of the table: measured once, kept as JSON, measured again when asked."""

from __future__ import annotations

import json
import os
import platform
import shutil
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
from bench.systems.work import CommandError, Workplace

from segue import bundles
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


def _from_here(command: str) -> str:
    """A command with paths from this folder on: a record is read on other machines."""
    return command.replace(f"{Path.cwd()}/", "").replace(f"{Path.cwd().parent}/", "../")


def make(name: str, workplace: Workplace, minutes: float | None = None) -> dict[str, Any]:
    """Train a row, play it, measure it."""
    budget = minutes if minutes is not None else plan.row(name).minutes
    began = time.monotonic()
    told = workplace.train(name, budget)
    seconds = time.monotonic() - began
    facts = {
        "command": _from_here("segue " + " ".join(workplace.train_command(name, budget))),
        "budget": {"minutes": budget},
        "training": {"minutes": seconds / 60, "reason": told["reason"]},
    }
    return _record(Case(name, workplace), facts)


def adopt(name: str, workplace: Workplace, run: Path) -> dict[str, Any]:
    """The record of a run that `segue train` made elsewhere on this machine, which is copied.

    Raises CommandError if it is of another recipe or was trained on other music.
    """
    row = plan.row(name)
    bundle = bundles.load(run)
    mine, theirs = row.resolved(), bundle.recipe
    alike = ("encoding", "model", "data", "train", "generate")
    steps = {"max_steps": theirs.train.max_steps}
    mine = mine.model_copy(update={"train": mine.train.model_copy(update=steps)})
    changed = [part for part in alike if getattr(mine, part) != getattr(theirs, part)]
    if changed:
        raise CommandError(f"{run} differs from the row {name} in: {', '.join(changed)}.")
    if bundle.index["corpus"]["hash"] != workplace.corpus_of(name).hash:
        raise CommandError(f"{run} was trained on other music than {row.music.name}.")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    seconds = (bundle.path / "bundle.json").stat().st_mtime - (
        run / "environment.json"
    ).stat().st_mtime
    if run.resolve() != workplace.run_of(name).resolve():
        shutil.rmtree(workplace.run_of(name), ignore_errors=True)
        shutil.copytree(run, workplace.run_of(name), ignore=shutil.ignore_patterns("corpus"))
    facts = {
        "command": _from_here(
            f"segue train {bundle.index['corpus']['source']} --recipe {row.recipe} "
            f"--seed {bundle.index['seed']}"
        ),
        "budget": {"minutes": seconds / 60},
        "training": {"minutes": seconds / 60, "reason": f"{lines[-1]['step']} steps were done"},
    }
    return _record(Case(name, workplace), facts)


def _record(case: Case, facts: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a run: `facts` of its training, what it came to, and what it plays."""
    row, recipe = plan.row(case.name), case.recipe
    log = case.run / "metrics.jsonl"
    training = {
        **facts["training"],
        "seconds_a_step": seconds_a_step(log),
        "steps": steps_of(log),
        "of": row.resolved().train.max_steps,
    }
    return {
        "row": case.name,
        "recipe": row.recipe,
        "family": recipe.family,
        "size": row.size,
        "set": list(row.set),
        "music": row.music.name,
        "recipe_hash": recipe_hash(row.resolved()),
        "date": date.today().isoformat(),
        "command": facts["command"],
        "machine": machine(),
        "versions": versions(),
        "revision": revision(),
        "budget": facts["budget"],
        "parameters": case.bundle.index["parameters"],
        "training": training,
        "held_out": case.bundle.index["held_out"],
        **played(case),
    }


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


def steps_of(metrics: Path) -> int:
    """The last step of the log."""
    return int(json.loads(metrics.read_text("utf-8").splitlines()[-1])["step"])


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
