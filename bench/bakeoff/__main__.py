"""Trains and judges what has no record yet, and writes the bake-off's section of docs/models.md.

    python -m bench.bakeoff [--music runs/default/music] [--minutes 8] [--only NAME ...]
        [--work runs/bakeoff] [--results bench/results/bakeoff.json] [--page docs/models.md]
        [--page-only]

MUSIC is what `python -m tools.default.gather` wrote. Steps of all rows are timed first, in turn;
then every row gets as many as fit into the minutes. A command that was stopped goes on where it
was. Another length needs another --results and --work.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from bench.bakeoff import plan
from bench.bakeoff.page import write
from bench.bakeoff.work import PartError, Workplace
from bench.systems.records import machine, revision, versions

from segue.errors import SegueError
from segue.files import write_json

_ANCHOR = "transformer"


def main(words: list[str] | None = None) -> int:
    """Run what is due; 1 if something failed."""
    asked = _arguments().parse_args(words)
    results = Path(asked.results)
    record = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    try:
        if not asked.page_only:
            record = _opened(record, asked)
            workplace = Workplace(Path(asked.music), Path(asked.work))
            for name in asked.only or [row.name for row in plan.ROWS]:
                if name not in record["rows"]:
                    record["rows"][name] = _row(name, workplace, record, results)
                    write_json(results, record)
    except SegueError as error:
        print(error, file=sys.stderr)
        return 1
    if record.get("rows"):
        write(Path(asked.page), record)
        print(f"{asked.page}: {len(record['rows'])} of {len(plan.ROWS)} rows")
    return 0


def _opened(record: dict[str, Any], asked: argparse.Namespace) -> dict[str, Any]:
    """The record to go on with; PartError for one of another length."""
    if record and record["minutes"] != asked.minutes:
        raise PartError(
            f"{asked.results} is of {record['minutes']:g} minutes a row and {asked.minutes:g} "
            "came: give the same, or other --results and --work."
        )
    return record or {
        "minutes": asked.minutes,
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "revision": revision(),
        "speeds": {},
        "trials": {},
        "rows": {},
    }


def _row(name: str, workplace: Workplace, record: dict[str, Any], results: Path) -> dict[str, Any]:
    """Train and judge a row."""
    if name not in record["speeds"]:
        record["speeds"] = _speeds(workplace, record["speeds"])
        record["parameters"] = record["speeds"][_ANCHOR]["parameters"]
        write_json(results, record)
    speed = record["speeds"][name]
    steps = max(round(record["minutes"] * 60 / speed["seconds_a_step"]), 8)
    rate = _rate(name, workplace, record, results)
    print(f"{name}: {steps} steps at {rate:g}", flush=True)
    fit = workplace.training(name, steps, rate)
    judged = workplace.judged(name)
    note = judged["nats_a_note"]["nats"]
    print(f"{name}: {note:.3f} nats a note on the test split", flush=True)
    return {
        "parameters": speed["parameters"],
        "rows_a_second": speed["rows_a_step"] / speed["seconds_a_step"],
        "date": date.today().isoformat(),
        "revision": revision(),
        "fit": fit,
        "judged": judged,
    }


def _speeds(workplace: Workplace, known: dict[str, Any]) -> dict[str, Any]:
    """Of every row what a step takes.

    Rows that came to the plan later are timed beside the anchor, whose first time still holds, so
    that a machine that is busier by then does not cost them steps.
    """
    missing = [row.name for row in plan.ROWS if row.name not in known]
    found = workplace.speeds([_ANCHOR, *(name for name in missing if name != _ANCHOR)])
    if _ANCHOR in known:
        slower = found[_ANCHOR]["seconds_a_step"] / known[_ANCHOR]["seconds_a_step"]
        for each in found.values():
            each["seconds_a_step"] /= slower
    return {**found, **known}


def _rate(name: str, workplace: Workplace, record: dict[str, Any], results: Path) -> float:
    """The learning rate that did best in short trials on the valid split."""
    tried = plan.row(name).rates_of or name
    seconds = record["speeds"][tried]["seconds_a_step"]
    steps = max(round(record["minutes"] * 60 * plan.TRIAL_SHARE / seconds), 8)
    found = record["trials"].setdefault(tried, {})
    for rate in plan.RATES:
        if str(rate) not in found:
            found[str(rate)] = workplace.trial(tried, steps, rate)["valid_nats_a_row"]
            print(f"{tried}: {rate:g} gives {found[str(rate)]:.3f} nats a row", flush=True)
            write_json(results, record)
    return min(plan.RATES, key=lambda rate: found[str(rate)])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--music", default="runs/default/music", help="what was gathered")
    parser.add_argument("--minutes", type=float, default=8.0, help="of processor time a row")
    parser.add_argument("--only", nargs="+", default=[], help="rows to run; all without it")
    parser.add_argument("--work", default="runs/bakeoff", help="where corpora and runs are kept")
    parser.add_argument("--results", default="bench/results/bakeoff.json", help="the records")
    parser.add_argument("--page", default="docs/models.md", help="where the section goes")
    parser.add_argument("--page-only", action="store_true", help="write the section, run nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
