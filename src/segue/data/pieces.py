"""Pieces: what the index of a corpus knows of each, without touching its rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "valid", "test")

# `line` is where the piece's line starts in manifest.jsonl, in bytes.
INDEX = np.dtype(
    [
        ("line", "<i8"),
        ("shard", "<i4"),
        ("start", "<i8"),
        ("rows", "<i8"),
        ("notes", "<i8"),
        ("bars", "<f8"),
        ("seconds", "<f8"),
        ("split", "u1"),
    ]
)
Index = NDArray[np.void]


@dataclass(frozen=True)
class Piece:
    """A piece of a corpus: rows [start, start + rows) of a shard, and what the way back needs."""

    path: str
    split: str
    notes: int
    bars: float
    seconds: float
    shard: int
    start: int
    rows: int
    header: dict[str, Any] = field(default_factory=dict)
    hash: str = ""
    group: str = ""


class Pieces(Sequence[Piece]):
    """The pieces of one split in order, each read from the manifest when asked for.

    `index` has dtype INDEX and shape (pieces,): a million pieces take 50 MB here, not 50 GB.
    """

    def __init__(self, manifest: Path, index: Index) -> None:
        self._manifest = manifest
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, item: int) -> Piece: ...
    @overload
    def __getitem__(self, item: slice) -> Pieces: ...
    def __getitem__(self, item: int | slice) -> Piece | Pieces:
        if isinstance(item, slice):
            return Pieces(self._manifest, self._index[item])
        row = self._index[item]
        with self._manifest.open("rb") as lines:
            lines.seek(int(row["line"]))
            entry = json.loads(lines.readline())
        return Piece(
            path=entry["path"],
            split=SPLITS[int(row["split"])],
            notes=int(row["notes"]),
            bars=float(row["bars"]),
            seconds=float(row["seconds"]),
            shard=int(row["shard"]),
            start=int(row["start"]),
            rows=int(row["rows"]),
            header=entry["header"],
            hash=entry["hash"],
            group=entry["group"],
        )
