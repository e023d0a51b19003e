"""Bundles: whole, checked against their hashes, and refused in one sentence where damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from segue import bundles
from segue.bundles.bundle import HASHED
from segue.errors import BundleError


@pytest.fixture
def copy(run_path: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_path / "bundle", tmp_path / "bundle"))


def test_a_run_and_its_bundle_are_the_same_bundle(run_path: Path) -> None:
    assert bundles.load(run_path).hash == bundles.load(run_path / "bundle").hash


def test_nothing_in_a_bundle_is_a_pickle(run_path: Path) -> None:
    suffixes = {p.suffix for p in (run_path / "bundle").iterdir()}
    assert suffixes == {".safetensors", ".onnx", ".npz", ".toml", ".json", ".md"}
    assert not bundles.load(run_path).openings[0].dtype.hasobject


def test_the_card_tells_the_held_out_loss(run_path: Path) -> None:
    card = (run_path / "bundle" / "CARD.md").read_text()
    model = bundles.load(run_path).index["held_out"]["nats"]["model"]
    assert f"| model | {model:.4f} |" in card


@pytest.mark.parametrize("name", HASHED)
def test_a_changed_file_is_refused(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(BundleError, match="is not the file the bundle was made with"):
        bundles.load(copy)


@pytest.mark.parametrize("name", HASHED)
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        bundles.load(copy)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read"),
        ("[]", "holds a list, not an object"),
        ("{}", "has bundle format None; this Segue reads 1"),
        ('{"format_version": 99}', "has bundle format 99"),
        ('{"format_version": 1}', "lacks its hashes or sizes"),
        ('{"format_version": 1, "sizes": [], "sha256": {}}', "says nothing of model.safetensors"),
    ],
)
def test_a_damaged_index_is_one_sentence(copy: Path, content: str, sentence: str) -> None:
    (copy / "bundle.json").write_text(content)
    with pytest.raises(BundleError, match=sentence):
        bundles.load(copy)


def test_a_graph_that_cannot_be_played_is_one_sentence(copy: Path) -> None:
    from segue.bundles.bundle import sha256_of
    from segue.generation import make_engine

    (copy / "model.onnx").write_bytes(b"not a graph")
    index = json.loads((copy / "bundle.json").read_text())
    index["sha256"]["model.onnx"] = sha256_of(copy / "model.onnx")
    (copy / "bundle.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match="cannot be played"):
        make_engine(bundles.load(copy))


def test_what_is_no_bundle_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no bundle"):
        bundles.load(tmp_path)
    with pytest.raises(BundleError, match="does not exist"):
        bundles.load(tmp_path / "nowhere")
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(BundleError, match="segue train --resume"):
        bundles.load(tmp_path)


def test_describe_tells_what_is_in_it(run_path: Path) -> None:
    told = bundles.describe(run_path)
    assert told["recipe"] == "chorale-lstm"
    assert told["encoding"]["columns"]["pitch"] == 128
    assert told["parameters"] > 1000
