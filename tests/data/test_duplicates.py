"""Duplicates in a folder: what a corpus keeps of them, where, and what it reports."""

import json

import numpy as np
import pytest
from tiny_encoding import PitchOnly
from tunes import folder_of, tune

from segue.data import Windows, prepare, verdict
from segue.errors import DataError
from segue.formats.table import write
from segue.score import transpose


def manifest(corpus):
    lines = (corpus.root / "manifest.jsonl").read_text().splitlines()
    return {entry["path"]: entry for entry in map(json.loads, lines)}


def stretched(score, factor):
    notes = score.notes.copy()
    notes["onset"] = notes["onset"] * factor
    notes["duration"] = notes["duration"] * factor
    return score.with_(notes=notes)


def edited(score, every):
    notes = score.notes.copy()
    notes["pitch"][::every] += 1
    notes["velocity"] = 70
    return score.with_(notes=notes)


@pytest.fixture
def folder(tmp_path):
    """Thirty tunes in two sets, and in a third the first of them, each otherwise."""
    folder_of(tmp_path / "in" / "one", 15, notes=100)
    for n in range(15):
        write(tune(100 + n, 100), tmp_path / "in" / "two" / f"{n:02}.mid")
    others = tmp_path / "in" / "other"
    write(transpose(tune(0, 100), 5), others / "transposed.mid")
    write(stretched(tune(1, 101), 1.5), others / "stretched.mid")
    write(edited(tune(2, 102), 34), others / "edited.mid")
    write(tune(3, 103).with_(notes=tune(3, 103).notes[:70]), others / "cut.mid")
    write(tune(100, 100), others / "copy.mid")
    return tmp_path / "in"


KIN = {
    "other/transposed.mid": "one/00.mid",
    "other/stretched.mid": "one/01.mid",
    "other/edited.mid": "one/02.mid",
    "other/cut.mid": "one/03.mid",
}


@pytest.mark.parametrize("seed", range(4))
def test_each_family_is_in_one_split(folder, tmp_path, seed):
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0, seed=seed)
    entries = manifest(corpus)
    for other, first in KIN.items():
        assert entries[other]["kin"] == entries[first]["kin"] == first
        assert entries[other]["split"] == entries[first]["split"]
    assert entries["two/00.mid"]["reason"] == "the same music as other/copy.mid"
    assert sum(bool(entry.get("kin")) for entry in entries.values()) == 8


def test_it_is_reported_by_sets(folder, tmp_path):
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    found = corpus.summary()["near_duplicates"]
    assert (found["families"], found["pieces_in_families"], found["largest_family"]) == (4, 8, 2)
    assert found["between"] == [
        {"one": "one", "other": "other", "exact": 0, "near": 2, "kin": 2},
        {"one": "other", "other": "two", "exact": 1, "near": 0, "kin": 0},
    ]
    assert any("2 pairs of near duplicates and 2 of kin" in said for said in verdict(corpus))


def test_a_training_piece_alike_to_a_held_out_one_is_left_out(folder, tmp_path):
    lines = ["file,split", "other/edited.mid,test", "one/02.mid,train", "other/cut.mid,valid"]
    (folder / "splits.csv").write_text("\n".join(lines))
    entries = manifest(prepare(folder, tmp_path / "out", PitchOnly(), workers=0))
    assert entries["one/02.mid"]["reason"] == "kin of other/edited.mid, which is held out (test)"
    assert entries["one/03.mid"]["split"] == "valid", "it had no place of its own"


