"""Ours beside what is published, a table a set and league."""

from __future__ import annotations

from collections.abc import Iterator
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


def lines(records: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The page, line by line, from the records by row."""
    order = list(SETS)
    found = sorted(records.values(), key=lambda r: (order.index(r["set"]), r["league"]))
    for (kind, league), ours in groupby(found, key=lambda r: (r["set"], r["league"])):
        yield f"\n{kind}: nats {SETS[kind].unit} on the test split; {_TITLES[league]}"
        entries = [(figure.nats[kind], _published(figure, kind)) for figure in of(kind, league)]
        entries += [(record["test"], _own(record)) for record in ours]
        yield from (text for _, text in sorted(entries, key=lambda entry: -entry[0]))
    yield "\n" + "; ".join(f"[{flag}] {meaning}" for flag, meaning in FLAGS.items())


def _figure(nats: float, league: str) -> str:
    perplexity = f" ({exp(nats):.2f})" if league == "events" else ""
    return f"{nats:8.3f}{perplexity}"


def _published(figure: Figure, kind: str) -> str:
    unsure = " (unverified)" if figure.flag == "M" else ""
    nats = _figure(figure.nats[kind], figure.league)
    return f"  {nats}  [{figure.flag}] {figure.model}{unsure}, {figure.source}"


def _own(record: dict[str, Any]) -> str:
    looks = len(record["test_looks"])
    told = [
        f"ours, {record['recipe']} {' '.join(record['changes'])}".strip(),
        f"{record['parameters']:,} parameters",
        f"{record['processor_minutes']} min of one core",
        f"seed {record['seed']}",
        f"valid {record['valid']:.3f}",
        f"mean of pieces {record['test_piece_mean']:.3f}",
        record["date"],
        record["machine"],
        *([f"test opened {looks} times"] if looks > 1 else []),
    ]
    return f"> {_figure(record['test'], record['league'])}  {', '.join(told)}"
