"""Gathers the piano music of the four open sets that the default bundle is trained on.

    python -m tools.default.gather DATA OUT

OUT gets train/, valid/ and test/ with clean MIDI files, a folder a set, and SOURCES.csv with the
licence and the attribution of each. The same data give the same bytes; a file that is there and
right is left alone, one that no piece of the data makes any more is removed.

* piano-midi-de is taken whole, of mutopia what is for keyboards but the organ under an open
  licence, the piano parts of openscore-lieder, and all three tracks of pop909.
* A file has one track, "Right hand", or two, the other "Left hand" (see `tools.default.hands`);
  texts are the style ("style: romantic", tick 0) and copyrights.
* Train rows of the sets' table train; held-out works are halved into valid and test by a
  hash, so that each half has about as many notes of each set.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.default.facts import Facts, shares, table
from tools.default.piece import Task, make
from tools.default.sources import SPLITS, Source, sources

from segue.errors import SegueError
from segue.files import write_text
from segue.workers import REFUSED, each

_COLUMNS = (
    "path", "set", "licence", "attribution", "composer", "title", "work", "split", "style", "file"
)  # fmt: skip


def gather(data: Path, out: Path) -> list[tuple[Source, Facts]]:
    """Write all; what was made, in order. What was left out is printed."""
    taken, refused = sources(data)
    for one in refused:
        print(f"left out {one.file}: {one.reason}")
    tasks = [Task(source, str(data), str(out)) for source in taken]
    made: list[tuple[Source, Facts]] = []
    for outcome in each(make, tasks, in_order=True):
        source = taken[outcome.index]
        if outcome.value is None:
            print(f"left out {source.file}: {outcome.reason}")
            if outcome.status != REFUSED:
                raise SegueError(f"{source.file} is not at fault: nothing more was written.")
        else:
            made.append((source, outcome.value))
    _remove_others(out, {source.path for source, _ in made})
    write_text(out / "SOURCES.csv", _listing([source for source, _ in made]))
    return made


def _remove_others(out: Path, kept: set[str]) -> None:
    for split in SPLITS:
        for file in sorted((out / split).glob("*/*.mid")):
            if file.relative_to(out).as_posix() not in kept:
                file.unlink()


def _listing(made: Sequence[Source]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows([getattr(source, column) for column in _COLUMNS] for source in made)
    return text.getvalue()


def main(words: Sequence[str]) -> int:
    """Gather, and print what was left out, what was made and what it is like."""
    if len(words) != 2:
        print("python -m tools.default.gather DATA OUT", file=sys.stderr)
        return 2
    try:
        made = gather(Path(words[0]), Path(words[1]))
    except SegueError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(made))
    print()
    print(shares(made))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
