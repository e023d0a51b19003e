"""Train what has no record yet, and write docs/systems.md from the records.

    python -m bench.systems --data ../shared/data [--only NAME ...] [--again NAME ...]
        [--measure NAME ...] [--adopt NAME RUN] [--minutes M] [--page-only]
        [--work runs/systems] [--results FOLDER] [--page FILE]

A row is kept as soon as it is measured, so the command can be stopped and given again. `--measure`
plays and checks a run that is there without training it anew, `--adopt` makes the record of a run
that `segue train` wrote elsewhere on this machine. `--page-only` trains nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.systems import plan, records
from bench.systems.case import Case
from bench.systems.page import check_row, page
from bench.systems.work import Workplace

from segue.errors import SegueError
from segue.files import write_text


def main(words: list[str] | None = None) -> int:
    asked = _arguments().parse_args(words)
    workplace = Workplace(Path(asked.data), Path(asked.work))
    wanted = [*asked.only, *asked.again, *asked.measure, *asked.adopt[:1]] or plan.names()
    failed = 0
    for name in [] if asked.page_only else sorted(set(wanted)):
        try:
            failed += not _row(name, workplace, asked)
        except SegueError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
    found = [record for name in plan.names() if (record := records.load(name, asked.results))]
    if found:
        write_text(Path(asked.page), page(found))
        print(f"{asked.page}: {len(found)} of {len(plan.names())} rows")
    return 1 if failed else 0


def _row(name: str, workplace: Workplace, asked: argparse.Namespace) -> bool:
    """Measure a row where that is due; whether it is there."""
    record = records.load(name, asked.results)
    if name in asked.adopt[:1]:
        record = records.adopt(name, workplace, Path(asked.adopt[1]))
    elif name in asked.measure and record is not None:
        record = {**record, **records.played(Case(name, workplace))}
    elif record is None or name in asked.again:
        minutes = asked.minutes or plan.row(name).minutes
        print(f"{name}: training for up to {minutes:g} minutes", flush=True)
        record = records.make(name, workplace, asked.minutes)
    else:
        return True
    records.save(record, asked.results)
    told = record["held_out"]["nats"]
    print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in told.items()))
    for check in record["checks"]:
        what, reached, wanted, kept, note = check_row(check)
        print(f"  {what}: reached {reached} / wanted {wanted or '-'} {kept} {note}".rstrip())
    sys.stdout.flush()
    return True


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", required=True, help="the folder that holds the sets")
    parser.add_argument("--only", nargs="+", default=[], help="rows to look at; all without it")
    parser.add_argument("--again", nargs="+", default=[], help="rows to train anew")
    parser.add_argument("--measure", nargs="+", default=[], help="rows to play and check again")
    parser.add_argument("--adopt", nargs=2, default=[], help="a row, and the run it is made of")
    parser.add_argument("--minutes", type=float, help="in place of the plan's")
    parser.add_argument("--work", default="runs/systems", help="where corpora and runs are kept")
    parser.add_argument("--results", type=Path, default=records.FOLDER, help="where records are")
    parser.add_argument("--page", default="docs/systems.md", help="what is written")
    parser.add_argument("--page-only", action="store_true", help="write the page, train nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
