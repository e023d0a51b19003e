"""`segue infill` and `segue accompany`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import formats


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    path = tmp_path / "piece.mid"
    formats.write(chorale(8), path)
    return path


def test_infill_fills_bars_counted_from_one(
    segue: Any, run_path: Path, piece: Path, tmp_path: Path
) -> None:
    ran = segue(
        "infill", run_path, piece, "--bars", "2-3", "--tracks", "2", "--seed", 4,
        "-o", tmp_path / "out", "--formats", "mid", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    take = json.loads(ran.out)["takes"][0]
    assert take["settings"]["bars"] == [1, 3]
    assert take["settings"]["tracks"] == [1]
    made = formats.read(tmp_path / "out" / take["files"][0].split("/")[-1])
    before, after = chorale(8).notes, made.notes
    others = [n.tolist() for n in before if n["track"] != 1]
    assert others == [n.tolist() for n in after if n["track"] != 1]


def test_accompany_adds_parts(segue: Any, run_path: Path, tmp_path: Path) -> None:
    whole = chorale(8)
    melody = whole.with_(notes=whole.notes[whole.notes["track"] == 0], tracks=whole.tracks[:1])
    formats.write(melody, tmp_path / "melody.mid")
    ran = segue("accompany", run_path, tmp_path / "melody.mid", "--seed", 1, "-o", tmp_path / "out")
    assert ran.code == 0, ran.err
    made = formats.read(tmp_path / "out" / "melody-accompanied-1.mid")
    assert len(made.tracks) > 1
    assert made.notes[made.notes["track"] == 0].tolist() == melody.notes.tolist()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bars", "3-2"], "--bars came as '3-2'"),
        (["--bars", "x"], "--bars came as 'x'"),
        (["--bars", "1", "--tracks", "0"], "--tracks came as '0'"),
        (["--bars", "1", "--tracks", "12"], "--tracks came with 12; the music has tracks 1 to 4"),
        (["--bars", "99-120"], "--bars came as '99-120'; the music has "),
        (["--bars", "1", "--key", "H"], "the key came as 'H'"),
    ],
)
def test_wrong_options_are_one_sentence(
    segue: Any, run_path: Path, piece: Path, options: list[str], sentence: str
) -> None:
    ran = segue("infill", run_path, piece, *options)
    assert ran.code != 0
    assert sentence in ran.err
