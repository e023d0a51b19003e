"""Plans and carries out conversions: which file becomes which, and one at a time how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segue.errors import FormatError, nearest
from segue.formats.table import (
    FORMATS,
    WRITABLE,
    Reading,
    format_of,
    options_of,
    read_reported,
    suffix_of,
)
from segue.formats.table import write as write_score


@dataclass(frozen=True)
class Job:
    """One file to read, one to write, and the options for the writer and for the reader."""

    source: Path
    target: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Converted:
    """What went through: notes, seconds of music, and what had to be repaired, a sentence each."""

    notes: int
    seconds: float
    repairs: tuple[str, ...]


def suffix_for(wanted: str) -> str:
    """The suffix that `--to` means: a suffix with or without its dot, or a format's name.

    Raises FormatError for one that cannot be written.
    """
    names = {row.name: row.suffixes[0] for row in FORMATS if row.writer}
    suffix = "." + wanted.lower().lstrip(".")
    if suffix in WRITABLE:
        return suffix
    if wanted.lower() in names:
        return names[wanted.lower()]
    allowed = [*(s[1:] for s in WRITABLE), *names]
    raise FormatError(f"{wanted!r} is not a format Segue writes; {nearest(wanted, allowed)}.")


def check_options(target: Path, options: Iterable[str]) -> None:
    """FormatError if the format of `target` cannot be written or takes no such option."""
    row = format_of(target)
    if row.writer is None:
        raise FormatError(
            f"{target}: {row.summary} can be read but not written; writable: {', '.join(WRITABLE)}."
        )
    for name in options:
        if name not in options_of(row):
            takers = [each.summary for each in FORMATS if name in options_of(each)]
            raise FormatError(
                f"--{name.replace('_', '-')} means nothing for {target.name} ({row.summary}): "
                f"leave it out; it is for {' and '.join(takers)}."
            )


def check_reading(source: Path, reading: Iterable[str]) -> None:
    """FormatError for options of a reader that `source` is not read by: they are ABC's."""
    names = list(reading)
    if names and format_of(source).name != "abc":
        raise FormatError(
            f"--{names[0]} means nothing for {source.name} ({format_of(source).summary}): leave it "
            "out; it is for ABC notation."
        )


def plan(root: Path, names: Iterable[str], out: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Where each file of a folder goes: the same tree under `out`, with the new suffix.

    Files that differ in their suffix alone keep it in front of the new one, so that none is
    written over another, whatever the file system thinks of capitals.
    """
    listed = list(names)
    bare = {name: name[: len(name) - len(suffix_of(name))] for name in listed}
    twins = Counter(stem.lower() for stem in bare.values())
    pairs, taken = [], set()
    for name in listed:
        stem = bare[name] if twins[bare[name].lower()] == 1 else name
        target = stem + suffix
        number = 2
        while target.lower() in taken:
            target, number = f"{stem}-{number}{suffix}", number + 1
        taken.add(target.lower())
        pairs.append((root / name, out / target))
    return pairs


def convert(job: Job) -> Converted:
    """Read, write and say what was done; FormatError and its kin as `read` and `write`."""
    reading = _read(job)
    options = dict(job.options)
    if "overlay" in options:
        options["overlay"] = read_reported(options["overlay"]).score
    write_score(reading.score, job.target, **options)
    score = reading.score
    return Converted(len(score), round(score.end_seconds, 3), reading.repairs)


def _read(job: Job) -> Reading:
    if not job.reading:
        return read_reported(job.source)
    from segue.formats import abc

    if not job.source.is_file():
        return read_reported(job.source)
    return abc.read(job.source, **job.reading)
