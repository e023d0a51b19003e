"""Ours beside what is published, a table a set and league, for the terminal or as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import exp
from typing import Any

from bench.published.figures import FLAGS, Figure, of
from bench.published.sets import SETS

_TITLES = {
    "factorised": "keys independent given the past",
    "joint": "keys of a frame told one after another",
    "chorales": "sixteenths, soprano to bass",
    "performances": "310 events, segments of 2,048 from nothing",
    "events": "tx1 events; perplexity after it",
}
_INTRODUCTION = """\
# Published likelihoods, and ours

Made by `python bench/published.py --page-only --write docs/published.md` from the records in
`bench/results/published.json`; `python bench/published.py --data FOLDER` trains what has no
record. All figures are nats on test splits (lower is better) that were opened when a row's
training was over; sizes and steps were chosen by the valid split. Rows in bold are ours, minutes
are those of one busy core. [How it is measured](decisions/published-likelihoods.md).
"""


@dataclass(frozen=True)
class _Line:
    nats: float
    shown: str
    model: str
    source: str
    ours: bool = False
    parameters: str = ""
    minutes: str = ""


def lines(records: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What a terminal is told, line by line, from the records by row."""
    for title, table in _tables(records):
        yield f"\n{title}"
        for line in table:
            cost = [f"{line.parameters} parameters, {line.minutes} min"] if line.ours else []
            mark = ">" if line.ours else " "
            yield f"{mark} {line.shown:>16}  {'; '.join([line.model, *cost, line.source])}"
    yield "\n" + _legend()


def document(records: dict[str, dict[str, Any]]) -> str:
    """The page, as Markdown."""
    parts = [_INTRODUCTION]
    for title, table in _tables(records):
        rows = ["| nats | model | parameters | minutes | from |", "|---|---|---|---|---|"]
        for line in table:
            bold = "**" if line.ours else ""
            cells = (f"{bold}{line.shown}{bold}", f"{bold}{line.model}{bold}", line.parameters)
            rows.append(f"| {' | '.join([*cells, line.minutes, line.source])} |")
        parts.append(f"## {title}\n\n" + "\n".join(rows) + "\n")
    return "\n".join([*parts, _legend() + "\n"])


def _tables(records: dict[str, dict[str, Any]]) -> Iterator[tuple[str, list[_Line]]]:
    order = list(SETS)
    found = sorted(records.values(), key=lambda r: (order.index(r["set"]), r["league"]))
    for (kind, league), ours in groupby(found, key=lambda r: (r["set"], r["league"])):
        table = [published(figure, kind) for figure in of(kind, league)] + [_own(r) for r in ours]
        title = f"{kind}: nats {SETS[kind].unit}, {_TITLES[league]}"
        yield title, sorted(table, key=lambda line: -line.nats)


def published(figure: Figure, kind: str) -> _Line:
    """A published figure, with how sure it is."""
    unsure = " (unverified)" if figure.flag == "M" else ""
    nats = figure.nats[kind]
    source = f"[{figure.flag}]{unsure} {figure.source}"
    return _Line(nats, _shown(nats, figure.league), figure.model, source)


def _own(record: dict[str, Any]) -> _Line:
    looks = len(record["test_looks"])
    told = [
        f"seed {record['seed']}",
        f"valid {record['valid']:.3f}",
        f"mean of pieces {record['test_piece_mean']:.3f}",
        f"{record['steps']:,} steps, the best {record['best_step']:,}",
        record["date"],
        record["machine"],
        *([f"test opened {looks} times"] if looks > 1 else []),
        " ".join(record["changes"]),
    ]
    return _Line(
        record["test"],
        _shown(record["test"], record["league"]),
        record["recipe"],
        ", ".join(each for each in told if each),
        ours=True,
        parameters=f"{record['parameters']:,}",
        minutes=f"{record['processor_minutes']:.1f}",
    )


def _shown(nats: float, league: str) -> str:
    return f"{nats:.3f}" + (f" ({exp(nats):.2f})" if league == "events" else "")


def _legend() -> str:
    return "; ".join(f"[{flag}] {meaning}" for flag, meaning in FLAGS.items())
