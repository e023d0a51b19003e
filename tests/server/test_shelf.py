"""Bundles by name, and what can be done with each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from segue import bundles
from segue.errors import SegueError
from segue.generation.fill import _FILLERS
from segue.server import shelf
from segue.server.shelf import FILLED, Shelf, require_way
from served import MODEL


def test_bundles_are_found_in_folders_of_runs(shelf_path: Path) -> None:
    for folders in ([shelf_path.parent], [shelf_path], [shelf_path / "bundle"]):
        assert Shelf(folders).names() == [MODEL]
    assert Shelf([shelf_path / "samples", Path("/nowhere")]).names() == []


def test_two_of_one_name_are_told_apart(shelf_path: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / MODEL).mkdir()
        (tmp_path / folder / MODEL / "bundle").symlink_to((shelf_path / "bundle").resolve())
    assert Shelf([tmp_path / "a" / MODEL, tmp_path / "b" / MODEL]).names() == [MODEL, f"{MODEL}-2"]


def test_a_bundle_says_what_it_can(shelf_path: Path) -> None:
    shelf = Shelf([shelf_path])
    (told,) = shelf.described()
    assert told["default"]
    assert told["ways"] == ["generate", "continue", "loop", "infill", "accompany"]
    assert [t["name"] for t in told["tracks"]] == ["Soprano", "Alto", "Tenor", "Bass"]
    with pytest.raises(SegueError, match="it can generate, continue"):
        require_way(shelf.get(MODEL), MODEL, "vary")
    assert shelf.get(MODEL) is shelf.get(MODEL)


def test_every_encoding_that_can_be_filled_is_offered() -> None:
    assert set(FILLED) == {"compound", *_FILLERS}


def test_what_comes_with_segue_is_chosen_unless_folders_are_named(
    shelf_path: Path, shipped: Path
) -> None:
    for folders, chosen in [([shipped, shelf_path], "segue-piano"), ([shelf_path, shipped], MODEL)]:
        told = Shelf(folders).described()
        assert {each["name"] for each in told} == {"segue-piano", MODEL}
        assert [each["name"] for each in told if each["default"]] == [chosen]
    assert Shelf([shipped]).described()[0]["licence"] == "CC0 1.0"


def test_a_bundle_that_took_another_ones_place_is_told_of(
    shelf_path: Path, shipped: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    shutil.copytree(shelf_path / "bundle", place)
    shelf = Shelf([tmp_path])
    first = shelf.get("mine")
    assert shelf.get("mine") is first
    shutil.rmtree(place)
    with pytest.raises(SegueError, match="no longer there"):
        shelf.get("mine")
    assert shelf.described() == []
    shutil.copytree(shipped, place)
    assert shelf.get("mine").hash == bundles.load(shipped).hash != first.hash
    assert [each["name"] for each in shelf.described()] == ["mine"]


def test_folders_that_hold_nothing_are_known(shelf_path: Path, tmp_path: Path) -> None:
    assert Shelf([shelf_path, tmp_path]).empty == (tmp_path,)


@pytest.mark.parametrize(("most", "opened"), [(None, 3), (2, 5)])
def test_so_many_stay_open_as_may(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int | None, opened: int
) -> None:
    loaded: list[Path] = []
    load = shelf.shared
    monkeypatch.setattr(
        shelf, "shared", lambda path, batch: loaded.append(path) or load(path, batch)
    )
    places = [tmp_path / name for name in "abc"]
    for place in places:
        shutil.copytree(bundles.load(run_path).path, place)
    held = shelf.Opened(4, most)
    for place in (*places, *places[1:], *places[:2]):
        held.get(place)
    assert len(loaded) == opened
