"""What each row came to, kept in one JSON file, and how often its test split was opened."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.published.fit import Fit
from bench.published.protocol import Measured
from bench.published.rows import Row

from segue.files import write_json

FILE = Path("bench/results/published.json")


def load(path: Path = FILE) -> dict[str, dict[str, Any]]:
    """The records by row; none where there is no file."""
    return json.loads(path.read_text("utf-8"))["rows"] if path.is_file() else {}


def save(record: dict[str, Any], path: Path = FILE) -> None:
    """Keep a record; others in the file stay."""
    rows = {**load(path), record["row"]: record}
    write_json(path, {"rows": dict(sorted(rows.items()))})


def record(
    row: Row, fit: Fit, test: Measured, seed: int, units_a_row: int, earlier: dict[str, Any] | None
) -> dict[str, Any]:
    """All there is to tell of a row; `earlier` is the record that this one takes the place of."""
    looks = earlier["test_looks"] if earlier else []
    today = time.strftime("%Y-%m-%d")
    return {
        "row": row.name,
        "set": row.kind,
        "league": row.league,
        "recipe": Path(row.recipe).stem,
        "changes": list(row.changes),
        "seed": seed,
        "parameters": fit.parameters,
        "steps": fit.steps,
        "best_step": fit.best_step,
        "epochs": fit.epochs,
        "minutes": round(fit.seconds / 60, 2),
        "processor_minutes": round(fit.processor_seconds / 60, 2),
        "valid": round(fit.valid / units_a_row, 5),
        "test": round(test.nats / units_a_row, 5),
        "test_piece_mean": round(test.piece_mean / units_a_row, 5),
        "test_rows": test.rows,
        "test_looks": [*looks, {"date": today, "nats": round(test.nats / units_a_row, 5)}],
        "date": today,
        "machine": f"{processor()}, 1 thread of {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: metadata.version(name) for name in ("torch", "numpy")},
    }


def processor() -> str:
    """The processor's name, or what platform tells of it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
