"""`segue doctor` on takes, folders and runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue as api
from music import chorale
from segue.score import NOTE, Score, Track, events

Verb = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sound pieces and one of one note."""
    music = tmp_path / "takes"
    music.mkdir()
    for seed in range(2):
        api.write(chorale(seed, bars=8), music / f"good-{seed}.mid")
    rows = [(480 * i, 480, 0, 60, 70) for i in range(64)]
    api.write(Score(480, events(NOTE, rows), (Track(),)), music / "stuck.mid")
    return music


def test_sound_music_has_nothing(segue: Verb, folder: Path) -> None:
    ran = segue("doctor", folder / "good-0.mid", "--strict")
    assert ran.code == 0
    assert "good-0.mid: nothing found" in ran.out


def test_what_is_found_is_told_with_place_cause_and_command(segue: Verb, folder: Path) -> None:
    ran = segue("doctor", folder / "stuck.mid")
    assert ran.code == 0
    assert "one-note: the same notes struck again and again (bars 1 to 16): 64 times" in ran.out
    assert "likely cause: unknown" in ran.out
    assert "try: segue " in ran.out


def test_a_folder_is_summed_up(segue: Verb, folder: Path) -> None:
    ran = segue("doctor", folder)
    assert "one-note in 1 of 3" in ran.out
    assert "1 of 3 pieces have something" in ran.out


def test_strict_leaves_with_1_if_anything_was_found(segue: Verb, folder: Path) -> None:
    assert segue("doctor", folder / "stuck.mid", "--strict").code == 1
    assert segue("doctor", folder, "--strict", "--json").code == 1


def test_json_holds_all_of_it(segue: Verb, folder: Path) -> None:
    (told,) = segue("doctor", folder, "--json").json["reports"]
    by_name = {piece["piece"]: piece["findings"] for piece in told["pieces"]}
    assert by_name["good-0.mid"] == []
    symptoms = {finding["symptom"] for finding in by_name["stuck.mid"]}
    assert symptoms == {"one-note", "narrow"}
    (finding,) = [f for f in by_name["stuck.mid"] if f["symptom"] == "one-note"]
    assert finding["bars"] == [1, 16]
    assert (finding["value"], finding["limit"], finding["cause"]) == (64, 24, "unknown")


def test_a_run_is_looked_at_with_its_curve(segue: Verb, run_path: Path, tmp_path: Path) -> None:
    ran = segue("doctor", run_path, "--takes", "2", "--bars", "8", "--plots", tmp_path / "plots")
    assert ran.code == 0
    assert "training, never learned" in ran.out
    assert f"segue train --resume {run_path}" in ran.out
    assert (tmp_path / "plots" / f"{run_path.name}-training.png").is_file()
    (told,) = segue("doctor", run_path, "--takes", "2", "--bars", "8", "--json").json["reports"]
    assert [piece["piece"] for piece in told["pieces"]] == ["seed 0", "seed 1"]
    assert told["training"][0]["name"] == "never learned"


def test_a_file_gets_its_self_similarity(segue: Verb, folder: Path, tmp_path: Path) -> None:
    segue("doctor", folder / "good-1.mid", "--plots", tmp_path)
    picture = tmp_path / "good-1-self-similarity.png"
    assert np.array(list(picture.read_bytes()[:4])).tolist() == [137, 80, 78, 71]


def test_what_is_not_there_is_a_sentence(segue: Verb, tmp_path: Path) -> None:
    ran = segue("doctor", tmp_path / "nothing.mid")
    assert ran.code == 3
    assert "does not exist" in ran.err
    ran = segue("doctor", tmp_path)
    assert ran.code == 4
    assert "holds no file" in ran.err
