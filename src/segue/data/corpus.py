"""A prepared corpus: an index of pieces over memory-mapped rows, opened in milliseconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data.pieces import SPLITS, Index, Piece, Pieces
from segue.data.shards import Shards
from segue.encodings.base import Encoding, Rows
from segue.errors import DataError

FORMAT = "segue-corpus"
FORMAT_VERSION = 2


class Corpus:
    """A folder that `prepare` wrote.

    `root` is the folder, `encoding` the fitted encoding, `splits` the number of pieces in each
    split, `hash` a SHA-256 over the manifest and the encoding: the same hash, the same training.
    """

    def __init__(self, root: Path, facts: Mapping[str, Any], encoding: Encoding) -> None:
        self.root = root
        self.encoding = encoding
        self.facts = dict(facts)
        self.shards = Shards(root)

    @classmethod
    def open(cls, path: str | Path) -> Corpus:
        """Open a prepared folder; DataError if it is not one, or one of another version."""
        root = Path(path)
        facts = read_facts(root)
        if facts is None:
            raise DataError(
                f"{root} is not a prepared corpus: run `segue prepare FOLDER -o {root}` first."
            )
        if facts["version"] != FORMAT_VERSION:
            raise DataError(
                f"{root} is a corpus of version {facts['version']}; this Segue reads version "
                f"{FORMAT_VERSION}: run `segue prepare` again."
            )
        from segue.encodings import from_state

        return cls(root, facts, from_state(facts["encoding"]))

    def __repr__(self) -> str:
        return f"Corpus({str(self.root)!r}, {self.facts['totals']['pieces']} pieces, {self.splits})"

    @property
    def hash(self) -> str:
        """SHA-256 over the manifest and the fitted encoding, as hex."""
        return str(self.facts["hash"])

    @property
    def splits(self) -> dict[str, int]:
        """How many pieces each split has."""
        return {name: int(part["pieces"]) for name, part in self.facts["splits"].items()}

    @cached_property
    def index(self) -> Index:
        """Every kept piece, dtype INDEX, shape (pieces,), in the order of the manifest."""
        try:
            index: Index = np.load(self.root / "pieces.npy", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.root / 'pieces.npy'} is missing or damaged ({error}): "
                "run `segue prepare` again."
            ) from error
        return index

    def split_index(self, split: str) -> Index:
        """The index of one split; DataError for a split that this corpus does not have."""
        if split not in self.splits:
            raise DataError(
                f"{self.root} has no split {split!r}; it has: {', '.join(self.splits)}."
            )
        return self.index[self.index["split"] == SPLITS.index(split)]

    def pieces(self, split: str) -> Pieces:
        """The pieces of one split, in order, as a lazy sequence."""
        return Pieces(self.root / "manifest.jsonl", self.split_index(split))

    def rows(self, piece: Piece) -> Rows:
        """A piece's rows in the fitted vocabulary, shape (rows, columns), uint16."""
        raw = self.shards[piece.shard][piece.start : piece.start + piece.rows]
        return self.encoding.adapt(raw.astype(np.uint16))

    @cached_property
    def _counts(self) -> dict[str, list[NDArray[np.int64]]]:
        with np.load(self.root / "counts.npz", allow_pickle=False) as stored:
            return {
                split: [stored[f"{split}-{k}"] for k in range(len(self.encoding.layout.columns))]
                for split in self.splits
            }

    def counts(self, split: str) -> list[NDArray[np.int64]]:
        """How often each fitted symbol occurs in a split: one array a column, shape (size,)."""
        self.split_index(split)
        return self._counts[split]

    @property
    def identity(self) -> bool:
        """Whether stored rows are already in the fitted vocabulary."""
        return not self.facts["fitted"]

    def summary(self) -> dict[str, Any]:
        """What a run keeps of the corpus it was trained on: JSON values, no list of files."""
        left_out = ("request",)
        return {name: value for name, value in self.facts.items() if name not in left_out}


def read_facts(root: Path) -> dict[str, Any] | None:
    """The `corpus.json` of a folder; None if it is not a finished corpus."""
    try:
        facts = json.loads((root / "corpus.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(facts, dict) and facts.get("format") == FORMAT
    return facts if is_ours else None


def corpus_hash(manifest: Path, encoding_state: Mapping[str, Any]) -> tuple[str, str]:
    """The SHA-256 of the manifest, and of manifest and encoding together."""
    digest = hashlib.sha256()
    with manifest.open("rb") as lines:
        while block := lines.read(2**20):
            digest.update(block)
    alone = digest.hexdigest()
    digest.update(json.dumps(encoding_state, sort_keys=True).encode())
    return alone, digest.hexdigest()
