"""JSON for any value of ours, and consoles that print text as it is."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from segue.cli import console


@dataclass
class Pair:
    name: str
    where: Path


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Path("a") / "b", "a/b"),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (float("nan"), None),
        (np.array([1.0, np.inf]), [1.0, None]),
        ({1: (True, None)}, {"1": [True, None]}),
        (Pair("x", Path("y")), {"name": "x", "where": "y"}),
        (iter("ab"), ["a", "b"]),
    ],
)
def test_values_become_json(capsys, value, expected):
    console.emit_json(value)
    assert json.loads(capsys.readouterr().out) == expected


def test_a_value_without_a_json_form_is_refused():
    with pytest.raises(TypeError, match="object has no JSON form"):
        console.emit_json({"a": object()})


def test_file_names_outside_every_encoding_survive(capsys):
    console.emit_json("caf\udce9 \u266b")
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == "caf\udce9 \u266b"


def test_brackets_are_not_markup(capsys):
    console.out.print("[bold] take :smile: 1.mid")
    assert capsys.readouterr().out == "[bold] take :smile: 1.mid\n"


def test_table_cells_are_not_markup_either(capsys):
    shown = console.table("file", ">notes")
    shown.add_row("[red].mid", "12")
    console.out.print(shown)
    assert "[red].mid" in capsys.readouterr().out


def test_notes_go_to_stderr_unwrapped(capsys):
    console.note("x" * 300)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "x" * 300 + "\n")


def test_progress_is_silent_where_nobody_looks(capsys):
    assert list(console.track("abc", "Reading", 3)) == ["a", "b", "c"]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_no_other_console():
    with pytest.raises(AttributeError, match="no attribute 'both'"):
        _ = console.both
