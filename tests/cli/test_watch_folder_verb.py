"""`segue watch-folder` as it is typed: takes beside what was done, and what cannot be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import formats
from segue.cli import watch_folder
from segue.score import slice_bars


@pytest.fixture
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a piece and a file that is none; no time passes between looks."""
    monkeypatch.setattr(watch_folder, "pause", lambda _seconds: None)
    folder = tmp_path / "exports"
    folder.mkdir()
    formats.write(slice_bars(chorale(5), 0, 2), folder / "piece.mid")
    (folder / "broken.mid").write_bytes(b"MThd, and nothing else")
    (folder / "mix.wav").write_bytes(b"RIFF")
    return folder


def test_each_file_gets_its_takes_and_a_restart_none(
    segue: Any, run_path: Path, exports: Path, tmp_path: Path
) -> None:
    out = tmp_path / "takes"
    words = ("watch-folder", exports, out, "--bundle", run_path, "--once", "-n", 2, "--bars", 1)
    ran = segue(*words, "--seed", 4)
    assert ran.code == 0, ran.err
    assert "seed 4, bundle" in ran.err
    assert ran.err.count("broken.mid") == 1
    assert "piece.mid, seed 6: piece-continued-6.mid, piece-continued-7.mid" in ran.out
    assert sorted(path.name for path in out.iterdir()) == [
        "piece-continued-6.json", "piece-continued-6.mid",
        "piece-continued-7.json", "piece-continued-7.mid", "watched.json",
    ]  # fmt: skip
    assert formats.read(out / "piece-continued-6.mid").end_bars == pytest.approx(3, abs=0.01)
    again = segue(*words, "--json")
    assert [each["file"] for each in again.json["files"]] == ["broken.mid"]
    replayed = segue("replay", out / "piece-continued-7.mid")
    assert replayed.code == 0, replayed.err


def test_melodies_are_accompanied(
    segue: Any, run_path: Path, exports: Path, tmp_path: Path
) -> None:
    out = tmp_path / "takes"
    whole = slice_bars(chorale(5), 0, 2)
    melody = whole.notes[whole.notes["track"] == 0]
    formats.write(whole.with_(notes=melody, tracks=whole.tracks[:1]), exports / "melody.mid")
    ran = segue("watch-folder", exports, out, "--bundle", run_path, "--once", "--seed", 1,
                "--way", "accompany", "--json")  # fmt: skip
    assert ran.code == 0, ran.err
    told = {each["file"]: each for each in ran.json["files"]}
    assert "there is none to add" in told["piece.mid"]["error"]
    (take,) = told["melody.mid"]["takes"]
    made = formats.read(out / take["files"][0])
    assert take["files"][0] == "melody-accompanied-2.mid"
    assert len(made.tracks) > 1


def test_a_clip_as_a_daw_exports_it_is_continued(
    segue: Any, run_path: Path, exports: Path, tmp_path: Path
) -> None:
    track = b"".join(  # a bar of quarters, with neither tempo nor metre
        bytes([0, 0x90, pitch, 90, 96, 0x80, pitch, 0]) for pitch in (62, 65, 69, 67)
    ) + bytes([0, 0xFF, 0x2F, 0])
    header = bytes.fromhex("0000 0006 0000 0001 0060")  # length 6, format 0, 1 track, 96 a quarter
    (exports / "clip.mid").write_bytes(
        b"MThd" + header + b"MTrk" + len(track).to_bytes(4, "big") + track
    )
    (exports / "piece.mid").unlink()
    ran = segue("watch-folder", exports, tmp_path / "out", "--bundle", run_path, "--once",
                "--bars", 2)  # fmt: skip
    assert ran.code == 0, ran.err
    made = formats.read(next((tmp_path / "out").glob("clip-continued-*.mid")))
    assert made.end_bars == pytest.approx(3, abs=0.01)
    assert made.notes["pitch"][:4].tolist() == [62, 65, 69, 67]


def test_ctrl_c_ends_it(
    segue: Any, run_path: Path, exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [1, 1]

    def pause(_seconds: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()

    monkeypatch.setattr(watch_folder, "pause", pause)
    ran = segue("watch-folder", exports, tmp_path / "out", "--bundle", run_path, "--bars", 1)
    assert ran.code == 130
    assert ran.err.endswith("Stopped.\n")
    assert "Traceback" not in ran.err
    assert len(list((tmp_path / "out").glob("*.mid"))) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--way", "contine"], "did you mean 'continue'"),
        (["--way", "vary", "--key", "D minor"], "--way vary does not heed --key"),
        (["--way", "accompany", "--seconds", "3"], "does not heed --seconds"),
        (["--every", "soon"], "the time came as 'soon'"),
        (["--json"], "needs --once"),
        (["--formats", "krn"], "is only read"),
    ],
)
def test_what_cannot_be_asked_for(
    segue: Any, run_path: Path, exports: Path, tmp_path: Path, options: list[str], sentence: str
) -> None:
    out = tmp_path / "out"
    ran = segue("watch-folder", exports, out, "--bundle", run_path, *options)
    assert ran.code not in (0, 70)
    assert sentence in ran.err
    assert not out.exists()
