"""`segue prepare`: what it prints, what it leaves, what it refuses."""

import numpy as np
import pytest

from segue.data import Corpus
from segue.formats.table import write
from segue.score import NOTE, Score, Track


@pytest.fixture
def folder(tmp_path):
    """Twelve tunes, one of them twice, and a file that is none."""
    for n in [*range(12), 3]:
        rng = np.random.default_rng(n)
        table = np.zeros(60, NOTE)
        table["onset"], table["duration"] = 480 * np.arange(60), 480
        table["pitch"], table["velocity"] = rng.integers(50, 80, 60), 80
        name = f"{n}.mid" if not (tmp_path / f"in/{n}.mid").exists() else "copy.mid"
        write(Score(480, table, (Track("Voice"),)), tmp_path / "in" / name)
    (tmp_path / "in" / "broken.mid").write_bytes(b"not music")
    return tmp_path / "in"


def test_it_prints_counts_refusals_and_a_verdict(segue, folder, tmp_path):
    ran = segue("prepare", folder, "-o", tmp_path / "out", "-e", "note_chord", "--workers", 0)
    assert ran.code == 0, ran.err
    words = ran.out.split()
    assert words[words.index("all") + 1 :][:3] == ["12", "720", "720"]
    assert words[words.index("train") + 1] == "10"
    assert words[words.index("symbol") + 1 :][:3] == ["720", "30", "30"]
    assert "exact duplicate" in ran.out
    assert "Kept 12 of 14 files." in ran.out
    assert "Split by seed (0): 10 train, 1 valid, 1 test." in ran.out
    assert Corpus.open(tmp_path / "out").encoding.name == "note_chord"


def test_as_json_it_is_one_document(segue, folder, tmp_path):
    ran = segue("prepare", folder, "-o", tmp_path / "out", "--workers", 0, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["totals"]["kept"] == 12
    assert ran.json["encoding"]["name"] == "compound"
    assert ran.json["verdict"][0] == "Kept 12 of 14 files."
    assert ran.json["hash"] == Corpus.open(tmp_path / "out").hash


def test_options_of_the_encoding_are_set_by_key(segue, folder, tmp_path):
    args = ("prepare", folder, "-o", tmp_path / "out", "-e", "note_chord", "--workers", 0)
    ran = segue(*args, "--set", "octaves=true", "--json")
    assert ran.json["encoding"]["options"]["octaves"] is True
    ran = segue(*args, "--set", "octave=true")
    assert ran.code == 5
    assert "did you mean 'octaves'" in ran.err
    ran = segue(*args, "--set", "octaves")
    assert ran.code == 2
    assert "write KEY=VALUE" in ran.err


def test_a_dry_run_writes_nothing(segue, folder, tmp_path):
    ran = segue("prepare", folder, "-o", tmp_path / "out", "--dry-run")
    assert ran.code == 0
    assert "14 files to read (14 .mid)" in ran.out
    assert "Split: by seed" in ran.out
    (folder / "t.csv").write_text("split,midi_filename\ntrain,1.mid\nvalid,2.mid\n")
    ran = segue("prepare", folder, "-o", tmp_path / "out", "--dry-run", "--json")
    assert ran.json["split_rules"] == [{"rule": "table", "source": "t.csv", "files": 2}]
    assert not (tmp_path / "out").exists()


def test_nothing_usable_is_one_sentence(segue, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mid").write_bytes(b"no")
    ran = segue("prepare", tmp_path / "in", "-o", tmp_path / "out", "--workers", 0)
    assert ran.code == 4
    assert "none of the 1 files" in ran.err
    assert "Traceback" not in ran.err


def test_filters_and_near_duplicates_are_options(segue, folder, tmp_path):
    args = ("prepare", folder, "-o", tmp_path / "out", "--workers", 0, "--json")
    ran = segue(*args, "--max-polyphony", 1, "--mode", "minor", "--near-duplicates", "ignore")
    assert ran.code == 0, ran.err
    assert ran.json["filters"] == {"max_polyphony": 1, "mode": "minor"}
    assert ran.json["refusals"]["not in minor"] >= 1
    assert ran.json["near_duplicates"]["treated"] == "ignore"
    ran = segue(*args, "--min-notes", 61)
    assert ran.code == 4
    assert "too few notes: 60, 61 are asked for" in ran.err
    for wrong in (("--metre", "waltz"), ("--near-duplicates", "shun"), ("--engine", "steam")):
        ran = segue(*args, *wrong)
        assert ran.code == 4
        assert repr(wrong[1]) in ran.err


def test_a_recipe_gives_encoding_and_filters_and_options_count_before_them(segue, folder, tmp_path):
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'summary = "a test"\n[encoding]\nname = "note_chord"\n[model]\nname = "note_lstm"\n'
        '[data]\nnear_duplicates = "remove"\n[data.filter]\nmin_notes = 10\nmetres = ["4/4"]\n'
    )
    args = ("prepare", folder, "-o", tmp_path / "out", "--workers", 0, "--json")
    ran = segue(*args, "--recipe", recipe, "--min-notes", 20)
    assert ran.code == 0, ran.err
    assert ran.json["encoding"]["name"] == "note_chord"
    assert ran.json["filters"] == {"min_notes": 20, "metres": ["4/4"]}
    assert ran.json["near_duplicates"]["treated"] == "remove"
    ran = segue(*args, "--recipe", recipe, "-e", "compound")
    assert ran.code == 2
