"""The report of a corpus: `report.json` with every number, `report.html` to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.data import charts
from segue.data.pieces import Index
from segue.data.summing import Sums, metre_names, sums_by_split
from segue.data.traits import FAMILIES, NO_KEY, key_name
from segue.data.verdict import sentences
from segue.files import write_text

_STYLE = Path(__file__).parent / "report.css"


@dataclass(frozen=True)
class Findings:
    """What a report is made from: the facts of `corpus.json`, the kept pieces, their traits.

    The piece in row i of `index` has the record `places[i]` of `traits`, dtype TRAITS; `families`
    are the largest families of pieces alike as (path of the first, pieces).
    """

    facts: Mapping[str, Any]
    index: Index
    traits: NDArray[np.void]
    places: NDArray[np.int64]
    families: Sequence[tuple[str, int]]


def write_report(folder: Path, findings: Findings) -> None:
    """Write both files of a report into `folder`; the same corpus gives the same bytes."""
    sums = sums_by_split(findings.traits, findings.places, findings.index)
    write_text(folder / "report.json", json.dumps(_numbers(findings, sums), indent=1) + "\n")
    write_text(folder / "report.html", _page(findings, sums))


def _numbers(findings: Findings, sums: Mapping[str, Sums]) -> dict[str, Any]:
    facts = findings.facts
    told = ("hash", "origin", "filters", "near_duplicates", "split_rules", "columns")
    return {
        "verdict": sentences(facts),
        **{name: facts[name] for name in (*told, "splits", "totals", "refusals")},
        "families": [{"first": path, "pieces": n} for path, n in findings.families],
        "histograms": {
            split: {
                **{name: counts.tolist() for name, counts in by.items() if name != "metre"},
                "key": {key_name(k): int(by["key"][k]) for k in range(NO_KEY + 1)},
                "metre": metre_names(by["metre"]),
                "family": dict(zip(FAMILIES, by["family"].tolist(), strict=True)),
            }
            for split, by in sums.items()
        },
        "axes": charts.AXES,
    }


# -- the page ------------------------------------------------------------------------------------


def _page(findings: Findings, sums: Mapping[str, Sums]) -> str:
    facts = findings.facts
    name = Path(str(facts["source"])).name
    body = [
        f"<h1>{escape(name)}</h1>",
        f"<p class='lead'>A corpus for the encoding {escape(facts['encoding']['name'])}.</p>",
        _figures(facts),
        "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(facts)),
        _origin(facts),
        "<h2>The music</h2>",
        _legend(sums),
        f"<div class='charts'>{''.join(charts.draw(sums))}</div>",
        "<h2>The split</h2>",
        _splits(facts),
        *_left_out(facts),
        *_alike(facts, findings.families),
        "<h2>The encoding</h2>",
        _columns(facts),
        f"<footer>Corpus {escape(facts['hash'])}, made by Segue {escape(facts['segue'])}. "
        "Every number is in report.json.</footer>",
    ]
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(name)}: the corpus</title>"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>\n"
        f"<body><main>{chr(10).join(body)}</main></body></html>\n"
    )


def _figures(facts: Mapping[str, Any]) -> str:
    totals = facts["totals"]
    hours = totals["seconds"] / 3600
    figures = (
        (f"{totals['kept']:,}", "pieces"),
        (f"{totals['notes']:,}", "notes"),
        (f"{hours:,.1f}" if hours >= 1 else f"{totals['seconds'] / 60:,.1f}",
         "hours" if hours >= 1 else "minutes"),
        (f"{totals['rows']:,}", "rows"),
    )  # fmt: skip
    return "".join(
        ["<dl class='figures'>"]
        + [f"<div><dd>{value}</dd><dt>{what}</dt></div>" for value, what in figures]
        + ["</dl>"]
    )


def _origin(facts: Mapping[str, Any]) -> str:
    origin = facts["origin"]
    if not origin:
        return ""
    said = ", ".join(f"{name} {value}" for name, value in origin.items())
    return f"<p>The music comes from a known source: {escape(said)}.</p>"


def _legend(sums: Mapping[str, Sums]) -> str:
    names = charts.series_names(sums)
    keys = [f"<span class='key first'></span>{escape(names[0])}"]
    if len(names) > 1:
        keys.append(f"<span class='key second'></span>{escape(names[1])}")
    return f"<p class='legend'>{' '.join(keys)}</p>"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; numbers stand to the right."""

    def cell(tag: str, value: Any) -> str:
        number = isinstance(value, int | float)
        text = f"{value:,}" if number else escape(str(value))
        return f"<{tag}{' class=n' if number else ''}>{text}</{tag}>"

    numbers = [isinstance(value, int | float) for value in rows[0]] if rows else []
    head = "".join(
        f"<th{' class=n' if number else ''}>{escape(name)}</th>"
        for name, number in zip(header, numbers, strict=False)
    )
    body = "".join(f"<tr>{''.join(cell('td', v) for v in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _splits(facts: Mapping[str, Any]) -> str:
    names = ("pieces", "notes", "rows", "bars")
    rows = [
        [split, *(round(part[name]) for name in names), round(part["seconds"] / 3600, 2)]
        for split, part in facts["splits"].items()
    ]
    return _table(("split", *names, "hours"), rows)


def _left_out(facts: Mapping[str, Any]) -> list[str]:
    refusals = facts["refusals"]
    if not refusals:
        return []
    rows = [[reason, count] for reason, count in refusals.items()]
    return ["<h2>Left out</h2>", _table(("reason", "pieces"), rows)]


def _alike(facts: Mapping[str, Any], families: Sequence[tuple[str, int]]) -> list[str]:
    found = facts["near_duplicates"]
    if not found["between"]:
        return []
    parts = [
        "<h2>Pieces alike</h2>",
        "<p>Pairs of pieces in one folder or two: exact copies, of which one is kept; near "
        "duplicates (the same notes but for a few); and kin (edits, arrangements and performances "
        "of one work). Found by the intervals of the top line, whatever the key and tempo. A "
        "family of pieces alike is in one split.</p>",
        _table(
            ("folder", "and", "exact", "near", "kin"),
            [
                [row[k] for k in ("one", "other", "exact", "near", "kin")]
                for row in found["between"]
            ],
        ),
    ]
    if families:
        parts.append("<p>The largest families, by their first piece:</p>")
        parts.append(_table(("first piece", "pieces"), families))
    return parts


def _columns(facts: Mapping[str, Any]) -> str:
    rows = [[name, column["size"], column["types"]] for name, column in facts["columns"].items()]
    return _table(("column", "vocabulary", "in use"), rows)
