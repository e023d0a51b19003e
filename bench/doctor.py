"""How often `segue doctor` finds something in real music, and what its limits were set by.

    python bench/doctor.py --data FOLDER [FOLDER ...] [--splits CSV] [--files 200] [--bars 16 0]
                           [--part held-out] [--json OUT]

Each folder's music is two parts: pieces that limits are set on, and pieces held out, which are
those that `--splits` (columns `file` and `split`) does not call "train", those under a folder named
"valid" or "test", or, where neither tells, every tenth by name. `--part train` prints the numbers
of the first, by which the limits were chosen by hand so that about one piece in two hundred passes
each of them; `--part held-out` (the default) prints the share of pieces flagged, with Wilson's
95 % interval. `--bars 16 0` looks at 16 bars of each piece and at the whole of it.

Beside them, the same pieces spoilt on purpose, to see that what is wrong is found: every pitch
moved by up to six semitones, two bars played over and over, one note for the last two thirds, all
but a sixteenth of the notes left out of the last third.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import SegueError
from segue.evaluation.compare_sets import excerpt
from segue.evaluation.doctor import SYMPTOMS, examine, signs
from segue.formats import read
from segue.formats.table import READABLE
from segue.score import Score, join, slice_bars

QUANTILES = (0.005, 0.05, 0.5, 0.95, 0.995)
HELD_OUT = {"valid", "test"}


def parts(folder: Path, splits: dict[str, str]) -> dict[str, list[Path]]:
    """The folder's files by part."""
    files = sorted(p for p in folder.rglob("*") if p.name.lower().endswith(READABLE))
    found: dict[str, list[Path]] = {"train": [], "held-out": []}
    named = any(HELD_OUT & set(p.relative_to(folder).parts) for p in files)
    for place, file in enumerate(files):
        told = next((s for name, s in splits.items() if file.as_posix().endswith("/" + name)), None)
        if told is not None:
            held_out = told != "train"
        elif named:
            held_out = bool(HELD_OUT & set(file.relative_to(folder).parts))
        else:
            held_out = place % 10 == 9
        found["held-out" if held_out else "train"].append(file)
    return found


def sample(files: list[Path], count: int, rng: np.random.Generator) -> list[Score]:
    """Up to `count` pieces that can be read and have notes."""
    order = rng.permutation(len(files)) if len(files) > count else range(len(files))
    scores: list[Score] = []
    for i in order:
        if len(scores) == count:
            break
        try:
            score = read(files[int(i)])
        except SegueError:
            continue
        if len(score):
            scores.append(score)
    return scores


# -- music spoilt on purpose ---------------------------------------------------------------------


def wandering(score: Score, rng: np.random.Generator) -> Score:
    notes = score.notes.copy()
    moved = notes["pitch"].astype(int) + rng.integers(-6, 7, len(notes))
    notes["pitch"] = np.clip(moved, 0, 127)
    return score.with_(notes=notes)


def looping(score: Score, rng: np.random.Generator) -> Score:
    figure = slice_bars(score, 2, 4)
    made = slice_bars(score, 0, 4)
    for bar in range(4, 16, 2):
        made = join(made, figure, int(score.metre_map.ticks(bar)))
    return made


def stuck(score: Score, rng: np.random.Generator) -> Score:
    notes = score.notes.copy()
    late = notes["onset"] > score.end_ticks / 3
    if late.any():
        notes["pitch"][late] = notes["pitch"][late][0]
    return score.with_(notes=notes)


def thinning(score: Score, rng: np.random.Generator) -> Score:
    notes = score.notes
    late = notes["onset"] > score.end_ticks * 2 / 3
    kept = ~late | (np.arange(len(notes)) % 16 == 0)
    return score.with_(notes=notes[kept])


SPOILT: dict[str, Callable[[Score, np.random.Generator], Score]] = {
    "wander": wandering,
    "loop": looping,
    "one-note": stuck,
    "thins": thinning,
}
"""What each ruin should be found as."""


# -- tables --------------------------------------------------------------------------------------


def numbers(name: str, scores: list[Score]) -> dict[str, list[float]]:
    """Every symptom's quantiles over the pieces that have it."""
    rows = [signs(score) for score in scores]
    told = {}
    print(f"\n{name}: {len(scores)} pieces; quantiles {', '.join(map(str, QUANTILES))}")
    for symptom in SYMPTOMS.values():
        values = np.array([row[symptom.name] for row in rows])
        values = values[np.isfinite(values)]
        if len(values):
            told[symptom.name] = [float(q) for q in np.quantile(values, QUANTILES)]
            side = "under" if symptom.below else "over"
            shown = " ".join(f"{q:8.2f}" for q in told[symptom.name])
            print(f"  {symptom.name:10} {shown}   ill {side} {symptom.limit:g}")
    return told


def wilson(flagged: np.ndarray) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, which is of use where none of a few was flagged."""
    n, share, z = len(flagged), float(flagged.mean()), 1.96
    middle, spread = (
        share + z * z / (2 * n),
        z * np.sqrt(share * (1 - share) / n + (z / n / 2) ** 2),
    )
    return tuple(float(max(0, x) / (1 + z * z / n)) for x in (middle - spread, middle + spread))


def alarms(name: str, scores: list[Score]) -> dict[str, Any]:
    """The share of pieces flagged, and by what."""
    found = [{finding.symptom for finding in examine(score)} for score in scores]
    flagged = np.array([bool(each) for each in found], float)
    low, high = wilson(flagged)
    by = {s: sum(s in each for each in found) for s in SYMPTOMS}
    by = {s: n for s, n in by.items() if n}
    print(
        f"  {name:34} {len(scores):4} pieces  {flagged.mean():6.1%}  "
        f"({low:.1%} to {high:.1%})  {', '.join(f'{s} {n}' for s, n in by.items())}"
    )
    return {
        "pieces": len(scores), "flagged": float(flagged.mean()), "interval": [low, high], "by": by,
    }  # fmt: skip


def found_out(scores: list[Score], rng: np.random.Generator) -> dict[str, float]:
    """Of pieces of 16 bars spoilt in each way, the share in which that is found."""
    long = [score for score in scores if score.end_bars >= 15 and len(score) >= 96]
    told = {}
    for symptom, spoil in SPOILT.items():
        hits = [symptom in {f.symptom for f in examine(spoil(score, rng))} for score in long]
        told[symptom] = float(np.mean(hits)) if hits else float("nan")
        print(f"  spoilt so that it has {symptom:10} found in {told[symptom]:6.1%} of {len(long)}")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--splits", type=Path)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--bars", type=int, nargs="+", default=[16, 0])
    parser.add_argument("--part", choices=["train", "held-out"], default="held-out")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    splits = {}
    if asked.splits:
        with asked.splits.open(encoding="utf-8") as handle:
            splits = {row["file"]: row["split"] for row in csv.DictReader(handle)}
    told: dict[str, Any] = {}
    every: list[Score] = []
    for folder in asked.data:
        rng = np.random.default_rng(0)
        whole = sample(parts(folder, splits)[asked.part], asked.files, rng)
        for bars in asked.bars:
            scores = [excerpt(s, bars, rng) for s in whole] if bars else whole
            name = f"{folder.name}, {bars} bars" if bars else f"{folder.name}, whole"
            told[name] = (numbers if asked.part == "train" else alarms)(name, scores)
            every += scores
            if bars == 16 and asked.part == "held-out":
                told[name]["found_out"] = found_out(scores, rng)
    if asked.part == "held-out":
        told["all"] = alarms("all", every)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
