"""The rules a folder may bring, their order, and the seeded split for the rest."""

import pytest

from segue.data.rules import Place, find_rules
from segue.data.scan import scan
from segue.data.split import Names, split_pieces
from segue.errors import DataError


def music(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def named(hashes, letter="p"):
    paths = [f"{letter}{n}" for n in range(len(hashes))]
    return Names(paths, paths, list(hashes))


def splits(root, seed=0):
    """The split of each file by path, and the rules used."""
    source = scan(root)
    paths = [file.path for file in source.music]
    split = split_pieces(
        Names(paths, paths, [f"hash of {p}" for p in paths]), find_rules(source), seed
    )
    return {p: place.split for p, place in zip(paths, split.places, strict=True)}, split.rules


MAESTRO = "canonical_composer,canonical_title,split,year,midi_filename\n"


def test_a_maestro_table_decides(tmp_path):
    music(tmp_path, "2004/a.midi", "2004/b.midi", "2006/c.midi")
    (tmp_path / "maestro.csv").write_text(
        MAESTRO + 'Bach,"Air, in D",train,2004,2004/a.midi\n'
        "Liszt,Etude,validation,2004,2004\\b.midi\n"
        "Liszt,Sonata,test,2006,2006/c.midi\n"
        "Liszt,Not here,test,2006,2006/d.midi\n"
    )
    placed, rules = splits(tmp_path)
    assert placed == {"2004/a.midi": "train", "2004/b.midi": "valid", "2006/c.midi": "test"}
    assert rules == ({"rule": "table", "source": "maestro.csv", "pieces": 3},)
    assert find_rules(scan(tmp_path))[0].places["2004/a.midi"] == Place("train", "Bach/Air, in D")


def test_of_two_tables_the_one_that_names_more_files_is_taken(tmp_path):
    music(tmp_path, "a.mid", "b.mid")
    (tmp_path / "v1.csv").write_text("split,midi_filename\ntrain,a.mid\n")
    (tmp_path / "v2.csv").write_text("split,midi_filename\ntrain,a.mid\nvalidation,b.mid\n")
    (tmp_path / "v3.csv").write_text("split,midi_filename\ntrain,b.mid\nvalidation,a.mid\n")
    (rule,) = find_rules(scan(tmp_path))
    assert rule.source == "v2.csv"


def test_folders_decide_at_any_depth_but_not_alone(tmp_path):
    music(tmp_path, "nes/train/a.mid", "nes/val/x/b.mid", "nes/test/c.mid", "other/test/d.mid")
    placed, rules = splits(tmp_path)
    assert placed["nes/train/a.mid"] == "train"
    assert placed["nes/val/x/b.mid"] == "valid"
    assert placed["nes/test/c.mid"] == "test"
    assert [(r["rule"], r["pieces"]) for r in rules] == [("folders", 3), ("seed", 1)]


@pytest.mark.parametrize("above", [False, True])
def test_a_splits_table_in_the_folder_or_above_it(tmp_path, above):
    root = music(tmp_path / "set", "x/a.mid", "x/b.mid")
    prefix = "set/" if above else ""
    table = (tmp_path if above else root) / "splits.csv"
    table.write_text(f"file,group,split\n{prefix}x/a.mid,work,train\n{prefix}x/b.mid,work,valid\n")
    placed, rules = splits(root)
    assert placed == {"x/a.mid": "train", "x/b.mid": "valid"}
    assert rules[0]["rule"] == "splits.csv"


def test_a_table_comes_before_folders(tmp_path):
    music(tmp_path, "train/a.mid", "valid/b.mid")
    (tmp_path / "t.csv").write_text("split,midi_filename\nvalid,train/a.mid\ntrain,valid/b.mid\n")
    placed, _ = splits(tmp_path)
    assert placed == {"train/a.mid": "valid", "valid/b.mid": "train"}


def test_an_unknown_split_name_is_refused(tmp_path):
    music(tmp_path, "a.mid")
    (tmp_path / "t.csv").write_text("split,midi_filename\npractice,a.mid\n")
    with pytest.raises(DataError, match=r"t\.csv gives the split 'practice'; allowed: .*train"):
        find_rules(scan(tmp_path))


@pytest.mark.parametrize(
    ("pieces", "train", "valid", "test"),
    [(2, 1, 1, 0), (3, 2, 1, 0), (20, 18, 1, 1), (200, 180, 10, 10)],
)
def test_the_seeded_split_is_ninety_five_five(pieces, train, valid, test):
    paths = [str(n) for n in range(pieces)]
    places = split_pieces(named(paths), (), seed=0).places
    counts = [sum(p.split == name for p in places) for name in ("train", "valid", "test")]
    assert counts == [train, valid, test]


def test_the_seeded_split_follows_the_music_not_the_names_or_their_order():
    hashes = [f"{n:064x}" for n in range(40)]
    one = split_pieces(named(hashes, "a"), (), seed=3).places
    two = split_pieces(named(hashes[::-1], "b"), (), seed=3).places
    assert [p.split for p in one] == [p.split for p in two[::-1]]
    other = split_pieces(named(hashes, "a"), (), seed=4).places
    assert [p.split for p in one] != [p.split for p in other]


def test_without_valid_whole_groups_of_train_are_held_out(tmp_path):
    names = [f"{n}.mid" for n in range(40)]
    music(tmp_path, *names)
    rows = [f"{name},work{n // 4},{'test' if n > 35 else 'train'}" for n, name in enumerate(names)]
    (tmp_path / "splits.csv").write_text("\n".join(["file,group,split", *rows]))
    placed, rules = splits(tmp_path)
    held = sorted(int(p.split(".")[0]) // 4 for p, s in placed.items() if s == "valid")
    assert len(held) == 4
    assert len(set(held)) == 1, "four movements of one work"
    assert rules[-1]["rule"] == "seed, from train"


def test_nothing_to_train_on_is_refused(tmp_path):
    music(tmp_path, "a.mid")
    (tmp_path / "t.csv").write_text("split,midi_filename\ntest,a.mid\n")
    with pytest.raises(DataError, match=r"t\.csv leaves no piece to train on"):
        splits(tmp_path)
