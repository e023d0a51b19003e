"""The verdict: numbers that are in the corpus, in sentences."""

from tiny_encoding import PitchOnly
from tunes import folder_of

from segue.data import prepare, verdict
from segue.data.verdict import _round, parameters_fed


def test_it_tells_what_was_kept_left_out_and_fed(tmp_path):
    folder = folder_of(tmp_path / "in", 10, notes=100)
    (folder / "broken.mid").write_bytes(b"no")
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    text = " ".join(verdict(corpus))
    assert "Kept 10 of 11 files." in text
    assert "Left out: 1 x " in text
    assert "8.7 minutes of music: 1,045 notes in 261 bars, 1,045 rows" in text
    assert "Split by seed (0): 9 train, 1 valid." in text


def test_a_model_gets_four_passes_and_twenty_symbols_a_parameter():
    facts = {
        "columns": {"pitch": {}, "loud": {}},
        "splits": {"train": {"rows": 1000, "notes": 800}},
    }
    assert parameters_fed(facts) == (2000 * 4 // 20, 800 * 15)
    facts["columns"] = {str(n): {} for n in range(88)}  # a roll: its empty cells teach little
    assert parameters_fed(facts) == (3200 * 4 // 20, 800 * 15)


def test_sizes_are_rounded_with_a_unit():
    shown = [_round(n) for n in (0, 400, 2_349, 23_490, 5_600_000, 3 * 10**12)]
    assert shown == ["1", "400", "2.3 thousand", "23 thousand", "5.6 million", "3000 billion"]
