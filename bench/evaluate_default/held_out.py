"""The music that a default model is trained on and judged by, and places in it.

A folder holds train/, valid/ and test/ with a folder a set, and may hold SOURCES.csv, which says of
each file (`path`) which work it is of (`work`). Bars are counted from 0.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from segue.errors import DataError, SegueError
from segue.judging.memorisation import music
from segue.score import Score, slice_bars

SOURCES = "SOURCES.csv"
FEWEST_NOTES = 16
"""In a window of fewer notes there is nothing to compare."""


@dataclass(frozen=True)
class Piece:
    """A held-out file: `name` is SET/FILE.mid, `work` what it is a part of."""

    name: str
    work: str
    score: Score

    @property
    def kind(self) -> str:
        """The set that it is from."""
        return self.name.partition("/")[0]

    @cached_property
    def bars(self) -> int:
        """Whole bars, the last one counted even if its last note is short."""
        return int(np.ceil(self.score.end_bars - 1e-9))


@dataclass(frozen=True)
class Place:
    """`bars` bars of a piece from bar `first` on."""

    piece: Piece
    first: int
    bars: int

    def cut(self, begin: int = 0, end: int | None = None) -> Score:
        """Its bars [begin, end), counted from its own first one; all of them without either."""
        last = self.bars if end is None else end
        return slice_bars(self.piece.score, self.first + begin, self.first + last)


class Music:
    """The folder, read split by split when asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._read: dict[str, list[Piece]] = {}
        if not (root / "test").is_dir():
            raise DataError(
                f"{root} has no folder test/: give the one that tools/default/gather.py wrote."
            )

    def pieces(self, split: str) -> list[Piece]:
        """The pieces of a split, by name; none where the split is missing. Damaged ones are left
        out; DataError if all are."""
        if split not in self._read:
            folder = self.root / split
            found = music(folder) if folder.is_dir() else iter(())
            works = self._works
            self._read[split] = [
                Piece(name, works.get(f"{split}/{name}", Path(name).stem), score)
                for name, score in found
            ]
        return self._read[split]

    @cached_property
    def hash(self) -> str:
        """SHA-256 over names and bytes of all files: other music, other results."""
        digest = hashlib.sha256()
        for file in sorted(self.root.glob("*/*/*")):
            digest.update(file.relative_to(self.root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    @cached_property
    def _works(self) -> dict[str, str]:
        table = self.root / SOURCES
        if not table.is_file():
            return {}
        with table.open(encoding="utf-8", newline="") as handle:
            return {row["path"]: row["work"] for row in csv.DictReader(handle)}


def places(
    pieces: Sequence[Piece], count: int, bars: int, seed: int, *, anywhere: bool, prompt: int = 0
) -> list[Place]:
    """`count` places of `bars` bars: other works first, then other pieces, then other bars.

    Places of a piece do not overlap. The first one of each is its beginning, or, `anywhere`, any.
    The first `prompt` bars of a place and those after them have some notes each. Fewer come from
    less music; SegueError for none.
    """
    rng = np.random.default_rng(seed)
    found: list[tuple[int, int, Place]] = []
    works: Counter[str] = Counter()
    for i in rng.permutation(len(pieces)).tolist():
        piece = pieces[i]
        first = np.arange(0, piece.bars - bars + 1, bars)
        if anywhere and len(first):
            spare = piece.bars - int(first[-1]) - bars
            first = rng.permutation(first + rng.integers(spare + 1))
        own = (Place(piece, int(bar), bars) for bar in first)
        good = [each for each in own if _full(each, prompt)]
        if good:
            found += [(turn, works[piece.work], place) for turn, place in enumerate(good)]
            works[piece.work] += 1
    found.sort(key=lambda each: each[:2])
    if not found:
        raise SegueError(f"no held-out piece has {bars} bars with notes: give more music.")
    return [place for _, _, place in found[:count]]


def _full(place: Place, prompt: int) -> bool:
    """Whether enough notes begin in its prompt, if it has one, and in the rest."""
    given = not prompt or len(place.cut(0, prompt)) >= FEWEST_NOTES
    return given and len(place.cut(prompt)) >= FEWEST_NOTES


def pieces_of(found: Sequence[Place]) -> int:
    """How many different pieces the places are of."""
    return len({place.piece.name for place in found})
