"""The rules a folder may bring that say who trains and who is held out, in the order they count."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segue.data.scan import Source
from segue.errors import DataError

_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Place:
    """Where a file belongs: its split and the group (a work, say) that must stay together."""

    split: str
    group: str = ""


@dataclass(frozen=True)
class Rule:
    """A split that a folder brings: its name, where it was found, and the places by path."""

    name: str
    source: str
    places: Mapping[str, Place]


def find_rules(source: Source) -> tuple[Rule, ...]:
    """The rules that `source` brings and that name at least one of its files."""
    paths = {file.path for file in source.music}
    found = (rule for rules in RULES for rule in rules(source, paths))
    return tuple(rule for rule in found if rule.places)


def _read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        reader = csv.DictReader(lines)
        header = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = header
        return header, list(reader)


def _named(split: str | None, table: Path) -> str:
    name = _NAMES.get((split or "").strip().lower())
    if name is None:
        raise DataError(f"{table} gives the split {split!r}; allowed: {', '.join(sorted(_NAMES))}.")
    return name


def _listings(source: Source, paths: set[str]) -> list[Rule]:
    """MAESTRO-style tables: columns `split` and `midi_filename`, relative to the table's folder.

    Of several tables in one folder the one that names most of the files is taken; of equals the
    first by name.
    """
    best: dict[str, Rule] = {}
    for found in source.tables:
        table = source.root / found.path
        with table.open(encoding="utf-8-sig", errors="replace") as lines:
            header = lines.readline()
        if "midi_filename" not in header or "split" not in header:
            continue
        folder = PurePosixPath(found.path).parent
        _, rows = _read_table(table)
        places: dict[str, Place] = {}
        for row in rows:
            path = str(folder / (row["midi_filename"] or "").replace("\\", "/"))
            if path in paths:
                work = "/".join(
                    filter(None, map(row.get, ("canonical_composer", "canonical_title")))
                )
                places[path] = Place(_named(row["split"], table), work)
        rule = Rule("table", found.path, places)
        known = best.get(str(folder))
        if known is None or len(rule.places) > len(known.places):
            best[str(folder)] = rule
    return list(best.values())


def _folders(source: Source, paths: set[str]) -> list[Rule]:
    """Sub-folders called train, valid and test (train and one other at least, side by side)."""
    beside: dict[PurePosixPath, set[str]] = defaultdict(set)
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if folder.name.lower() in _NAMES:
                beside[folder.parent].add(_NAMES[folder.name.lower()])
    good = {parent for parent, names in beside.items() if "train" in names and len(names) > 1}
    places: dict[str, Place] = {}
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if folder.parent in good and folder.name.lower() in _NAMES:
                places[path] = Place(_NAMES[folder.name.lower()])
    return [Rule("folders", "train/ valid/ test/", places)]


def _splits_tables(source: Source, paths: set[str]) -> list[Rule]:
    """`splits.csv` in the folder or above it: columns `file`, `split` and, if there, `group`.

    `file` is relative to the folder that the table lies in.
    """
    rules = []
    for table in (source.root / "splits.csv", source.root.resolve().parent / "splits.csv"):
        if not table.is_file():
            continue
        header, rows = _read_table(table)
        if not {"file", "split"} <= set(header):
            continue
        prefix = "" if table.parent == source.root else f"{source.root.resolve().name}/"
        places = {}
        for row in rows:
            path = (row["file"] or "").replace("\\", "/")
            inside = path.removeprefix(prefix)
            if path.startswith(prefix) and inside in paths:
                places[inside] = Place(_named(row["split"], table), row.get("group") or "")
        rules.append(Rule("splits.csv", str(table.relative_to(table.parent)), places))
    return rules


RULES: tuple[Callable[[Source, set[str]], list[Rule]], ...] = (_listings, _folders, _splits_tables)
