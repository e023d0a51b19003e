"""The rules a folder may bring, their order, and the seeded split for the rest."""

import numpy as np
import pytest

from segue.data.kinship import Pairs
from segue.data.rules import Place, Rule, find_rules
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


# -- families ----------------------------------------------------------------------------------


def pairs(*both, similarity=0.5):
    first, second = np.array(both, np.int64).reshape(-1, 2).T
    return Pairs(first, second, np.full(len(first), similarity))


def ruled(**places):
    return (Rule("table", "t.csv", {name: Place(split) for name, split in places.items()}),)


def where(split):
    return [place.split if place else None for place in split.places]


def test_a_family_is_seeded_as_a_whole_whatever_the_seed():
    names = named([f"{n:064x}" for n in range(60)])
    kin = pairs((0, 1), (1, 2), (10, 50), (20, 21))
    held_out = set()
    for seed in range(40):
        placed = where(split_pieces(names, (), seed, kin=kin))
        assert len(set(placed[:3])) == 1
        assert placed[10] == placed[50]
        assert placed[20] == placed[21]
        assert placed.count("valid") == placed.count("test") == 3
        held_out |= {n for n, split in enumerate(placed) if split != "train"}
    assert {0, 10, 20} <= held_out, "families are held out too, where they fit"


def test_families_hold_their_place_when_names_change():
    hashes = [f"{n:064x}" for n in range(60)]
    one = where(split_pieces(named(hashes), (), 3, kin=pairs((0, 1), (2, 59))))
    two = where(split_pieces(named(hashes[::-1], "b"), (), 3, kin=pairs((58, 59), (0, 57))))
    assert one == two[::-1]


def test_the_rules_decide_for_a_family_and_the_rest_follows_or_goes():
    names = named([f"h{n}" for n in range(8)])
    rules = ruled(p0="train", p1="test", p3="valid", p4="train", p6="train", p7="valid")
    split = split_pieces(names, rules, 0, kin=pairs((0, 1), (1, 2), (3, 4), (5, 6)))
    assert where(split) == [None, "test", "test", "valid", None, "train", "train", "valid"]
    assert split.reasons[0] == "kin of p1, which is held out (test)"
    assert split.reasons[4] == "kin of p3, which is held out (valid)"
    assert split.families.tolist() == [0, 0, 0, 3, 3, 5, 5, 7]
    assert split.rules[0] == {"rule": "table", "source": "t.csv", "pieces": 4}


def test_of_exact_copies_the_one_held_out_stays():
    names = named(["a", "b", "a", "b", "c", "c", "d"])
    rules = ruled(p0="train", p2="test", p3="train", p6="valid")
    split = split_pieces(names, rules, 0)
    assert split.reasons[0] == "the same music as p2"
    assert split.reasons[1] == "the same music as p3", "rather the one that a rule names"
    assert split.reasons[5] == "the same music as p4", "rather the first"
    assert where(split)[2] == "test"


def test_near_duplicates_are_removed_only_when_asked():
    names = named([f"h{n}" for n in range(6)])
    kin = Pairs(np.array([0, 1, 3]), np.array([1, 2, 4]), np.array([0.95, 0.5, 0.91]))
    assert None not in where(split_pieces(names, (), 0, kin=kin))
    split = split_pieces(names, (), 0, kin=kin, remove=True)
    assert [n for n, place in enumerate(split.places) if place is None] == [1, 4]
    assert split.reasons[1] == "nearly the same notes as p0"


def test_one_family_alone_still_holds_something_out():
    names = named([f"h{n}" for n in range(5)])
    split = split_pieces(names, (), 0, kin=pairs((0, 1), (1, 2), (2, 3), (3, 4)))
    assert sorted(where(split)) == ["train"] * 4 + ["valid"]
    assert split.rules[-1]["rule"] == "seed, from train, among kin"


def test_a_family_is_not_torn_when_valid_is_taken_from_train():
    names = named([f"h{n}" for n in range(40)])
    rules = ruled(**{f"p{n}": "test" if n == 39 else "train" for n in range(40)})
    kin = pairs(*((n, n + 1) for n in range(0, 38, 2)))
    for seed in range(10):
        placed = where(split_pieces(names, rules, seed, kin=kin))
        assert "valid" in placed
        assert all(placed[n] == placed[n + 1] for n in range(0, 38, 2))
