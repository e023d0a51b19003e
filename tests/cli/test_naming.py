"""Verbs of playing with the bundle left out, and what is said where it is the music that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import formats
from segue.cli.main import USAGE, load
from segue.errors import BundleError, FormatError
from segue.score import slice_bars


@pytest.fixture
def piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    music = slice_bars(chorale(5), 0, 2)
    formats.write(music, tmp_path / "piece.mid")
    melody = music.with_(notes=music.notes[music.notes["track"] == 0], tracks=music.tracks[:1])
    formats.write(melody, tmp_path / "melody.mid")
    return "piece.mid"


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "--bars", "1"],
        ["continue", "piece.mid", "--bars", "1"],
        ["continue", "segue-piano", "piece.mid", "--bars", "1"],
        ["infill", "piece.mid", "--bars", "2"],
        ["accompany", "melody.mid"],
        ["loop", "--bars", "1", "--candidates", "1"],
    ],
    ids=" ".join,
)
def test_what_comes_with_segue_plays(
    segue: Any, shipped: Path, piece: str, words: list[str]
) -> None:
    ran = segue(*words, "--seed", 1, "--formats", "mid", "--json")
    assert ran.code == 0, ran.err
    (take,) = json.loads(ran.out)["takes"]
    assert (take["bundle"], take["engine"]) == ("segue-piano", "int8")
    (made,) = (Path(file) for file in take["files"] if file.endswith(".mid"))
    receipt = json.loads(made.with_suffix(".json").read_text())
    assert receipt["bundle_path"] == "segue-piano"  # wherever Segue lies
    music = ["--prompt", words[1]] if words[0] in ("infill", "accompany") else []
    assert segue("replay", made, *music).code == 0


def test_a_folder_can_be_watched_with_it(segue: Any, shipped: Path, piece: str) -> None:
    (Path("in")).mkdir()
    Path(piece).rename("in/piece.mid")
    ran = segue("watch-folder", "in", "out", "--once", "--every", "1s", "--bars", 1, "--json")
    assert ran.code == 0, ran.err
    assert [each["error"] for each in json.loads(ran.out)["files"]] == [None]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["segue-piano"], USAGE, "the bundle segue-piano came without a piece"),
        (["RUN"], USAGE, "bundle came without a piece: give that as well"),
        (["nowhere.mid"], FormatError.exit_code, "nowhere.mid does not exist: give a piece"),
        (["nowhere"], FormatError.exit_code, "nowhere does not exist: give a piece, or a bundle"),
        (["."], FormatError.exit_code, ". is a folder, and no bundle: give a piece"),
        (["piece.mid", "piece.mid"], BundleError.exit_code, "piece.mid is a file, not a bundle"),
        (["nowhere", "piece.mid"], BundleError.exit_code, "nowhere does not exist: give the"),
        (["RUN", "nowhere.mid"], FormatError.exit_code, "nowhere.mid does not exist"),
        (["a", "b", "c"], USAGE, "3 paths came; give a piece, or a bundle and a piece"),
    ],
)
def test_what_is_missing_is_named(
    segue: Any, shipped: Path, piece: str, run_path: Path, words: list[str], code: int,
    sentence: str,
) -> None:  # fmt: skip
    words = [str(run_path / "bundle") if word == "RUN" else word for word in words]
    ran = segue("continue", *words, "-o", "out")
    assert ran.code == code
    assert sentence in ran.err
    assert not Path("out").exists()


def test_two_pieces_may_have_a_bundle_before_them(segue: Any, shipped: Path, piece: str) -> None:
    assert "has no latent" in segue("interpolate", piece, piece).err
    assert "has no latent" in segue("interpolate", "segue-piano", piece, piece).err
    assert "1 path came; give a piece and another" in segue("interpolate", piece).err
    assert "has no latent" in segue("vary", piece).err
    assert "has no latent" in segue("reconstruct", piece).err


@pytest.mark.parametrize("verb", ["generate", "loop", "export"])
def test_without_one_it_is_one_sentence(
    segue: Any, nothing_shipped: None, piece: str, verb: str
) -> None:
    ran = segue(verb)
    assert ran.code == BundleError.exit_code
    assert "this Segue came without segue-piano" in ran.err
    assert "this Segue came without segue-piano" in segue("continue", piece).err


def test_usage_shows_that_it_may_be_left_out() -> None:
    for verb, shown in [("generate", "[bundle]"), ("continue", "[bundle] {prompt}"),
                        ("interpolate", "[bundle] {first} {second}")]:  # fmt: skip
        command = load(verb)
        ctx = command.make_context(verb, [], resilient_parsing=True)
        assert command.get_usage(ctx).endswith(f"[OPTIONS] {shown}")


def test_it_is_known_wherever_a_bundle_is_read(segue: Any, shipped: Path, piece: str) -> None:
    assert segue("inspect", "segue-piano", "--json").json["recipe"] == "segue-piano"
    ran = segue("memorisation", piece, "--data", "segue-piano", "--json")
    assert ran.code == 0, ran.err
    assert segue("evaluate", "segue-piano", "--data", piece).code == 0
    ran = segue("doctor", "segue-piano", "--takes", 1, "--bars", 4)
    assert ran.code == 0, ran.err
