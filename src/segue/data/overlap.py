"""How much the sets of a folder overlap: exact and near duplicates, kin, by top folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from segue.data.kinship import NEAR, Pairs

EXACT, NEARLY, RELATED = "exact", "near", "kin"
_MOST_LISTED = 40


class Overlap:
    """Counts of pairs of pieces alike, by the folders at the top that they lie in."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str, str]] = Counter()

    def add_exact(self, one: str, other: str) -> None:
        """Count the pieces at two paths as exact duplicates."""
        self._count(EXACT, _top(one), _top(other), 1)

    def _count(self, kind: str, one: str, other: str, count: int) -> None:
        first, second = sorted((one, other))
        self._pairs[first, second, kind] += count

    def add_pairs(self, pairs: Pairs, paths: Sequence[str]) -> None:
        """Count kin, those among them that are near duplicates as such."""
        tops = sorted({_top(path) for path in paths})
        number = {top: i for i, top in enumerate(tops)}
        top = np.array([number[_top(path)] for path in paths], np.int64)
        for kind, mine in (
            (NEARLY, pairs.similarity >= NEAR),
            (RELATED, pairs.similarity < NEAR),
        ):
            keys, counts = np.unique(
                top[pairs.first[mine]] * len(tops) + top[pairs.second[mine]], return_counts=True
            )
            for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
                one, other = divmod(key, len(tops))
                self._count(kind, tops[one], tops[other], count)

    def summary(self) -> list[dict[str, Any]]:
        """A row a pair of folders: how many pairs of each kind, those that share most first."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for (one, other, kind), count in sorted(self._pairs.items()):
            empty = {"one": one, "other": other, EXACT: 0, NEARLY: 0, RELATED: 0}
            rows.setdefault((one, other), empty)[kind] += count
        kinds = (EXACT, NEARLY, RELATED)
        return sorted(rows.values(), key=lambda row: -sum(row[k] for k in kinds))[:_MOST_LISTED]


def _top(path: str) -> str:
    """The folder at the top of a path; a dot for a file without one."""
    folder, slash, _ = path.partition("/")
    return folder if slash else "."
