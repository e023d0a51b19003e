"""How many takes of so many seeds keep what is asked of them: all of them, or this exits with 1.

    python bench/wishes.py BUNDLE [--seeds 200] [--bars 8]

Takes are made with a key, a chord chart, a range, a polyphony and all of them at once, and each is
read again from the MIDI file it was written to, with symusic and not with Segue's own reader or
proofs: the notes that another program hears are what is counted.
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
    "all": {
        "key": "C major", "chords": "Am F C G", "lowest": "C3", "highest": "C6", "polyphony": 3,
        "tempo": 90, "metre": "3/4",
    },
}  # fmt: skip


def main() -> int:
    """Print a line a wish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--bars", type=int, default=8)
    args = parser.parse_args()
    player = segue.load(args.bundle)
    missed = 0
    for name, asked in ASKED.items():
        takes = []
        for first in range(0, args.seeds, 50):
            count = min(50, args.seeds - first)
            takes += player.generate(count, bars=args.bars, seed=first, **asked)
        kept = [_kept(name, take) for take in takes]
        moved = sum(take.receipt["checks"].get("moved_notes", 0) for take in takes)
        notes = sum(len(take.score) for take in takes)
        missed += len(kept) - sum(kept)
        sys.stdout.write(
            f"{name:>10}: {sum(kept)} of {len(kept)} takes; {notes:,} notes, {moved} of them moved "
            "after they were drawn\n"
        )
        sys.stdout.flush()
    return 1 if missed else 0


def _kept(name: str, take: segue.Take) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        score = symusic.Score(str(take.save(Path(folder) / "take", (".mid",))[0]))
    notes = [(n.time, n.end, n.pitch) for t in score.tracks if not t.is_drum for n in t.notes]
    bar = score.tpq * (3 if name == "all" else 4)
    tests: dict[str, Callable[[], bool]] = {
        "key": lambda: all(p % 12 in D_MINOR for _, _, p in notes),
        "chords": lambda: all(p % 12 in CHORDS[start // bar % 4] for start, _, p in notes),
        "range": lambda: all(48 <= p <= 72 for _, _, p in notes),
        "polyphony": lambda: _most(notes) <= 3,
    }
    tests["all"] = lambda: (
        tests["chords"]()
        and tests["polyphony"]()
        and all(48 <= p <= 84 for _, _, p in notes)
        and [round(t.qpm) for t in score.tempos] == [90]
        and {(s.numerator, s.denominator) for s in score.time_signatures} == {(3, 4)}
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
