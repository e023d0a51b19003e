"""`segue inspect`: the facts of a file, its roll, its repairs; a bundle; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import segue as package
from segue.cli.inspection import key_name, pitch_name, roll
from segue.score import BEND, CONTROL, KEY, METRE, NOTE, TEMPO, Score, Text, Track, events


def duet() -> Score:
    """Eight quarter notes over two half notes of drums, twice as fast from the second bar on."""
    rows = [(480 * i, 480, 0, 60 + i, 80) for i in range(8)]
    rows += [(0, 960, 1, 36, 100), (960, 960, 1, 38, 100)]
    return Score(
        480,
        events(NOTE, rows),
        (Track("Tune", 73), Track("Kit", 0, is_drum=True)),
        controls=events(CONTROL, [(0, 0, 64, 127), (480, 0, 64, 0), (0, 0, 7, 90)]),
        bends=events(BEND, [(0, 0, 10)]),
        tempi=events(TEMPO, [(0, 500_000), (1920, 250_000)]),
        metres=events(METRE, [(0, 4, 4), (1920, 3, 4)]),
        keys=events(KEY, [(0, 2, False)]),
        texts=(Text(0, "© nobody", "copyright"),),
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "duet.mid"
    package.write(duet(), path)
    return path


def test_facts(segue, file):
    told = segue("inspect", file, "--json").json
    assert told["format"] == "midi"
    assert (told["notes"], told["seconds"], told["beats"]) == (10, 3.0, 8.0)
    assert told["tempo"] == {"start": 120.0, "slowest": 120.0, "fastest": 240.0, "changes": 1}
    assert told["metres"] == [{"bar": 1.0, "metre": "4/4"}, {"bar": 2.0, "metre": "3/4"}]
    assert told["keys"] == [{"bar": 1.0, "key": "D major"}]
    tune, kit = told["tracks"]
    assert tune["range"] == {"lowest": 60, "highest": 67, "names": "C4 to G4"}
    assert (tune["instrument"], tune["pedal"], tune["bends"]) == ("pipe", 2, 1)
    assert tune["controllers"] == {"7": 1, "64": 2}
    assert (kit["instrument"], kit["notes"], kit["velocity"]) == ("drums", 2, 100.0)
    assert told["texts"] == [{"beat": 0.0, "kind": "copyright", "text": "© nobody"}]
    assert told["repairs"] == []
    assert told["music_hash"] == duet().music_hash()


def test_the_page(segue, file):
    shown = segue("inspect", file).out
    for words in (
        "10 notes, 2.3 bars, 0:03.0 minutes",
        "120.0 beats a minute, 1 change: 120.0 to 240.0",
        "4/4 (bar 1), 3/4 (bar 2)",
        "D major (bar 1)",
        "copyright '© nobody'",
        "2 pedal moves, 1 controller, 1 bend",
        "C4 to G4",
        "▄",
    ):
        assert words in shown
    assert "▄" not in segue("inspect", file, "--no-roll").out


def test_repairs_are_shown(segue, file):
    file.write_bytes(file.read_bytes()[:-6])
    ran = segue("inspect", file)
    assert ran.code == 0
    assert "added the missing end of track" in ran.out


def test_what_is_no_music_is_refused(segue, tmp_path):
    path = tmp_path / "page.mid"
    path.write_text("<html>404</html>")
    ran = segue("inspect", path)
    assert (ran.code, ran.out) == (3, "")
    assert "is no MIDI file but a web page" in ran.err


def test_a_folder_without_a_bundle_is_refused(segue, tmp_path):
    ran = segue("inspect", tmp_path)
    assert ran.code == 6
    assert "holds no bundle" in ran.err


def test_an_empty_piece(segue, tmp_path):
    path = tmp_path / "silence.mid"
    package.write(Score(480), path)
    ran = segue("inspect", path)
    assert ran.code == 0
    assert "0 notes" in ran.out
    assert segue("inspect", path, "--json").json["range"] is None


def test_the_roll_has_a_cell_for_each_note():
    drawn = roll(duet(), width=24, height=20).plain.splitlines()
    # Eight notes up the scale from 60 and two drums at 36 and 38: rows 36 to 67, two to a line.
    assert len(drawn) == 16 + 1
    cells = np.array([list(line[5:29]) for line in drawn[:-1]])
    assert (cells[-1][:16] == "▄").sum() == 8  # the first drum, half of the first bar's 16 columns
    assert (cells != " ").sum() == 16 + 16 + 8
    assert drawn[-1].split() == ["0", "1.5", "3.0", "s"]


def test_a_roll_of_many_octaves_keeps_its_height():
    wide = events(NOTE, [(10 * p, 10, 0, p, 64) for p in range(128)])
    drawn = roll(Score(96, wide, (Track(),)), width=64, height=10).plain.splitlines()
    assert len(drawn) <= 11


def test_before_the_first_tempo_midis_own_holds(segue, tmp_path):
    path = tmp_path / "late.mid"
    package.write(Score(480, tempi=events(TEMPO, [(480, 1_000_000)])), path)
    assert segue("inspect", path, "--json").json["tempo"]["start"] == 120.0


@pytest.mark.parametrize(
    ("fifths", "minor", "name"),
    [
        (0, False, "C major"),
        (0, True, "A minor"),
        (-7, False, "Cb major"),
        (-7, True, "Ab minor"),
        (7, False, "C# major"),
        (7, True, "A# minor"),
        (-3, True, "C minor"),
        (4, True, "C# minor"),
    ],
)
def test_keys(fifths, minor, name):
    assert key_name(fifths, minor) == name


def test_pitches():
    assert [pitch_name(p) for p in (0, 60, 69, 127)] == ["C-1", "C4", "A4", "G9"]
