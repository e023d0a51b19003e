"""What counts as music in a folder, and when a folder counts as unchanged."""

import os

import pytest

from segue.data.scan import scan
from segue.errors import DataError


def touch(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_music_and_tables_are_found_at_any_depth_in_order(tmp_path):
    for name in ("b.MID", "a/z.mid", "a/notes.csv", "a/readme.txt", "tune.tx1.txt", ".x/h.mid"):
        touch(tmp_path / name)
    touch(tmp_path / "._b.mid")
    source = scan(tmp_path)
    assert [file.path for file in source.music] == ["a/z.mid", "b.MID", "tune.tx1.txt"]
    assert [file.path for file in source.tables] == ["a/notes.csv"]
    assert source.suffixes() == {".mid": 2, ".tx1.txt": 1}


def test_one_file_is_a_source(tmp_path):
    source = scan(touch(tmp_path / "one.mid"))
    assert (source.root, [file.path for file in source.music]) == (tmp_path, ["one.mid"])


def test_the_corpus_in_the_folder_is_left_out(tmp_path):
    touch(tmp_path / "a.mid")
    touch(tmp_path / "corpus" / "b.mid")
    assert len(scan(tmp_path).music) == 2
    assert len(scan(tmp_path, leave_out=tmp_path / "corpus").music) == 1


def test_linked_folders_are_followed_once_and_dangling_links_passed_over(tmp_path):
    touch(tmp_path / "far" / "a.mid")
    near = tmp_path / "near"
    near.mkdir()
    (near / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(near)
    (near / "gone.mid").symlink_to(tmp_path / "nowhere.mid")
    assert [file.path for file in scan(near).music] == ["link/a.mid"]


def test_the_fingerprint_tells_names_sizes_and_times(tmp_path):
    file = touch(tmp_path / "a.mid")
    first = scan(tmp_path).fingerprint()
    assert scan(tmp_path).fingerprint() == first
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    second = scan(tmp_path).fingerprint()
    file.rename(tmp_path / "b.mid")
    assert len({first, second, scan(tmp_path).fingerprint()}) == 3


def test_nothing_to_read_says_what_could_be(tmp_path):
    with pytest.raises(DataError, match=r"does not exist: give a folder"):
        scan(tmp_path / "none")
    touch(tmp_path / "notes.csv")
    with pytest.raises(DataError, match=r"no file that Segue reads.*\.mid"):
        scan(tmp_path)
