"""`segue measure` on files and folders, alone and beside other music."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import segue as api
from music import chorale
from segue.evaluation.measures import MEASURES, measure

Verb = Callable[..., Any]


def test_a_folder_is_measured_with_intervals(segue: Verb, chorales: Path) -> None:
    ran = segue("measure", chorales)
    assert ran.code == 0
    assert "12 pieces" in ran.out
    assert "pitch_range" in ran.out
    told = segue("measure", chorales, "--json").json
    assert set(told["measures"]) == set(MEASURES)
    row = told["measures"]["pitch_range"]
    assert row["interval"][0] <= row["mean"] <= row["interval"][1]
    assert (row["unit"], row["pieces"]) == ("semitones", 12)
    first = told["pieces"][str(chorales / "chorale-00.mid")]
    assert first["note_count"] == measure(api.read(chorales / "chorale-00.mid"))["note_count"]
    assert told["measures"]["drum_in_pattern_rate"]["mean"] is None


def test_only_what_is_asked_for_is_measured(segue: Verb, chorales: Path) -> None:
    file = chorales / "chorale-01.mid"
    told = segue("measure", file, "--measures", "polyphony, pitch_range", "--json").json
    assert list(told["measures"]) == ["polyphony", "pitch_range"]
    ran = segue("measure", file, "--measures", "polyfony")
    assert ran.code == 1
    assert "did you mean 'polyphony'" in ran.err


def test_beside_real_music_each_measure_has_its_overlap(
    segue: Verb, chorales: Path, tmp_path: Path
) -> None:
    takes = tmp_path / "takes"
    takes.mkdir()
    for seed in range(40, 45):
        api.write(chorale(seed, bars=4), takes / f"take-{seed}.mid")
    few = ("--measures", "note_count,pitch_class_entropy")
    plots = ("--plots", tmp_path / "plots")
    ran = segue("measure", takes, "--against", chorales, *few, *plots, "--json")
    told = ran.json
    # Real pieces of six bars are cut to the takes' four.
    assert told["bars"] == 4
    assert told["measures"]["note_count"]["real"]["mean"] == 64
    assert 0.5 < told["overlaps"]["pitch_class_entropy"]["like_real"] <= 1
    names = {Path(picture).name for picture in told["pictures"]}
    assert {"measures.png", "overlaps.png", "self-similarity-take-40.png"} <= names
    assert all(Path(picture).is_file() for picture in told["pictures"])
    shown = segue("measure", takes, "--against", chorales)
    assert "5 pieces beside 12 of real music, 4 bars of each" in shown.out
    assert "like real" in shown.out


def test_excerpts_are_the_same_for_the_same_seed(segue: Verb, chorales: Path) -> None:
    ask = ("measure", chorales, "--bars", "2", "--json", "--seed")
    assert segue(*ask, "1").json == segue(*ask, "1").json
    assert segue(*ask, "1").json != segue(*ask, "2").json


def test_what_cannot_be_read_is_told_and_left_out(
    segue: Verb, chorales: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "broken.mid").write_bytes(b"MThd no")
    ran = segue("measure", folder)
    assert ran.code == 4
    assert "no piece with notes" in ran.err
    api.write(chorale(1), folder / "good.mid")
    ran = segue("measure", folder)
    assert ran.code == 0
    assert "left out:" in ran.err
    assert "broken.mid" in ran.err


@pytest.mark.parametrize("path", ["nothing", "nothing.mid"])
def test_a_path_that_is_not_there_is_a_sentence(segue: Verb, path: str) -> None:
    ran = segue("measure", path)
    assert ran.code == 4
    assert "does not exist" in ran.err
