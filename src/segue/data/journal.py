"""The journal of a preparation: what became of each file so far, so that a killed one goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segue.data.fingerprint import SIGNATURE
from segue.data.reading import Outcome
from segue.data.records import RecordWriter, records
from segue.data.shards import ShardWriter
from segue.data.traits import TRAITS

# Work of at most this many seconds is lost when the process is killed.
_COMMIT_SECONDS = 2.0
_MARK = b'{"files": '

SIGNATURES_FILE, TRAITS_FILE = "signatures.bin", "traits.bin"


class Journal:
    """Outcomes in the order of the files: rows go into shards, entries into `journal.jsonl`.

    A line is one piece's entry, or a mark `{"files": n, "shard": k, "rows": r}`: all that came
    before it is on the disk. What follows the last mark does not count. Beside it lie the kept
    pieces' signatures and traits. Exact duplicates (by music hash) of an earlier piece are refused
    here, unless `rank(file)` says that the later one is held out and the earlier is not: then both
    are kept for `segue.data.split` to decide.
    """

    def __init__(self, folder: Path, shards: ShardWriter, rank: Callable[[str], int]) -> None:
        self.folder = folder
        self._path = folder / "journal.jsonl"
        self._shards = shards
        self._rank = rank
        self._signatures = RecordWriter(folder / SIGNATURES_FILE, SIGNATURE)
        self._traits = RecordWriter(folder / TRAITS_FILE, TRAITS)
        self._seen: dict[bytes, tuple[int, str]] = {}
        self._lines: list[bytes] = []
        self._file: BinaryIO | None = None
        self._committed = time.monotonic()
        self.files = self.notes = 0

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what is not yet committed to be done again."""
        self._shards.abandon()
        self._signatures.close()
        self._traits.close()
        if self._file is not None:
            self._file.close()

    def resume(self) -> int:
        """Pick up where an earlier process stopped; gives how many files are done."""
        mark, end = self._last_mark()
        kept = sum(entry["kept"] for entry in self._entries_until(end))
        if not (
            self._shards.resume(mark["shard"], mark["rows"])
            and self._signatures.resume(kept)
            and self._traits.resume(kept)
        ):
            mark, end = {"files": 0, "shard": 0, "rows": 0}, 0
            self._shards.resume(0, 0)
            self._signatures.resume(0)
            self._traits.resume(0)
        self._file = self._path.open("r+b" if self._path.exists() else "w+b")
        self._file.truncate(end)
        self._file.seek(end)
        for entry in self._entries_until(end):
            if entry["kept"]:
                self._remember(entry)
        self.files = mark["files"]
        return self.files

    def _last_mark(self) -> tuple[dict[str, int], int]:
        mark, end, at = {"files": 0, "shard": 0, "rows": 0}, 0, 0
        if self._path.is_file():
            with self._path.open("rb") as lines:
                for line in lines:
                    at += len(line)
                    if line.startswith(_MARK) and line.endswith(b"}\n"):
                        mark, end = json.loads(line), at
        return mark, end

    def _remember(self, entry: dict[str, Any]) -> None:
        self.notes += entry["notes"]
        self._seen[bytes.fromhex(entry["hash"])] = self._rank(entry["file"]), entry["path"]

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of the next file in, one a piece."""
        for outcome in outcomes:
            entry = self._entry(outcome)
            self._lines.append(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self.files += 1
        if time.monotonic() - self._committed > _COMMIT_SECONDS:
            self.commit()

    def _entry(self, outcome: Outcome) -> dict[str, Any]:
        reason = outcome.reason or self._unusable(outcome)
        entry: dict[str, Any] = {
            "path": outcome.path,
            "file": outcome.file,
            "hash": outcome.hash,
            "notes": outcome.notes,
            "bars": outcome.bars,
            "seconds": outcome.seconds,
            "kept": not reason,
            "reason": reason,
            "repairs": list(outcome.repairs),
        }
        if not reason and outcome.rows is not None:
            shard, start = self._shards.add(outcome.rows)
            self._signatures.add(outcome.signature)
            self._traits.add(outcome.traits)
            entry |= {"shard": shard, "start": start, "rows": len(outcome.rows)}
            entry["header"] = outcome.header
            self._remember(entry)
        return entry

    def _unusable(self, outcome: Outcome) -> str:
        rows = 0 if outcome.rows is None else len(outcome.rows)
        if rows < 2:
            return f"too short: {rows} row{'s' * (rows != 1)} in this encoding, 2 are needed"
        known = self._seen.get(bytes.fromhex(outcome.hash))
        earlier = known is not None and known[0] >= self._rank(outcome.file)
        return f"the same music as {known[1]}" if known and earlier else ""

    def commit(self) -> None:
        """Have everything so far on the disk, rows before entries before the mark."""
        assert self._file is not None, "resume comes first"
        self._shards.sync()
        self._signatures.sync()
        self._traits.sync()
        mark = {"files": self.files, "shard": self._shards.shard, "rows": self._shards.rows}
        self._file.write(b"".join(self._lines) + json.dumps(mark).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._lines.clear()
        self._committed = time.monotonic()

    def finish(self) -> None:
        """Commit and close the last shard."""
        self.commit()
        self._shards.close_shard()

    def entries(self) -> Iterator[dict[str, Any]]:
        """The committed entries, one at a time."""
        return self._entries_until(self._path.stat().st_size)

    def _entries_until(self, end: int) -> Iterator[dict[str, Any]]:
        if not end:
            return
        with self._path.open("rb") as lines:
            for line in lines:
                end -= len(line)
                if end < 0:
                    return
                if not line.startswith(_MARK):
                    yield json.loads(line)

    def signatures(self) -> NDArray[np.void]:
        """The committed signatures of the kept entries, in order: dtype SIGNATURE."""
        return records(self._signatures.path, SIGNATURE)

    def traits(self) -> NDArray[np.void]:
        """The committed traits of the kept entries, in order: dtype TRAITS."""
        return records(self._traits.path, TRAITS)
