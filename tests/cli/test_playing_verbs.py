"""What `segue generate` and `segue continue` can be asked for, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import formats
from segue.score import slice_bars


def test_density_seconds_and_ending_stand_in_the_receipt(
    segue: Any, run_path: Path, tmp_path: Path
) -> None:
    ran = segue(
        "generate", run_path, "--seconds", 9, "--density", "3/second", "--ending", "cadence",
        "--key", "D minor", "--seed", 3, "--formats", "mid", "-o", tmp_path, "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    take = json.loads(ran.out)["takes"][0]
    assert take["settings"]["wishes"] == {
        "key": "D minor", "density": "3/second", "ending": "cadence"
    }  # fmt: skip
    for wish in ("length", "density", "ending", "key"):
        assert take["checks"][wish]["kept"], wish
    made = formats.read(next(tmp_path.glob("*.mid")))
    assert made.end_seconds == pytest.approx(9, abs=0.005)


def test_a_continuation_takes_them_too(segue: Any, run_path: Path, tmp_path: Path) -> None:
    formats.write(slice_bars(chorale(5), 0, 2), tmp_path / "piece.mid")
    ran = segue(
        "continue", run_path, tmp_path / "piece.mid", "--seconds", 8, "--density", 2,
        "--ending", "own", "--seed", 1, "--formats", "mid", "-o", tmp_path / "out", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    take = json.loads(ran.out)["takes"][0]
    assert take["checks"]["density"]["kept"]
    assert take["checks"]["ending"]["kept"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--density", "lots"], "the density came as 'lots'"),
        (["--seconds", "0"], "the length came as 0 seconds"),
        (["--ending", "bang"], "the ending came as 'bang'"),
        (["--start", "prelude"], "the start came as 'prelude'"),
        (["--latent", "none.npy"], "none.npy holds no latent"),
        (["--formats", "mid,krn"], "can be read but not written|is only read"),
        (["--formats", "mid,xyz"], "the suffix .xyz is not one Segue knows"),
        (["--soundfont", "none.sf2"], "the SoundFont none.sf2 does not exist"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(
    segue: Any, run_path: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    ran = segue("generate", run_path, "--seed", 1, "-o", tmp_path / "out", *options)
    assert ran.code != 0
    assert any(each in ran.err for each in sentence.split("|")), ran.err
    assert not (tmp_path / "out").exists()


def test_a_wrong_soundfont_leaves_no_file_behind(
    segue: Any, run_path: Path, tmp_path: Path
) -> None:
    formats.write(chorale(5), tmp_path / "piece.mid")
    (tmp_path / "bad.sf2").write_bytes(b"no font at all")
    for words in (["generate", run_path], ["continue", run_path, tmp_path / "piece.mid"],
                  ["infill", run_path, tmp_path / "piece.mid", "--bars", "2"],
                  ["loop", run_path, "--bars", "1", "--candidates", "1"]):  # fmt: skip
        out = tmp_path / "out"
        ran = segue(*words, "--seed", 1, "--soundfont", tmp_path / "bad.sf2", "-o", out)
        assert ran.code != 0
        assert "bad.sf2" in ran.err
        assert not out.exists()
