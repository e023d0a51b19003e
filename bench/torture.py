"""How much music comes out of damaged MIDI files, beside what three parsers find in them.

    python bench/torture.py FOLDER [--json]

FOLDER holds files and a LISTING.csv with a row for each: `file`, and a column for each of symusic,
mido and pretty_midi that says "ok 12n" where that parser found twelve notes, or its error. Counted
is in how many of the files where any of them finds a note Segue gives a Score with notes; the rest
are listed with the reason. Files that symusic reads are compared note for note with the symusic
installed, each in a process of its own, since some of them kill it.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from segue.errors import SegueError
from segue.formats import midi
from segue.score import Score

PARSERS = ("symusic", "mido", "pretty_midi")

SYMUSIC = """
import json, sys, symusic
score = symusic.Score(sys.argv[1])
rows = sorted((n.time, n.duration, n.pitch, n.velocity) for t in score.tracks for n in t.notes)
print(json.dumps(rows))
"""


def notes_in(outcome: str) -> int:
    """The notes of an outcome such as "ok 12n"; 0 for an error."""
    return int(outcome[3:-1]) if outcome.startswith("ok ") else 0


def read(path: Path) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        reading = midi.read(path)
    except SegueError as refused:
        return {"notes": 0, "refused": str(refused), "seconds": time.perf_counter() - began}
    seconds = time.perf_counter() - began
    return {"notes": len(reading.score), "repairs": reading.repairs, "seconds": seconds} | {
        "score": reading.score
    }


def same_as_symusic(path: Path, score: Score) -> str:
    """ "equal", "more", "other", or how symusic ended."""
    command = [sys.executable, "-c", SYMUSIC, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if ran.returncode < 0:
        return f"symusic was killed by signal {-ran.returncode}"
    if ran.returncode:
        return "symusic refuses it"
    theirs = [tuple(row) for row in json.loads(ran.stdout)]
    columns = ("onset", "duration", "pitch", "velocity")
    ours = sorted(zip(*(score.notes[name].tolist() for name in columns), strict=True))
    if ours == theirs:
        return "equal"
    return "more than symusic's" if not set(theirs) - set(ours) else "other than symusic's"


def measure(folder: Path) -> dict[str, Any]:
    with (folder / "LISTING.csv").open(encoding="utf-8") as listing:
        rows = list(csv.DictReader(listing))
    with_notes = saved = 0
    missed, differing, agreement = [], [], Counter[str]()
    slowest = ("", 0.0)
    for row in rows:
        told = read(folder / row["file"])
        slowest = max(slowest, (row["file"], told["seconds"]), key=lambda pair: pair[1])
        if any(notes_in(row[parser]) for parser in PARSERS):
            with_notes += 1
            saved += told["notes"] > 0
            if not told["notes"]:
                missed.append({"file": row["file"], "reason": told.get("refused", "no notes")})
        if "score" in told:
            verdict = same_as_symusic(folder / row["file"], told["score"])
            repaired = "repaired" if told["repairs"] else "sound"
            agreement[f"{repaired}: {verdict}"] += 1
            if repaired == "sound" and verdict not in ("equal", "symusic refuses it"):
                differing.append({"file": row["file"], "verdict": verdict})
    return {
        "files": len(rows),
        "files in which a parser finds notes": with_notes,
        "of these give a Score with notes": saved,
        "share": saved / max(with_notes, 1),
        "missed": missed,
        "read by Segue, and symusic": dict(agreement.most_common()),
        "sound files that differ from symusic": differing,
        "slowest": {"file": slowest[0], "seconds": round(slowest[1], 3)},
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    told = measure(args.folder)
    if args.json:
        print(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        if isinstance(value, list):
            print(f"{name}: {len(value) or 'none'}")
            for each in value:
                print("  " + "  ".join(str(part) for part in each.values()))
        elif isinstance(value, dict):
            print(f"{name}: " + "; ".join(f"{key} {each}" for key, each in value.items()))
        else:
            print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    main()
