"""The bundle in the package itself: there, small, checked, and playing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from music import chorale
from segue import bundles, formats
from segue.bundles import own
from segue.judging import profile

if bundles.DEFAULT not in bundles.shipped():
    pytest.skip("this tree has no bundle of its own yet", allow_module_level=True)

MOST_BYTES = 40 * 10**6


def test_it_is_whole_small_and_ours() -> None:
    bundle = bundles.load()
    assert (bundle.name, bundle.precision) == (bundles.DEFAULT, "int8")
    assert bundle.index["corpus"]["licence"] == "CC BY-SA 4.0"
    shipped = [*bundle.graphs, "model.safetensors"]
    assert sum((bundle.path / name).stat().st_size for name in shipped) <= MOST_BYTES
    losses = bundle.index["beside_fp32"]
    assert losses["int8"] <= 1.01 * losses["fp32"]


def test_it_can_tell_drift() -> None:
    assert profile.load(bundles.load()).hashes


def test_it_says_whose_music_it_knows() -> None:
    folder = own.default()
    with (folder / "SOURCES.csv").open(newline="", encoding="utf-8") as file:
        pieces = list(csv.DictReader(file))
    assert len(pieces) == bundles.load().index["corpus"]["pieces"]
    for piece in pieces:
        assert piece["licence"]
        assert piece["attribution"] or "BY" not in piece["licence"]
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "CC BY-SA 4.0" in card
    assert "Bernd Krueger" in card


def test_it_plays(segue: Any, tmp_path: Path) -> None:
    formats.write(chorale(8), tmp_path / "piece.mid")
    rest = ["--bars", 2, "--seed", 1, "--formats", "mid", "--json", "-o", tmp_path / "out"]
    for words in (["generate"], ["continue", tmp_path / "piece.mid"]):
        ran = segue(*words, *rest)
        assert ran.code == 0, ran.err
        (take,) = ran.json["takes"]
        assert take["engine"] == "int8"
        assert take["checks"]["new_notes"] > 0
