"""Who trains and who is held out: the rules a folder may bring, and the seeded one for the rest.

Rules are asked in the order of `RULES`; the first that names a file decides. Files that no rule
names are split by seed, piece by piece, 90 / 5 / 5.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
_HELD_OUT_SHARE = 0.05


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


@dataclass(frozen=True)
class Split:
    """The place of each piece, and which rule placed how many of them."""

    places: tuple[Place, ...]
    rules: tuple[dict[str, object], ...]


def find_rules(source: Source) -> tuple[Rule, ...]:
    """The rules that `source` brings and that name at least one of its files."""
    paths = {file.path for file in source.music}
    found = (rule for rules in RULES for rule in rules(source, paths))
    return tuple(rule for rule in found if rule.places)


def split_pieces(
    paths: Sequence[str], hashes: Sequence[str], rules: Iterable[Rule], seed: int
) -> Split:
    """A place for each piece; the same pieces, rules and seed give the same places.

    The seeded split orders pieces by a hash of seed and music, so it survives renaming. There is
    at least one valid piece wherever there are two pieces. Raises DataError where a given split
    leaves nothing to train on.
    """
    rules = tuple(rules)
    places: list[Place | None] = []
    used: Counter[int] = Counter()
    for path in paths:
        which = next((i for i, rule in enumerate(rules) if path in rule.places), None)
        places.append(None if which is None else rules[which].places[path])
        if which is not None:
            used[which] += 1
    _seed_the_rest(places, hashes, seed)
    placed = [place for place in places if place is not None]
    by_split = Counter(place.split for place in placed)
    told: list[dict[str, object]] = [
        {"rule": rules[i].name, "source": rules[i].source, "pieces": n} for i, n in used.items()
    ]
    if len(paths) > sum(used.values()):
        told.append(
            {"rule": "seed", "source": str(seed), "pieces": len(paths) - sum(used.values())}
        )
    if not by_split["train"]:
        raise DataError(
            f"the split given by {told[0]['source']} leaves no piece to train on "
            f"({dict(by_split)}): mark some as train, or move that file away for a seeded split."
        )
    if not by_split["valid"] and len(paths) > 1:
        moved = _hold_out_of_train(placed, hashes, seed)
        told.append({"rule": "seed, from train", "source": str(seed), "pieces": moved})
    return Split(tuple(placed), tuple(told))


def _seeded_order(which: Iterable[int], hashes: Sequence[str], seed: int) -> list[int]:
    def key(i: int) -> tuple[bytes, int]:
        return hashlib.sha256(f"{seed}:{hashes[i]}".encode()).digest(), i

    return sorted(which, key=key)


def _held_out(pieces: int) -> int:
    return max(round(pieces * _HELD_OUT_SHARE), 1) if pieces > 1 else 0


def _seed_the_rest(places: list[Place | None], hashes: Sequence[str], seed: int) -> None:
    rest = [i for i, place in enumerate(places) if place is None]
    order = _seeded_order(rest, hashes, seed)
    valid = _held_out(len(order))
    test = round(len(order) * _HELD_OUT_SHARE)
    for rank, i in enumerate(order):
        name = "valid" if rank < valid else "test" if rank < valid + test else "train"
        places[i] = Place(name)


def _hold_out_of_train(places: list[Place], hashes: Sequence[str], seed: int) -> int:
    """Move a twentieth of train, whole groups together, to valid; gives how many moved."""
    train = [i for i, place in enumerate(places) if place.split == "train"]
    wanted = _held_out(len(train))
    groups: dict[str, list[int]] = defaultdict(list)
    for i in train:
        groups[places[i].group or f"#{i}"].append(i)
    moved = 0
    for i in _seeded_order((members[0] for members in groups.values()), hashes, seed):
        members = groups[places[i].group or f"#{i}"]
        if moved >= wanted or moved + len(members) == len(train):
            break
        for member in members:
            places[member] = Place("valid", places[member].group)
        moved += len(members)
    return moved


# -- rules that a folder brings ----------------------------------------------------------------


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
