"""Trainings: `segue train` as a child on a folder of uploaded music, and what a run shows."""

from __future__ import annotations

import json
import math
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from segue.errors import SegueError, nearest
from segue.server import child
from segue.server.problems import RefusedError
from segue.server.settings import Settings
from segue.server.shelf import Shelf
from segue.server.work import TRAIN, Outcome, Running, Work

MOST_NAME, MOST_SUFFIX = 120, 16
"""Bytes of an uploaded file's name, and of its end."""
MOST_POINTS = 2000
"""Points of a curve that are sent; a longer one is thinned."""


def table(settings: Settings, shelf: Shelf) -> dict[str, tuple[str, Work]]:
    """The one kind of job, and the function that sees to it."""

    def train(running: Running) -> Outcome:
        asked = running.job.request
        run = settings.work / "runs" / asked["run"]
        log = settings.work / "logs" / f"{asked['run']}.log"
        told = child.segue(arguments(settings, asked, run), running.go_on, log)
        shelf.refresh()
        return Outcome(result={"run": asked["run"], "report": told})

    return {"train": (TRAIN, train)}


def arguments(settings: Settings, asked: dict[str, Any], run: Path) -> list[str]:
    """The command line of a training; one that was begun before goes on from its checkpoint."""
    limits = []
    if asked.get("max_minutes") is not None:
        limits += ["--max-minutes", f"{asked['max_minutes']:g}"]
    if asked.get("max_steps") is not None:
        limits += ["--max-steps", str(asked["max_steps"])]
    if any((run / "checkpoints").glob("*")):
        return ["train", "--resume", str(run), *limits]
    music = settings.work / "uploads" / asked["upload"]
    told = ["train", str(music), "--recipe", asked["recipe"], "--out", str(run), *limits]
    if asked.get("seed") is not None:
        told += ["--seed", str(asked["seed"])]
    for each in asked.get("settings", []):
        told += ["--set", each]
    return told


class Runs:
    """The runs in the work folder and those that hold the bundles that are served."""

    def __init__(self, settings: Settings) -> None:
        self._folders = (settings.work / "runs", *settings.bundles)

    def all(self) -> dict[str, Path]:
        """Every run by name."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in _runs_in(folder):
                found.setdefault(path.name, path)
        return found

    def get(self, name: str) -> Path:
        """A run by name; RefusedError with 404 if there is none."""
        runs = self.all()
        if name not in runs:
            raise RefusedError(404, f"there is no run {name!r}; {nearest(name, runs)}.")
        return runs[name]

    def summary(self, name: str, path: Path) -> dict[str, Any]:
        """What a list of runs shows of one."""
        log = path / "metrics.jsonl"
        lines = list(_lines(log))
        steps = [line["step"] for line in lines if isinstance(line.get("step"), int)]
        recipe = _recipe(path)
        return {
            "name": name,
            "recipe": recipe.get("name"),
            "step": max(steps, default=None),
            "max_steps": recipe.get("train", {}).get("max_steps"),
            "has_bundle": (path / "bundle" / "bundle.json").is_file(),
            "changed": (log if log.is_file() else path).stat().st_mtime,
            "job": None,
        }

    def curves(self, path: Path) -> dict[str, dict[str, list[float | None]]]:
        """What the run logged, by name."""
        curves: dict[str, dict[str, list[float | None]]] = {}
        for line in _lines(path / "metrics.jsonl"):
            step = line.get("step")
            for name, value in line.items():
                if name == "step" or isinstance(value, bool):
                    continue
                if isinstance(value, int | float) and isinstance(step, int):
                    curve = curves.setdefault(name, {"steps": [], "values": []})
                    curve["steps"].append(step)
                    curve["values"].append(value if math.isfinite(value) else None)
        return {name: _thinned(curve) for name, curve in curves.items()}

    def samples(self, path: Path) -> list[tuple[int, list[str]]]:
        """The steps at which the run played, and the files of each."""
        found = []
        for folder in sorted((path / "samples").glob("step-*")):
            number = folder.name.removeprefix("step-")
            if number.isdigit() and folder.is_dir():
                names = sorted(f.name for f in folder.iterdir() if f.suffix in SAMPLES)
                found.append((int(number), names))
        return found


SAMPLES = {".mid": "audio/midi", ".png": "image/png", ".wav": "audio/wav",
           ".json": "application/json"}  # fmt: skip


def _thinned(curve: dict[str, list[float | None]]) -> dict[str, list[float | None]]:
    count = len(curve["steps"])
    if count <= MOST_POINTS:
        return curve
    kept = sorted({round(i * (count - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)})
    return {name: [values[i] for i in kept] for name, values in curve.items()}


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    """The lines of a log; the last may be half-written."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line


def _recipe(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((path / "recipe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _runs_in(folder: Path) -> list[Path]:
    """The folder if it is a run, or the runs in it."""
    if _is_run(folder):
        return [folder]
    if folder.name == "bundle" and _is_run(folder.parent):
        return [folder.parent]
    if not folder.is_dir():
        return []
    return [each for each in sorted(folder.iterdir()) if _is_run(each)]


def _is_run(path: Path) -> bool:
    return (path / "recipe.toml").is_file() and not (path / "bundle.json").is_file()


def keep_upload(settings: Settings, name: str, files: Iterable[tuple[str, bytes]]) -> int:
    """Keep files of music in the upload folder `name`; how many there are."""
    folder = settings.work / "uploads" / name
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for given, data in files:
        (folder / f"{count:05d}-{_plain(given)}").write_bytes(data)
        count += 1
    if not count:
        raise SegueError("no file of music came: drop a folder with MIDI, ABC or MusicXML files.")
    return count


def drop_upload(settings: Settings, name: str) -> None:
    """Let go of files that no training was begun with."""
    shutil.rmtree(settings.work / "uploads" / name, ignore_errors=True)


def _plain(given: str) -> str:
    """A name that any system takes for a file, with the end that says what it holds."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1].lstrip(".")
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    stem, dot, end = name.rpartition(".")
    if not dot or len(end.encode()) > MOST_SUFFIX:
        stem, dot, end = name, "", ""
    return (stem.encode()[:MOST_NAME].decode(errors="ignore") or "music") + dot + end
