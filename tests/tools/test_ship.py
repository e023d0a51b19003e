"""A run as it is shipped: small, the same each time, with a card that says whose music it knows."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tools.default import ship as shipping
from tools.default.card import Card, short
from tools.default.ship import learned_from, main, ship

from segue import bundles
from segue.data import Corpus
from segue.errors import DataError, SegueError
from segue.judging import profile

COLUMNS = ("path", "set", "licence", "attribution", "composer", "title", "work", "split", "style",
           "file")  # fmt: skip
BY = "Creative Commons Attribution 3.0"


@pytest.fixture(scope="module")
def sources(corpus_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of the pieces of the corpus, one of which asks for a name, and of one more."""
    corpus = Corpus.open(corpus_path)
    pieces = sorted(p.path for split in ("train", "valid", "test") for p in corpus.pieces(split))
    named = sorted(piece.path for piece in corpus.pieces("train"))[0]
    path = tmp_path_factory.mktemp("sources") / "SOURCES.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for piece in [*pieces, "train/refused.mid"]:
            whose = (BY, "Ada Ätzung, Mutopia-2009/06/29-1") if piece == named else ("CC0 1.0", "")
            rows.writerow((piece, "mutopia", *whose, "Bach", "Chorale", "w", "train", "b", piece))
    return path


@pytest.fixture(scope="module")
def made(run_path: Path, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ship") / "segue-piano"
    ship(
        run_path, out, name="segue-piano", sources=sources, record=out / "none.json", rows=256,
        changes=["generate.temperature=0.9"],
    )  # fmt: skip
    return out


def test_it_is_a_bundle_that_plays_small(made: Path, run_path: Path) -> None:
    bundle = bundles.load(made)
    assert (bundle.name, bundle.precision) == ("segue-piano", "int8")
    assert bundle.recipe.generate.temperature == 0.9
    assert bundle.recipe.model == bundles.load(run_path).recipe.model
    names = {path.name for path in made.iterdir()}
    assert {"SOURCES.csv", "memorisation.npz", "tallies.npz", "profile.npz"} <= names
    assert profile.load(bundle).hashes == profile.load(bundles.load(run_path)).hashes
    losses = bundle.index["beside_fp32"]
    assert losses["rows"] > 0
    for kind in ("bf16", "int8"):
        assert 0 < abs(losses[kind] / losses["fp32"] - 1) < 0.01
    assert str(run_path.parent) not in (made / "bundle.json").read_text()


def test_the_same_run_gives_the_same_bytes(
    segue: Any, made: Path, run_path: Path, sources: Path, tmp_path: Path
) -> None:
    words = [run_path, "--out", tmp_path / "again", "--sources", sources, "--rows", 256]
    words += ["--record", tmp_path / "none", "--set", "generate.temperature=0.9"]
    assert main([str(word) for word in words]) == 0
    for path in made.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_the_card_says_whose_music_it_is(made: Path, run_path: Path) -> None:
    card = (made / "CARD.md").read_text()
    assert "CC BY-SA 4.0, https://creativecommons.org/licenses/by-sa/4.0/" in card
    assert "| mutopia | CC BY 3.0 | 1 |" in card
    assert "ask for their names: Ada Ätzung." in card
    assert "refused.mid" not in (made / "SOURCES.csv").read_text()
    held_out = bundles.load(run_path).index["held_out"]["nats"]["model"]
    assert f"| model | {held_out:.4f} |" in card
    assert "| run 1 | 8 | " in card
    assert "Not yet: `make evaluate-default` does it." in card
    assert short("Creative Commons Attribution-ShareAlike 4.0 International") == "CC BY-SA 4.0"


def test_the_card_takes_what_the_judge_found(made: Path, tmp_path: Path) -> None:
    bundle = bundles.load(made)
    part = {"title": "takes with runs", "wanted": "no more", "reached": "7.0% of takes"}
    record = {
        "hash": bundle.hash,
        "music": {"test_pieces": 2},
        "parts": {"c": {**part, "met": False}},
    }
    sources = (made / "SOURCES.csv").read_text()
    told = Card(sources, record).text(bundle.recipe, bundle.encoding, bundle.index)
    assert "| c | takes with runs | no more | 7.0% of takes | **missed** |" in told
    assert "- takes with runs: 7.0% of takes, where no more was wanted." in told
    other = Card(sources, {**record, "hash": "0"})
    assert (
        other.text(bundle.recipe, bundle.encoding, bundle.index) == (made / "CARD.md").read_text()
    )
    copy = tmp_path / "record.json"
    copy.write_text(json.dumps(record))
    assert main(["--card", "--out", str(made), "--record", str(copy)]) == 0
    try:
        assert (made / "CARD.md").read_text() == told
    finally:
        main(["--card", "--out", str(made), "--record", str(tmp_path / "none")])
    assert "Not yet" in (made / "CARD.md").read_text()


def test_nothing_without_a_licence_is_shipped(
    corpus_path: Path, sources: Path, tmp_path: Path
) -> None:
    lines = sources.read_text().splitlines()
    (tmp_path / "short.csv").write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(DataError, match=r"says nothing of .*: whose is it"):
        learned_from(tmp_path / "short.csv", Corpus.open(corpus_path))


def test_what_is_too_large_or_too_poor_is_refused(
    made: Path, run_path: Path, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    how: dict[str, Any] = {
        "name": "x", "sources": sources, "record": tmp_path / "none", "rows": 256
    }  # fmt: skip
    monkeypatch.setattr(shipping, "MOST_BYTES", 1000)
    with pytest.raises(SegueError, match="1,000 are allowed"):
        ship(run_path, tmp_path / "out", **how)
    monkeypatch.setattr(shipping, "MOST_BYTES", 10**9)
    monkeypatch.setattr(shipping, "MOST_RISE", -0.5)
    with pytest.raises(SegueError, match="is lost"):
        ship(run_path, tmp_path / "out", **how)
    with pytest.raises(SegueError, match="no graphs in fp32"):
        ship(made, tmp_path / "out", **how)
    with pytest.raises(SegueError, match="only generate"):
        ship(run_path, tmp_path / "out", **how, changes=["train.lr=1"])
    assert not (tmp_path / "out").exists()
    assert main([str(tmp_path / "nowhere")]) == 1
    assert "does not exist" in capsys.readouterr().err
