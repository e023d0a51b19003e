"""Takes judged for memorisation: from the command line, from a bundle, and refused by `--novel`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue as package
from music import chorale
from segue import bundles
from segue.bundles.bundle import MEMORISATION
from segue.errors import BundleError, DataError, SegueError
from segue.files import write_json
from segue.generation import Take, generate
from segue.generation.novel import novel
from segue.judging import memorisation
from segue.score import Score, edit

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten chorales of twelve bars."""
    folder = tmp_path_factory.mktemp("music") / "longer"
    folder.mkdir()
    for seed in range(10):
        package.write(chorale(seed, 12), folder / f"{seed}.mid")
    return folder


def test_copies_are_told_by_piece_and_bar(longer: Path, tmp_path: Path, segue: Cli) -> None:
    mixed = edit.join(chorale(40, 8), edit.slice_bars(edit.transpose(chorale(3, 12), 3), 0, 12),
                      8 * 4 * 480)  # fmt: skip
    takes = tmp_path / "takes"
    takes.mkdir()
    package.write(mixed, takes / "a.mid")
    package.write(chorale(41, 8), takes / "b.mid")
    told = segue("memorisation", takes, "--data", longer, "--held-out", takes / "b.mid", "--json",
                 "-o", tmp_path / "rolls").json  # fmt: skip
    first, second = told["takes"]
    assert first["score"] == pytest.approx(12 / 20, abs=0.05)
    assert first["copied"]
    assert not second["copied"]
    (passage,) = first["passages"]
    assert (passage["piece"], passage["last_bar"]) == ("3.mid", 20)
    assert passage["first_bar"] in (8, 9)
    assert told["copied_share"] == 0.5
    assert told["held_out"] == {"pieces": 1, "mean": second["score"], "copied_share": 0.0}
    assert {p.name for p in (tmp_path / "rolls").iterdir()} == {"a.png", "b.png"}
    table = segue("memorisation", takes, "--data", longer)
    assert "3.mid, 0% into it" in table.out
    assert "50% over the limit of 0.10" in table.out
    assert "--held-out" in table.err


def test_held_out_pieces_score_near_the_baseline_of_the_corpus(run_path: Path) -> None:
    training = memorisation.training_at(run_path)
    assert training.held_out
    others = [(str(seed), chorale(seed)) for seed in range(100, 120)]
    judged = memorisation.judge(training, others)
    assert judged.mean == pytest.approx(float(np.mean(training.held_out)), abs=0.05)
    copies = memorisation.judge(training, [(str(s), chorale(s)) for s in range(12)])
    assert copies.mean > 0.5


def test_a_bundle_carries_the_steps_of_its_corpus(run_path: Path, corpus_path: Path) -> None:
    carried = memorisation.of_bundle(bundles.load(run_path))
    counted = memorisation.training_at(corpus_path)
    assert carried.names == counted.names
    assert np.array_equal(carried.moves, counted.moves)
    assert carried.held_out == counted.held_out


def test_a_run_without_them_is_asked_for_its_corpus(run_path: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(run_path, old)
    _forget(old / "bundle")
    assert memorisation.training_at(old).names == memorisation.training_at(run_path).names
    with pytest.raises(BundleError, match="give the corpus"):
        memorisation.training_at(old / "bundle")
    with pytest.raises(BundleError, match="train again"):
        novel(bundles.load(old), lambda count, seed: [], 1, 0)
    with pytest.raises(DataError):
        memorisation.training_at(tmp_path / "nothing")


def _forget(bundle: Path) -> None:
    index = json.loads((bundle / "bundle.json").read_text())
    del index["beside"]
    write_json(bundle / "bundle.json", index)
    (bundle / MEMORISATION).unlink()


def test_damaged_steps_are_found_at_once(run_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(run_path / "bundle", copy)
    (copy / MEMORISATION).write_bytes(b"PK")
    with pytest.raises(BundleError, match="not the file"):
        bundles.load(copy)
    with pytest.raises(BundleError, match="cannot be read"):
        _ = bundles.load(copy, verify=False).training_steps


def test_novel_takes_are_drawn_until_none_is_a_copy(longer: Path, run_path: Path) -> None:
    bundle = _learned_from(longer, run_path)
    drawn: list[int] = []

    def draw(count: int, seed: int) -> list[Take]:
        drawn.extend(range(seed, seed + count))
        return [_take(chorale(s if s % 2 else 200 + s, 12), s) for s in range(seed, seed + count)]

    found = novel(bundle, draw, 3, 1)  # seeds 1, 3, 5 and 7 are training pieces
    assert [t.receipt["seed"] for t in found.takes] == [2, 4, 6]
    assert found.refused == (1, 3, 5)
    assert drawn == [1, 2, 3, 4, 5, 6]
    proof = found.takes[-1].receipt["checks"]["memorisation"]
    assert proof["refused_seeds"] == [1, 3, 5]
    assert proof["score"] <= proof["limit"]
    assert proof["training_pieces"] == 10


def test_where_all_are_copies_that_is_said(longer: Path, run_path: Path) -> None:
    bundle = _learned_from(longer, run_path)

    def draw(count: int, seed: int) -> list[Take]:
        return [_take(chorale(s % 10, 12), s) for s in range(seed, seed + count)]

    with pytest.raises(SegueError, match="all 6 takes drawn are copies"):
        novel(bundle, draw, 2, 0, tries=3)


def test_a_prompt_that_is_training_music_does_not_make_a_copy(longer: Path, run_path: Path) -> None:
    bundle = _learned_from(longer, run_path)
    prompt = chorale(3, 12)
    whole = edit.join(prompt, chorale(300, 12), prompt.end_ticks)
    take = replace(_take(whole, 1), prompt_end=prompt.end_ticks)
    assert novel(bundle, lambda count, seed: [take], 1, 1).refused == ()


def test_generate_novel_says_so_in_its_receipt(run_path: Path, tmp_path: Path, segue: Cli) -> None:
    asked = ("generate", run_path, "-n", 2, "--bars", 2, "--seed", 3, "--formats", "mid")
    told = segue(*asked, "--novel", "-o", tmp_path, "--json").json["takes"]
    for take in told:
        assert take["checks"]["memorisation"]["score"] <= 0.1
    assert segue("replay", told[0]["files"][0]).code == 0


def test_programs_can_ask_for_novel_takes(run_path: Path) -> None:
    (take,) = package.load(run_path).generate(1, bars=2, seed=3, novel=True)
    assert take.receipt["checks"]["memorisation"]["refused_seeds"] == []


def _learned_from(folder: Path, run: Path) -> bundles.Bundle:
    """The tiny bundle, as if it had learned from that folder."""
    bundle = bundles.load(run)
    # What a cached property finds in its place.
    vars(bundle)["training_steps"] = memorisation.training_at(folder)
    return bundle


def _take(score: Score, seed: int) -> Take:
    return Take(score, {"seed": seed, "checks": {}})


def test_takes_of_a_bundle_are_judged_with_it(run_path: Path) -> None:
    takes = generate(bundles.load(run_path), takes=2, bars=2, seed=1)
    judged = memorisation.judge(
        memorisation.training_at(run_path), [(str(i), t.score) for i, t in enumerate(takes)]
    )
    assert [v.notes for v in judged.verdicts] == [len(t.score) for t in takes]
