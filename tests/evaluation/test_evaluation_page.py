"""The tables of docs/evaluation.md are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

from segue.evaluation.doctor import SYMPTOMS
from segue.evaluation.measures import MEASURES
from segue.judging.causes import CAUSES

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def rows(section: str) -> list[list[str]]:
    """The cells of every table row of a section."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [line.split(" | ") for line in lines]


def test_every_measure_is_in_the_table_as_it_is_in_the_program() -> None:
    told = {cells[0].strip("`"): cells[1:] for cells in rows("Measures")[1:]}
    assert list(told) == list(MEASURES)
    for name, row in MEASURES.items():
        assert told[name] == [row.unit, row.what, row.source.split(" (")[0]]


def test_every_symptom_is_told_with_its_limit() -> None:
    told = {cells[0].strip("`"): cells[1:] for cells in rows("Doctor") if cells[0][0] == "`"}
    assert set(SYMPTOMS) | {"ends-early"} == set(told)
    for name, row in SYMPTOMS.items():
        side = "under" if row.below else "over"
        assert told[name] == [row.what, f"{side} {row.limit:g} {row.unit}"]


def test_every_cause_is_told() -> None:
    told = PAGE.split("**Causes**")[1]
    for cause in CAUSES:
        if cause.name != "unknown":
            assert cause.name.removeprefix("temperature ") in told
