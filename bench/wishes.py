"""How many takes of so many seeds keep what is asked of them: all of them, or this exits with 1.

    python bench/wishes.py BUNDLE [--seeds 200] [--bars 8]

Takes are made with a key, a chord chart, a range, a polyphony, a density, a length in seconds, an
ending on the tonic, and all of them at once, and each is read again from the MIDI file it was
written to, with symusic and not with Segue's own reader or proofs: the notes that another program
hears are what is counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import symusic

import segue

D_MINOR = {2, 4, 5, 7, 9, 10, 0}
CHORDS = ({9, 0, 4}, {5, 9, 0}, {0, 4, 7}, {7, 11, 2})
ASKED: dict[str, dict[str, Any]] = {
    "key": {"key": "D minor"},
    "chords": {"chords": "Am F C G"},
    "range": {"lowest": "C3", "highest": "C5"},
    "polyphony": {"polyphony": 3},
    "density": {"density": "2"},
    "seconds": {"seconds": 20},
    "ending": {"key": "D minor", "ending": "cadence"},
    "all": {
        "key": "C major", "chords": "Am F C G", "lowest": "C3", "highest": "C6", "polyphony": 3,
        "tempo": 90, "metre": "3/4",
    },
    "together": {
        "key": "D minor", "chords": "Dm Gm Am Dm", "lowest": "C3", "highest": "C6",
        "density": "3/second", "seconds": 24, "ending": "cadence", "tempo": 90,
    },
}  # fmt: skip
TRIAD = {2, 5, 9}
TOGETHER = ({2, 5, 9}, {7, 10, 2}, {9, 0, 4}, {2, 5, 9})


def main() -> int:
    """Print a line a wish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--only", default="", help="sets to try, separated by commas")
    args = parser.parse_args()
    player = segue.load(args.bundle)
    missed = 0
    for name in args.only.split(",") if args.only else ASKED:
        asked = ASKED[name]
        takes = []
        for first in range(0, args.seeds, 50):
            count = min(50, args.seeds - first)
            takes += player.generate(count, bars=args.bars, seed=first, **asked)
        kept = [_kept(name, take, args.bars) for take in takes]
        moved = sum(_moved(take.receipt["checks"]) for take in takes)
        notes = sum(len(take.score) for take in takes)
        missed += len(kept) - sum(kept)
        sys.stdout.write(
            f"{name:>10}: {sum(kept)} of {len(kept)} takes; {notes:,} notes, {moved} of them moved "
            "after they were drawn\n"
        )
        sys.stdout.flush()
    return 1 if missed else 0


def _moved(checks: dict[str, Any]) -> int:
    """Notes that were put elsewhere after they were drawn."""
    return checks.get("moved_notes", 0) + checks.get("ending", {}).get("put_right_notes", 0)


def _kept(name: str, take: segue.Take, bars: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        score = symusic.Score(str(take.save(Path(folder) / "take", (".mid",))[0]))
    every = [n for t in score.tracks for n in t.notes]
    notes = [(n.time, n.end, n.pitch) for t in score.tracks if not t.is_drum for n in t.notes]
    metre = score.time_signatures[0] if len(score.time_signatures) else None
    beats = 4 * metre.numerator / metre.denominator if metre else 4
    bar = int(score.tpq * beats)
    last = max((n.end for n in every), default=0)
    tempo = score.tempos[0].qpm if len(score.tempos) else 120.0
    seconds = score.to("second").end()
    close = max((n[0] for n in notes), default=0)
    chord = [n for n in notes if n[0] == close]

    def near(asked: float) -> bool:
        return abs(sum(n.time < before for n in every) - asked) <= max(0.1 * asked, 2)

    before = close if name == "together" else bars * bar
    tests: dict[str, Callable[[], bool]] = {
        "key": lambda: all(p % 12 in D_MINOR for _, _, p in notes),
        "chords": lambda: all(p % 12 in CHORDS[start // bar % 4] for start, _, p in notes),
        "range": lambda: all(48 <= p <= 72 for _, _, p in notes),
        "polyphony": lambda: _most(notes) <= 3,
        "density": lambda: near(2 * beats * bars),
        "seconds": lambda: abs(seconds - 20) < 0.01,
        "ending": lambda: (
            tests["key"]()
            and close == (bars - 1) * bar
            and {p % 12 for _, _, p in chord} <= TRIAD
            and min(p for _, _, p in chord) % 12 == 2
            and {end for _, end, _ in chord} == {bars * bar}
        ),
    }
    tests["all"] = lambda: (
        tests["chords"]()
        and tests["polyphony"]()
        and all(48 <= p <= 84 for _, _, p in notes)
        and [round(t.qpm) for t in score.tempos] == [90]
        and {(s.numerator, s.denominator) for s in score.time_signatures} == {(3, 4)}
    )
    tests["together"] = lambda: (
        all(p % 12 in TOGETHER[start // bar % 4] and 48 <= p <= 84 for start, _, p in notes)
        and near(3 * close / score.tpq * 60 / tempo)
        and abs(seconds - 24) < 0.01
        and {end for _, end, _ in chord} == {last}
    )
    return bool(notes) and tests[name]()


def _most(notes: list[tuple[int, int, int]]) -> int:
    if not notes:
        return 0
    starts = np.array([n[0] for n in notes])
    ends = np.array([n[1] for n in notes])
    return int(max(((starts <= s) & (ends > s)).sum() for s in np.unique(starts)))


if __name__ == "__main__":
    sys.exit(main())
