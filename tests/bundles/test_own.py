"""What comes with Segue: found by name, played where nothing is named, left as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from segue import bundles
from segue.bundles import own
from segue.errors import BundleError


def test_nothing_named_is_the_default(shipped: Path) -> None:
    assert bundles.load().path == bundles.load("segue-piano").path == shipped
    assert bundles.load(Path("segue-piano")).name == bundles.DEFAULT == "segue-piano"
    assert list(bundles.shipped()) == ["segue-piano"]
    assert bundles.describe("segue-piano")["precision"] == "int8"


def test_a_folder_of_that_name_comes_first(
    shipped: Path, run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run_path / "bundle", tmp_path / "segue-piano")
    assert bundles.load("segue-piano").name == "chorale-lstm"
    assert bundles.load().path == shipped


def test_the_default_is_the_first_of_several(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a-flute", "segue-piano", "z-band"):
        shutil.copytree(shipped, tmp_path / name)
    monkeypatch.setattr(own, "folder", lambda: tmp_path)
    assert list(bundles.shipped()) == ["segue-piano", "a-flute", "z-band"]
    assert bundles.locate("z-band") == tmp_path / "z-band"
    with pytest.raises(BundleError, match="or segue-piano, or a-flute, or z-band"):
        bundles.locate("viola")


@pytest.mark.parametrize("name", [None, "segue-piano"])
def test_a_package_without_says_so(nothing_shipped: None, name: str | None) -> None:
    with pytest.raises(BundleError, match=r"came without segue-piano.*name one"):
        bundles.load(name)
    assert bundles.shipped() == {}


def test_what_comes_with_segue_is_known(shipped: Path, run_path: Path) -> None:
    assert bundles.comes_with_segue(shipped)
    assert not bundles.comes_with_segue(run_path / "bundle")


def test_a_file_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "take.mid").write_bytes(b"MThd")
    with pytest.raises(BundleError, match=r"take\.mid is a file, not a bundle"):
        bundles.load(tmp_path / "take.mid")


def test_the_numbers_of_a_later_segue_are_refused(shipped: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shipped, tmp_path / "copy"))
    index = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps({**index, "precision": "int2"}))
    with pytest.raises(BundleError, match="graphs in 'int2'; this Segue plays fp32 and int8"):
        bundles.load(copy)


def test_a_changed_list_of_sources_is_refused(run_path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run_path / "bundle", tmp_path / "copy"))
    index = json.loads((copy / "bundle.json").read_text())
    (copy / "SOURCES.csv").write_text("mine\n")
    index["beside"]["SOURCES.csv"] = "0" * 64
    (copy / "bundle.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match=r"SOURCES\.csv is not the file"):
        bundles.load(copy)
