"""The journal of a preparation: what became of each file so far, so that a killed one goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from segue.data.reading import Outcome
from segue.data.shards import ShardWriter

# Work of at most this many seconds is lost when the process is killed.
_COMMIT_SECONDS = 2.0
_MARK = b'{"files": '


class Journal:
    """Outcomes in the order of the files: rows go into shards, entries into `journal.jsonl`.

    A line is one file's entry, or a mark `{"files": n, "shard": k, "rows": r}`: all that came
    before it is on the disk. What follows the last mark does not count. Exact duplicates (by
    music hash) of an earlier file are refused here, because here the order is known.
    """

    def __init__(self, folder: Path, shards: ShardWriter) -> None:
        self._path = folder / "journal.jsonl"
        self._shards = shards
        self._seen: dict[bytes, str] = {}
        self._lines: list[bytes] = []
        self._file: BinaryIO | None = None
        self._committed = time.monotonic()
        self.files = self.notes = 0

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what is not yet committed to be done again."""
        self._shards.abandon()
        if self._file is not None:
            self._file.close()

    def resume(self) -> int:
        """Pick up where an earlier process stopped; gives how many files are done."""
        mark, end = self._last_mark()
        if not self._shards.resume(mark["shard"], mark["rows"]):
            mark, end = {"files": 0, "shard": 0, "rows": 0}, 0
            self._shards.resume(0, 0)
        self._file = self._path.open("r+b" if self._path.exists() else "w+b")
        self._file.truncate(end)
        self._file.seek(end)
        for entry in self.entries():
            self.notes += entry["notes"] if entry["kept"] else 0
            if entry["kept"]:
                self._seen[bytes.fromhex(entry["hash"])] = entry["path"]
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

    def add(self, outcome: Outcome) -> None:
        """Take the next file's outcome in."""
        entry = self._entry(outcome)
        self._lines.append(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self.files += 1
        if time.monotonic() - self._committed > _COMMIT_SECONDS:
            self.commit()

    def _entry(self, outcome: Outcome) -> dict[str, Any]:
        reason = outcome.reason or self._unusable(outcome)
        entry: dict[str, Any] = {
            "path": outcome.path,
            "hash": outcome.hash,
            "notes": outcome.notes,
            "bars": outcome.bars,
            "seconds": outcome.seconds,
            "kept": not reason,
            "reason": reason,
            "repairs": list(outcome.repairs),
        }
        if not reason and outcome.rows is not None:
            self._seen[bytes.fromhex(outcome.hash)] = outcome.path
            self.notes += outcome.notes
            shard, start = self._shards.add(outcome.rows)
            entry |= {"shard": shard, "start": start, "rows": len(outcome.rows)}
            entry["header"] = outcome.header
        return entry

    def _unusable(self, outcome: Outcome) -> str:
        rows = 0 if outcome.rows is None else len(outcome.rows)
        if rows < 2:
            return f"too short: {rows} row{'s' * (rows != 1)} in this encoding, 2 are needed"
        first = self._seen.get(bytes.fromhex(outcome.hash))
        return f"the same music as {first}" if first is not None else ""

    def commit(self) -> None:
        """Have everything so far on the disk, rows before entries before the mark."""
        assert self._file is not None, "resume comes first"
        self._shards.sync()
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
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.startswith(_MARK):
                    yield json.loads(line)
