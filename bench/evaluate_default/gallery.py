"""The best and the worst of ten takes, chosen by rule, as files that docs show."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from bench.evaluate_default.examination import BARS, Examination
from bench.evaluate_default.likeness import TEN, excerpts, profile
from numpy.typing import NDArray

from segue.evaluation.compare_sets import Profile
from segue.files import write_json
from segue.formats import write
from segue.formats.roll import write as write_roll
from segue.formats.sheet import write as write_sheet
from segue.score import Score

FOLDER = Path("docs/gallery/piano")
CHOSEN = "chosen.json"
SEEDS = tuple(range(1, 11))
SAMPLE_RATE = 22_050
SHEET_DPI = 96
"""An SVG of the same, with its glyphs, is five times as large."""
MOST_BYTES = 500_000
"""A file that would be larger is left out, which the record says."""

RULE = (
    "the mean over the ten measures of how many percentiles a take is from the 50th among the "
    "held-out excerpts, 0 to 50; the least is the best"
)

Floats = NDArray[np.float64]


def oddness(takes: Profile, real: Profile) -> Floats:
    """(N,): how far each take is from the middle of real music: the mean over the ten measures of
    how far its percentile among held-out excerpts is from the 50th, 0 to 50.

    A value's percentile is the share below it and half of those that equal it. A measure that a
    take does not have counts 50.
    """
    found = []
    for name in TEN:
        values, theirs = takes[name][:, 0], real[name][:, 0]
        theirs = theirs[~np.isnan(theirs)]
        below = (theirs[None] < values[:, None]).mean(axis=1)
        equal = (theirs[None] == values[:, None]).mean(axis=1)
        off = np.abs(100 * (below + equal / 2) - 50)
        found.append(np.where(np.isnan(values), 50.0, off))
    return np.asarray(np.mean(found, axis=0))


def write_gallery(asked: Examination, folder: Path) -> dict[str, Any]:
    """Files of the best and the worst; the record of how they were chosen, also written there."""
    takes = asked.own.players.from_nothing(SEEDS, BARS)
    odd = oddness(profile(takes), profile([place.cut() for place in excerpts(asked)]))
    order = np.argsort(odd, kind="stable")
    chosen = {"best": int(order[0]), "worst": int(order[-1])}
    folder.mkdir(parents=True, exist_ok=True)
    left_out: list[str] = []
    for name, i in chosen.items():
        title = f"{asked.own.name}, seed {SEEDS[i]}"
        left_out += _files(takes[i], folder / f"{name}-of-ten", title)
    record = {
        "bundle": asked.own.name,
        "hash": asked.own.hash,
        "bars": BARS,
        "rule": RULE,
        "measures": list(TEN),
        "distance": {str(seed): round(float(v), 2) for seed, v in zip(SEEDS, odd, strict=True)},
        **{name: SEEDS[i] for name, i in chosen.items()},
        "left_out": left_out,
    }
    write_json(folder / CHOSEN, record)
    return record


def kept(asked: Examination, folder: Path) -> dict[str, Any] | None:
    """The record of a gallery that is there already, if it is of this bundle."""
    file = folder / CHOSEN
    record = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return dict(record) if record.get("hash") == asked.own.hash else None


def _files(score: Score, stem: Path, title: str) -> list[str]:
    """Write a take's files; the names of those that were too large to be kept."""
    for old in stem.parent.glob(f"{stem.name}.*"):
        old.unlink()
    write(score, stem.with_suffix(".mid"))
    if len(score):
        write_roll(score, stem.with_suffix(".png"), title=title)
        write(score, stem.with_suffix(".mp3"), sample_rate=SAMPLE_RATE)
        write_sheet(score, stem.with_suffix(".score.png"), dots_per_inch=SHEET_DPI)
    large = [each for each in stem.parent.glob(f"{stem.name}.*") if _size(each) > MOST_BYTES]
    for each in large:
        each.unlink()
    return sorted(each.name for each in large)


def _size(path: Path) -> int:
    return path.stat().st_size


def lines(record: dict[str, Any], folder: Path, page: Path) -> list[str]:
    """The gallery's part of the page."""
    here = Path(os.path.relpath(folder, page.parent))
    told = ", ".join(f"{seed}: {value:g}" for seed, value in record["distance"].items())
    found = [
        "",
        "### Best and worst of ten",
        "",
        f"Of ten takes of {record['bars']} bars from nothing, seeds 1 to 10, the nearest to the "
        "middle of held-out music and the farthest from it: the mean over the ten measures of (b) "
        "of how many percentiles the take is from the 50th among the held-out excerpts of (b) "
        f"(0 to 50). By seed: {told}.",
    ]
    for name in ("best", "worst"):
        files = sorted(folder.glob(f"{name}-of-ten.*"))
        seed = record[name]
        links = [f"[{each.name.partition('.')[2]}]({here / each.name})" for each in files]
        found += ["", f"**The {name}**, seed {seed}: {', '.join(links)}."]
        for what, end in (("Piano roll", "png"), ("Score", "score.png")):
            picture = f"{name}-of-ten.{end}"
            if (folder / picture).is_file():
                found += ["", f"![{what} of the {name} of ten takes]({here / picture})"]
    return found