@pytest.mark.parametrize("earlier", ["train", "test"])
def test_of_exact_copies_the_held_out_one_is_kept(tmp_path, earlier):
    folder = folder_of(tmp_path / "in", 12)
    write(tune(3, 43), folder / "copy.mid")  # after 03.mid by name
    later = {"train": "test", "test": "train"}[earlier]
    lines = ["file,split", f"03.mid,{earlier}", f"copy.mid,{later}"]
    (folder / "splits.csv").write_text("\n".join(lines))
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    entries = manifest(corpus)
    gone, kept = ("03.mid", "copy.mid") if earlier == "train" else ("copy.mid", "03.mid")
    assert entries[gone]["reason"] == f"the same music as {kept}"
    assert entries[kept]["split"] == "test"
    assert corpus.summary()["totals"]["kept"] == 12


def test_counts_and_windows_leave_out_what_is_left_out(folder, tmp_path):
    """Its rows still lie in the shards, between those of others."""
    options = {"workers": 0, "near_duplicates": "remove"}
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), **options)
    entries = manifest(corpus)
    assert entries["other/transposed.mid"]["reason"] == "nearly the same notes as one/00.mid"
    kept = [entry["notes"] for entry in entries.values() if entry["kept"]]
    assert len(kept) == 15 + 15 + 5 - 3
    assert corpus.summary()["totals"]["rows"] == sum(kept)
    assert corpus.summary()["refusals"] == {"near duplicate": 2, "exact duplicate": 1}
    counted = 0
    for split in corpus.splits:
        rows = np.concatenate([corpus.rows(piece) for piece in corpus.pieces(split)])
        for k in range(2):
            assert np.array_equal(
                np.bincount(rows[:, k], minlength=len(corpus.counts(split)[k])),
                corpus.counts(split)[k],
            )
        counted += len(rows)
    assert counted == sum(kept)
    windows = Windows(corpus, "train", 20, 7)
    targets = sum(int(batch.mask.sum()) for batch in windows.held_out())
    assert targets == sum(piece.rows - 1 for piece in corpus.pieces("train"))


def test_they_can_be_ignored(folder, tmp_path):
    options = {"workers": 0, "near_duplicates": "ignore"}
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), **options)
    assert corpus.summary()["near_duplicates"]["treated"] == "ignore"
    assert not any(entry.get("kin") for entry in manifest(corpus).values())
    with pytest.raises(DataError, match="did you mean 'remove'"):
        prepare(folder, tmp_path / "out", PitchOnly(), near_duplicates="removed")


BOOK = """X:1
T:First
M:4/4
L:1/4
K:C
CDEF GABc defg abc'd' |

X:2
T:Second
M:4/4
L:1/4
K:C
cBAG FEDC CEGc egc'e' |

X:2
T:First once more, in another key
M:4/4
L:1/4
K:D
DEFG ABcd efga bc'd'e' |

X:4
T:Silence
K:C
z4 |
"""


def test_every_tune_of_a_book_is_a_piece(tmp_path):
    folder = folder_of(tmp_path / "in", 3)
    (folder / "book.abc").write_text(BOOK)
    (folder / "one.abc").write_text(BOOK.partition("\n\n")[2].partition("\n\n")[0] + "\n")
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    entries = manifest(corpus)
    assert [p for p in entries if "abc" in p] == [
        "book.abc#1",
        "book.abc#2",
        "book.abc#2(3)",
        "book.abc#4",
        "one.abc",
    ]
    assert entries["book.abc#2"]["file"] == "book.abc"
    assert entries["book.abc#4"]["reason"] == "holds no notes"
    assert entries["one.abc"]["reason"] == "the same music as book.abc#2"
    totals = corpus.summary()["totals"]
    assert (totals["files"], totals["found"], totals["kept"]) == (5, 8, 6)
    assert "Kept 6 of 8 pieces in 5 files." in verdict(corpus)[0]


def test_a_rule_places_the_tunes_of_a_book(tmp_path):
    folder = folder_of(tmp_path / "in", 3)
    (folder / "book.abc").write_text(BOOK)
    (folder / "splits.csv").write_text("file,split\nbook.abc,test\n")
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    assert [p.path for p in corpus.pieces("test")][:2] == ["book.abc#1", "book.abc#2"]
