"""A watched folder: files that come into it are made takes of, each once.

Nothing here knows what a take is: `make(path, seed)` writes the takes of a file and says what it
wrote. What was done stands in `MEMORY` beside the takes; a seed is noted there before it is used,
so that a file whose takes were cut short is begun again under the same names, and none is there
twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue.errors import DataError, SegueError
from segue.files import write_json
from segue.formats.table import READABLE, suffix_of

MEMORY = "watched.json"
_VERSION = 1

State = tuple[int, int]
"""Bytes and time of change (nanoseconds) of a file."""


@dataclass(frozen=True)
class Done:
    """What came of a file: the takes as `make` told them, or the sentence of what stopped it."""

    file: str
    seed: int
    takes: list[dict[str, Any]]
    error: str | None = None


@dataclass
class Watched:
    """What is looked at, how takes are made, and what is known of the files so far.

    `what` names all that decides the takes of a file but the file (the way and the bundle): the
    same file is done again where that is another. `takes` is how many seeds a file uses, the first
    of all being `seed`. Files in folders below, hidden files and files of formats that are not read
    are left alone.

    Raises DataError for a folder that is not there, or one that its own takes would come into.
    """

    music: Path
    out: Path
    make: Callable[[Path, int], list[dict[str, Any]]]
    what: str = ""
    takes: int = 1
    seed: int = 0
    waiting: list[str] = field(default_factory=list)
    """Files of the last look that were not there, or were different, at the look before."""
    _seen: dict[str, State] = field(default_factory=dict)
    _failed: dict[str, State] = field(default_factory=dict)
    _memory: dict[str, Any] = field(default_factory=dict)
    _there: bool = True
    _is_away: bool = False

    def __post_init__(self) -> None:
        if not self.music.is_dir():
            raise DataError(f"{self.music} is no folder: give the folder that music comes into.")
        if self.music.resolve() == self.out.resolve():
            raise DataError(
                f"takes written to {self.out} would come into the watched folder themselves: "
                "choose another folder for them."
            )
        self._memory = _memory(self.out)

    def look(self) -> Iterator[Done]:
        """Look once; what was done, file by file.

        A file is done if it is as it was at the look before: one that is still written to, or is
        empty, is left for a later look. What cannot be read or made takes of is told once, until
        the file changes.
        """
        seen = self._states()
        self.waiting = [name for name, state in seen.items() if self._seen.get(name) != state]
        settled = [name for name in seen if name not in self.waiting]
        self._seen = seen
        if self._is_away:
            yield Done(
                str(self.music), 0, [], f"{self.music} has gone; it is waited for until it is back."
            )
        for name in settled:
            if self._failed.get(name) == seen[name]:
                continue
            done = self._one(name, seen[name])
            if done is None:
                continue
            if done.error is not None:
                self._failed[name] = seen[name]
            yield done

    def _states(self) -> dict[str, State]:
        """The files that may be done, by name; `_is_away` says that the folder has just gone."""
        was_there, self._is_away = self._there, False
        states: dict[str, State] = {}
        try:
            paths = sorted(self.music.iterdir())
        except OSError:
            self._is_away, self._there = was_there, False
            return states
        self._there = True
        for path in paths:
            if path.name.startswith(".") or suffix_of(path) not in READABLE:
                continue
            try:
                facts = path.stat()
            except OSError:  # gone since it was listed
                continue
            if path.is_file() and facts.st_size:
                states[path.name] = (facts.st_size, facts.st_mtime_ns)
        return states

    def _one(self, name: str, state: State) -> Done | None:
        """The takes of a file; None where they are there already."""
        key = f"{name} | {self.what}"
        known = self._memory["files"].get(key)
        if known and known["takes"] is not None and known["state"] == list(state):
            return None
        seed = self.seed + self._memory["seeds"]
        path = self.music / name
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if known and known["sha256"] == digest:
                if known["takes"] is not None:  # saved again as it was
                    self._remember(key, {**known, "state": list(state)})
                    return None
                seed = known["seed"]
            else:
                self._memory["seeds"] += self.takes
            entry = {"state": list(state), "sha256": digest, "seed": seed, "takes": None}
            self._remember(key, entry)
            made = self.make(path, seed)
            self._remember(key, {**entry, "takes": made})
        except SegueError as error:
            return Done(name, seed, [], str(error))
        except OSError as error:
            return Done(name, seed, [], f"{path}: {error.strerror or error}.")
        return Done(name, seed, made)

    def _remember(self, key: str, entry: dict[str, Any]) -> None:
        self._memory["files"][key] = entry
        write_json(self.out / MEMORY, self._memory)


def _memory(out: Path) -> dict[str, Any]:
    """What was done so far; DataError for a file that this does not come from."""
    place = out / MEMORY
    if not place.exists():
        return {"version": _VERSION, "seeds": 0, "files": {}}
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise DataError(
            f"{place} does not say what was done so far as it should: move it away, and every file "
            "is done anew, or choose another folder for the takes."
        )
    return found
