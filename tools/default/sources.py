"""Which pieces of the four open sets are piano music, and what has to be said of each."""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segue.errors import DataError

SETS = ("piano-midi-de", "mutopia", "openscore-lieder", "pop909")
SPLITS = ("train", "valid", "test")

Row = dict[str, str]
_Reader = Callable[[Path], dict[str, Row]]

_OPEN = re.compile(
    r"public domain|cc-by(-sa)?"
    r"|creative commons attribution(-sharealike)?( \d\.\d( international)?)?"
)
"""Licences of mutopia's index that weights may be shipped under, in lower case."""

_KEYBOARDS = ("piano", "clavier", "harpsichord", "clavichord")


@dataclass(frozen=True)
class Source:
    """A piece: where it lies in the data, where it goes, and whom to thank under which licence.

    `name` is the file's name without its suffix; pieces of one `work` share a split.
    """

    file: str
    set: str
    split: str
    name: str
    work: str
    style: str
    composer: str
    title: str
    licence: str
    attribution: str

    @property
    def path(self) -> str:
        """Where the clean file goes, relative to the folder of all."""
        return f"{self.split}/{self.set}/{self.name}.mid"


@dataclass(frozen=True)
class Refused:
    """A file that is left out, and why."""

    file: str
    reason: str


def sources(data: Path) -> tuple[list[Source], list[Refused]]:
    """The pieces to take, a set after the other, and those that are not piano music.

    Raises DataError for a table that is missing or a composer without a style.
    """
    taken: list[Source] = []
    refused: list[Refused] = []
    rows = _rows(data / "splits.csv")
    for name in SETS:
        index, own = _INDEX[name](data / name), [row for row in rows if row["dataset"] == name]
        half = halved(own)
        for row in own:
            found = _OF_SET[name](row, index)
            if isinstance(found, str):
                refused.append(Refused(row["file"], found))
            else:
                taken.append(replace(found, split=half.get(found.work, "train")))
    return list(_with_names(taken)), refused


def halved(rows: Sequence[Row]) -> dict[str, str]:
    """For each held-out work of one set "valid" or "test".

    Works go by the hash of their names to the half that has fewer notes so far, as wholes.
    """
    notes: Counter[str] = Counter()
    for row in rows:
        if row["split"] != "train":
            notes[_work(row)] += int(row["notes"])
    half = {"valid": 0, "test": 0}
    found = {}
    for work in sorted(notes, key=lambda work: hashlib.sha256(work.encode()).digest()):
        found[work] = min(half, key=lambda split: half[split])
        half[found[work]] += notes[work]
    return found


def _work(row: Row) -> str:
    return f"{row['dataset']}/{row['group']}"


def _rows(table: Path) -> list[Row]:
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    except OSError as error:
        raise DataError(f"{table} cannot be read: give the folder that holds the sets.") from error


def _with_names(taken: list[Source]) -> Iterator[Source]:
    """The same, with names that differ within a set and that any file system takes."""
    used: Counter[tuple[str, str]] = Counter()
    for source in taken:
        plain = unicodedata.normalize("NFKD", source.name).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^A-Za-z0-9.]+", "_", plain).strip("_.")[:80] or "piece"
        used[source.set, plain.lower()] += 1
        again = used[source.set, plain.lower()]
        yield replace(source, name=plain if again == 1 else f"{plain}-{again}")


def _style(composer: str) -> str:
    found = _STYLES.get(composer)
    if found is None:
        raise DataError(f"the composer {composer!r} has no style: add one to styles.toml.")
    return found


_STYLES: dict[str, str] = {
    composer: style
    for style, composers in tomllib.loads(
        Path(__file__).with_name("styles.toml").read_text(encoding="utf-8")
    ).items()
    for composer in composers
}


# -- the sets, a function each: what a row of splits.csv is, or why it is not taken ---------------


def _source(row: Row, style: str, composer: str, title: str, licence: str, by: str) -> Source:
    return Source(
        file=row["file"],
        set=row["dataset"],
        split=row["split"],
        name=Path(row["file"]).stem,
        work=_work(row),
        style=style,
        composer=composer,
        title=title,
        licence=licence,
        attribution=by,
    )


def _piano_midi(row: Row, index: dict[str, Row]) -> Source | str:
    told = index.get(row["file"], {})
    composer = Path(row["file"]).parent.name
    title = told.get("title", Path(row["file"]).stem).replace("_", " ")
    by = "Bernd Krueger, www.piano-midi.de"
    return _source(row, _style(composer), composer, title, row["licence"], by)


def _mutopia(row: Row, index: dict[str, Row]) -> Source | str:
    told = index.get(row["file"])
    if told is None:
        return "INDEX.csv does not name it"
    if not _OPEN.fullmatch(told["licence"].lower()):
        return f"its licence is {told['licence']}"
    instrument = told["instrument"].lower()
    if "/organ/" in row["file"] or not any(one in instrument for one in _KEYBOARDS):
        return f"it is for {told['instrument']}"
    composer = told["composer"]
    title = " ".join(filter(None, (told["title"], told["opus"])))
    by = f"{told['typesetter']}, {told['mutopia_id']}"
    return _source(row, _style(composer), composer, title, told["licence"], by)


def _lied(row: Row, index: dict[str, Row]) -> Source | str:
    told = index.get(row["file"])
    if told is None:
        return "INDEX.csv does not name it"
    title = told["source"].removeprefix("scores/").split("/", 1)[-1].rsplit("/", 1)[0]
    title = title.removeprefix("_/").replace("_", " ")
    by = "OpenScore Lieder Corpus"
    return _source(row, "song", told["composer"], title, row["licence"], by)


def _pop(row: Row, _: dict[str, Row]) -> Source | str:
    title = f"POP909 {Path(row['file']).stem}"
    by = "POP909, Wang, Chen et al. 2020"
    return _source(row, "pop", "", title, row["licence"], by)


def _index(table: str, column: str, folder: str) -> _Reader:
    def read(root: Path) -> dict[str, Row]:
        return {f"{root.name}/{folder}{row[column]}": row for row in _rows(root / table)}

    return read


_INDEX: dict[str, _Reader] = {
    "piano-midi-de": _index("metadata.csv", "midi", ""),
    "mutopia": _index("INDEX.csv", "file", ""),
    "openscore-lieder": _index("INDEX.csv", "file", "piano/"),
    "pop909": lambda _: {},
}
_OF_SET = {
    "piano-midi-de": _piano_midi,
    "mutopia": _mutopia,
    "openscore-lieder": _lied,
    "pop909": _pop,
}
