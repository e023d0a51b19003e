"""Bach chorales out of the music21 package: four voices, bar lines where they belong."""

import numpy as np
import pytest

from segue.data import chorales
from segue.data.chorales import VOICES, four_voices, write_chorales
from segue.errors import DataError
from segue.formats.table import read

BACH = chorales._corpus_folder() / "bach"


def test_four_voices_with_an_upbeat():
    # "Ach bleib bei uns": four four time, an upbeat of one beat, in E flat, as the source has it.
    score = four_voices(BACH / "bwv253.mxl")
    assert score is not None
    assert [track.name for track in score.tracks] == list(VOICES)
    assert score.metres.tolist() == [(0, 4, 4)]
    assert score.keys["fifths"].tolist() == [3]
    first = score.notes[score.notes["onset"] == score.notes["onset"].min()]
    assert len(first) == 4, "all voices begin together"
    assert score.metre_map.bars(first["onset"][0]) == 0.75
    assert np.all(np.diff(first["pitch"].astype(int)) <= 0), "soprano on top, bass below"


def test_each_voice_sings_one_note_at_a_time():
    score = four_voices(BACH / "bwv269.mxl")
    assert score is not None
    for voice in range(4):
        notes = score.track_notes(voice)
        assert (notes["onset"][1:] >= (notes["onset"] + notes["duration"])[:-1]).all()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bwv846.mxl", "a prelude for keyboard"),
        ("bwv227.3.mxl", "five voices"),
        ("bwv248.64-6.mxl", "instruments play on for twelve bars"),
    ],
)
def test_other_pieces_are_left_out(name, why):
    assert four_voices(BACH / name) is None, why


def test_doubling_instruments_are_left_out():
    score = four_voices(BACH / "bwv1.6.mxl")  # with two horns
    assert score is not None
    assert len(score.tracks) == 4


@pytest.fixture
def small_corpus(tmp_path, monkeypatch):
    root = tmp_path / "corpus"
    (root / "bach").mkdir(parents=True)
    for name in ("bwv269.mxl", "bwv253.mxl", "bwv846.mxl"):
        (root / "bach" / name).write_bytes((BACH / name).read_bytes())
    (root / "bach" / "again.mxl").write_bytes((BACH / "bwv269.mxl").read_bytes())
    (root / "license.txt").write_text("the terms")
    monkeypatch.setattr(chorales, "_corpus_folder", lambda: root)
    return root


def test_chorales_are_written_once_with_the_terms(small_corpus, tmp_path):
    told = []
    facts = write_chorales(tmp_path / "out", lambda *now: told.append(now))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "LICENSE.txt",
        "again.mid",
        "bwv253.mid",
    ]
    assert (facts["files"], facts["terms"]) == (2, "the terms")
    assert facts["package"].startswith("music21 ")
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    known = four_voices(BACH / "bwv253.mxl")
    assert known is not None
    assert read(tmp_path / "out" / "bwv253.mid").music_hash() == known.music_hash()


def test_too_little_of_the_corpus_is_an_error(small_corpus, tmp_path):
    for name in ("bwv253.mxl", "bwv269.mxl", "again.mxl"):
        (small_corpus / "bach" / name).write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"only 0 of 4 files .* reinstall music21"):
        write_chorales(tmp_path / "out", lambda done, total: None)


def test_without_music21_the_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install music21"):
        chorales._corpus_folder()
