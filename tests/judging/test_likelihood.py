"""How likely a bundle finds music: the run's own loss, units, intervals, charges and refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue as package
from music import BEAT, chorale, folder_of_chorales
from segue import bundles, encodings
from segue.bundles import Bundle
from segue.data import Corpus
from segue.errors import DataError, SegueError
from segue.evaluation.baselines import baselines
from segue.generation.torch_scoring import SegmentScorer
from segue.judging.charging import charged
from segue.judging.floor import keep, tallies_of, tally
from segue.judging.likelihood import Evaluation, evaluate
from segue.judging.material import Material, corpus_of_run, encoded, material
from segue.score import NOTE, Score, Track, events


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


@pytest.fixture(scope="module")
def held_out(bundle: Bundle, run_path: Path) -> Evaluation:
    return evaluate(bundle, corpus_of_run(run_path))


def test_a_window_gives_the_runs_own_loss(bundle: Bundle, run_path: Path) -> None:
    logged = [json.loads(line) for line in (run_path / "metrics.jsonl").read_text().splitlines()]
    last = [line["held_out/nats"] for line in logged if "held_out/nats" in line][-1]
    found = evaluate(bundle, corpus_of_run(run_path), context="window", charge=False)
    assert found.rows == bundle.index["held_out"]["rows"]
    assert found.nats("row") == pytest.approx(bundle.index["held_out"]["nats"]["model"], rel=1e-5)
    # Training may look at held-out music in bfloat16.
    assert found.nats("row") == pytest.approx(last, rel=2e-3)
    for name, value in bundle.index["held_out"]["columns"].items():
        assert found.nats("row", name) == pytest.approx(value, rel=1e-4, abs=1e-6)


def test_the_baselines_are_the_runs_own(bundle: Bundle, held_out: Evaluation) -> None:
    for name in ("uniform", "unigram", "bigram"):
        assert held_out.nats("row", name) == pytest.approx(bundle.index["held_out"]["nats"][name])
    assert held_out.baselines == ("uniform", "unigram", "bigram", "copy-last", "all-zero")


def test_heads_and_units_add_up(held_out: Evaluation) -> None:
    total = sum(piece.total for piece in held_out.pieces)
    heads = sum(held_out.nats("row", head) for head in held_out.heads)
    assert heads == pytest.approx(held_out.nats("row"))
    assert held_out.nats("row") * held_out.rows == pytest.approx(total)
    assert held_out.nats("note") * held_out.notes == pytest.approx(total)
    assert held_out.nats("second") * held_out.seconds == pytest.approx(total)
    for piece in held_out.pieces:
        assert piece.row_nats is not None
        assert piece.row_nats.sum() == pytest.approx(piece.total)


def test_a_piece_costs_the_same_alone(bundle: Bundle, held_out: Evaluation) -> None:
    given = material(bundle, corpus_of_run(bundle.path.parent))
    alone = evaluate(bundle, [given.pieces[0].score or Score(BEAT)])
    assert alone.pieces[0].total == pytest.approx(held_out.pieces[0].total, rel=1e-5)
    assert alone.pieces[0].charge == pytest.approx(held_out.pieces[0].charge)


def test_a_folder_is_read_as_the_corpus_was(
    bundle: Bundle, held_out: Evaluation, chorales: Path, tmp_path: Path
) -> None:
    for piece in held_out.pieces:
        shutil.copy(chorales / piece.name, tmp_path / piece.name)
    (tmp_path / "broken.mid").write_bytes(b"no music at all")
    found = evaluate(bundle, tmp_path)
    assert found.nats("note") == pytest.approx(held_out.nats("note"), rel=1e-5)
    assert list(found.left_out) == ["broken.mid"]


def test_onnx_and_torch_agree(bundle: Bundle, held_out: Evaluation, run_path: Path) -> None:
    found = evaluate(bundle, corpus_of_run(run_path), engine="onnx", charge=False)
    assert (found.engine, held_out.engine) == ("onnx", "torch")
    assert found.nats("row") == pytest.approx(held_out.nats("row"), rel=1e-4)


def test_intervals_hold_the_mean_and_narrow_with_pieces(bundle: Bundle) -> None:
    few = evaluate(bundle, [chorale(seed) for seed in range(100, 104)], charge=False)
    many = evaluate(bundle, [chorale(seed) for seed in range(100, 124)], charge=False)
    for each in (few, many):
        low, high = each.between("note")
        assert low < each.nats("note") < high
    assert np.ptp(many.between("note")) < np.ptp(few.between("note"))


def test_an_encoding_is_charged_for_what_it_loses(bundle: Bundle) -> None:
    """Of the same music: one loses the velocities, the other a part of them."""
    score = chorale(50)
    notes = score.notes.copy()
    notes["velocity"] = np.random.default_rng(0).integers(30, 110, len(notes))
    played = score.with_(notes=notes)
    coarse = encodings.get("piano_roll", unit="beats", cells="both", frames_per_beat=4)
    rows = coarse.encode(played).rows.astype(np.int64)
    without = charged(coarse, Material("roll", rows, len(played), 1.0, played))
    within = charged(bundle.encoding, encoded(bundle, "piece", played))
    assert within is not None and without is not None
    assert without > within + 1
    told = evaluate(bundle, [played])
    assert told.nats("note", plus_charge=True) == pytest.approx(told.nats("note") + within)


def test_without_the_files_there_is_no_charge(
    bundle: Bundle, run_path: Path, corpus_path: Path
) -> None:
    corpus = Corpus.open(corpus_path)
    corpus.facts["source"] = "/nowhere"
    found = evaluate(bundle, corpus)
    assert np.isnan(found.nats("note", plus_charge=True))
    assert found.nats("note") > 0


def test_kept_tallies_need_no_corpus(bundle: Bundle, run_path: Path, tmp_path: Path) -> None:
    corpus = corpus_of_run(run_path)
    copy = bundles.load(shutil.copytree(bundle.path, tmp_path / "bundle"))
    (copy.path / "tallies.npz").unlink(missing_ok=True)
    assert tallies_of(copy) is None
    keep(copy, tally(corpus))
    again = tallies_of(copy)
    assert again is not None
    rows = {s: [corpus.rows(p) for p in corpus.pieces(s)] for s in ("train", "valid")}
    floor = baselines(rows["train"], rows["valid"], corpus.encoding.layout.sizes)
    told = np.concatenate([again.nats(piece)["bigram"].sum(axis=1) for piece in rows["valid"]])
    assert told.mean() == pytest.approx(floor.bigram.nats)
    assert bundles.load(copy.path).hash == bundle.hash
    (copy.path / "tallies.npz").write_bytes(b"not an archive")
    assert tallies_of(copy) is None


def test_what_cannot_be_scored_says_why(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        evaluate(bundle, tmp_path / "nothing")
    (tmp_path / "a.mid").write_bytes(b"no music")
    with pytest.raises(DataError, match="of 1 pieces this bundle can read none"):
        evaluate(bundle, tmp_path)
    with pytest.raises(DataError, match="--data"):
        corpus_of_run(tmp_path)


def test_json_has_no_hole(held_out: Evaluation) -> None:
    told = json.loads(json.dumps(held_out.as_dict()))
    assert told["nats"]["model"]["row"]["nats"] == held_out.nats("row")
    assert told["bits_a_note"] == pytest.approx(held_out.nats("note") / np.log(2))
    assert set(told["calibration"]) == set(held_out.heads)


# -- other families ------------------------------------------------------------------------------


def trained(tmp_path: Path, name: str, *settings: str) -> Bundle:
    from segue import recipes
    from segue.data import prepare
    from segue.training.run import train

    recipe = recipes.load(name, ["train.sample_rows=0", "train.batch=4", *settings])
    folder = folder_of_chorales(tmp_path / "music", 4)
    corpus = prepare(folder, tmp_path / "corpus", recipes.build_encoding(recipe), workers=0)
    made = train(corpus, recipe, tmp_path / "run", seed=0).bundle
    assert made is not None
    return made


def test_a_vae_has_a_bound_and_a_gan_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = trained(
        tmp_path, "aaa-vae-32", "model.latent=8", "train.max_steps=1", "train.validate_every=1"
    )
    found = evaluate(bundle, [chorale(1), chorale(2)])
    assert found.kind == "bound"
    assert found.pieces[0].row_nats is None
    alone = evaluate(bundle, [chorale(2)])
    assert alone.pieces[0].total == pytest.approx(found.pieces[1].total)
    monkeypatch.setattr(SegmentScorer, "likelihood", False)
    with pytest.raises(SegueError, match="has no likelihood"):
        evaluate(bundle, [chorale(1)])


# -- the verb ------------------------------------------------------------------------------------


def test_the_verb_tells_it_all(
    segue: Callable[..., Any], run_path: Path, held_out: Evaluation, tmp_path: Path
) -> None:
    picture = tmp_path / "told.svg"
    ran = segue("evaluate", run_path, "--picture", picture, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["nats"]["model"]["note"]["nats"] == pytest.approx(held_out.nats("note"))
    assert "<svg" in picture.read_text()[:400]
    shown = segue("evaluate", run_path)
    assert shown.code == 0
    for word in ("copy-last", "bits a note", "calibration error", "To compare"):
        assert word in shown.out


def test_the_verb_takes_a_file_and_refuses_nonsense(
    segue: Callable[..., Any], run_path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.mid"
    package.write(chorale(77), file)
    assert segue("evaluate", run_path, "--data", file, "--no-charge", "--json").json["rows"] > 0
    ran = segue("evaluate", run_path, "--context", "bar")
    assert ran.code == 1 and "piece" in ran.err
    empty = Score(BEAT, events(NOTE), (Track(),))
    package.write(empty, tmp_path / "empty.mid")
    ran = segue("evaluate", run_path, "--data", tmp_path / "empty.mid")
    assert ran.code == 4 and "Error: " in ran.err
