"""A watched folder, look by look, with a `make` that only writes down what it was asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from segue.errors import DataError, FormatError
from segue.generation.watched import MEMORY, Done, Watched


class Maker:
    """Notes each file it is given; stops at those named in `faults`."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        self.faults: dict[str, BaseException] = {}

    def __call__(self, path: Path, seed: int) -> list[dict[str, Any]]:
        self.made.append((path.name, seed))
        if path.name in self.faults:
            raise self.faults[path.name]
        return [{"seed": seed, "files": [f"{path.stem}-{seed}.mid"]}]


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    music = tmp_path / "in"
    music.mkdir()
    return music


def watched(folder: Path, maker: Maker, **asked: Any) -> Watched:
    return Watched(folder, folder.with_name("out"), maker, **{"seed": 10, "takes": 2, **asked})


def looks(watch: Watched, count: int = 2) -> list[Done]:
    return [done for _ in range(count) for done in watch.look()]


def test_a_file_is_done_once_it_is_as_it_was_at_the_look_before(folder: Path, maker: Maker) -> None:
    watch = watched(folder, maker)
    file = folder / "a.mid"
    file.write_bytes(b"")
    assert not looks(watch, 3), "an empty file is one that is about to be written"
    for size in (1, 2, 3):
        file.write_bytes(b"x" * size)
        assert not looks(watch, 1)
        assert watch.waiting == ["a.mid"]
    assert [done.file for done in looks(watch, 3)] == ["a.mid"]
    assert not watch.waiting


def test_a_restart_does_nothing_twice(folder: Path, maker: Maker) -> None:
    for name in ("a.mid", "b.abc"):
        (folder / name).write_bytes(name.encode())
    looks(watched(folder, maker))
    assert maker.made == [("a.mid", 10), ("b.abc", 12)]
    assert not looks(watched(folder, maker))
    os.utime(folder / "a.mid", ns=(1, 1))  # exported again, the same notes
    assert not looks(watched(folder, maker))
    (folder / "a.mid").write_bytes(b"another export")
    assert [done.seed for done in looks(watched(folder, maker))] == [14]


def test_another_way_or_bundle_is_another_thing_to_do(folder: Path, maker: Maker) -> None:
    (folder / "a.mid").write_bytes(b"a")
    looks(watched(folder, maker, what="continue"))
    assert len(looks(watched(folder, maker, what="accompany"))) == 1
    assert not looks(watched(folder, maker, what="continue"))


def test_takes_that_were_cut_short_are_begun_again_from_their_seed(
    folder: Path, maker: Maker
) -> None:
    (folder / "a.mid").write_bytes(b"a")
    maker.faults["a.mid"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        looks(watched(folder, maker))
    maker.faults.clear()
    assert [done.seed for done in looks(watched(folder, maker, seed=77))] == [10]


def test_a_fault_is_told_once_and_the_watching_goes_on(folder: Path, maker: Maker) -> None:
    for name in ("a.mid", "b.mid", "c.mid"):
        (folder / name).write_bytes(name.encode())
    maker.faults = {
        "a.mid": FormatError("a.mid is no music."),
        "b.mid": PermissionError(13, "Permission denied", "b.mid"),
    }
    watch = watched(folder, maker)
    first, second, third = looks(watch, 4)
    assert first.error == "a.mid is no music."
    assert second.error is not None
    assert "Permission denied" in second.error
    assert third.error is None
    maker.faults.clear()
    (folder / "a.mid").write_bytes(b"whole by now")
    assert [done.error for done in looks(watch)] == [None]
    assert [done.file for done in looks(watched(folder, maker))] == ["b.mid"]


def test_what_is_no_music_is_left_alone(folder: Path, maker: Maker) -> None:
    for name in ("a.wav", ".a.mid", "a.als", "notes.txt"):
        (folder / name).write_bytes(b"x")
    (folder / "b.mid").mkdir()
    assert not looks(watched(folder, maker))
    assert not maker.made


def test_a_folder_that_goes_is_waited_for(folder: Path, maker: Maker) -> None:
    watch = watched(folder, maker)
    folder.rmdir()
    (told,) = looks(watch, 3)
    assert told.error is not None
    assert "has gone" in told.error
    folder.mkdir()
    (folder / "a.mid").write_bytes(b"a")
    assert [done.file for done in looks(watch)] == ["a.mid"]


def test_what_cannot_be_watched_is_refused(folder: Path, maker: Maker) -> None:
    with pytest.raises(DataError, match="is no folder"):
        watched(folder / "none", maker)
    with pytest.raises(DataError, match="choose another folder"):
        Watched(folder, folder, maker)
    out = folder.with_name("out")
    out.mkdir()
    (out / MEMORY).write_text("{")
    with pytest.raises(DataError, match="move it away"):
        watched(folder, maker)
