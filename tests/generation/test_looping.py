"""Loops: exactly their bars, the best seam of those tried, and made again from the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue import bundles, formats
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation.looping import loop, take_seam
from segue.generation.replay import replay
from segue.generation.scoring import likelihood
from segue.generation.ways import generate
from segue.score import Score


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def test_a_loop_fills_its_bars_and_no_more(bundle: Bundle) -> None:
    for take in loop(bundle, takes=2, bars=2, seed=3, candidates=2):
        end = take.score.metre_map.ticks(2)
        notes = take.score.notes
        assert len(notes)
        assert (notes["onset"] + notes["duration"]).max() <= end


def test_the_best_seam_is_chosen(bundle: Bundle) -> None:
    tried = generate(bundle, takes=4, bars=2, seed=3)
    seams = [take_seam(bundle, take, 2, "auto") for take in tried]
    assert len(set(seams)) > 1
    chosen = loop(bundle, bars=2, seed=3, candidates=4)[0]
    assert chosen.receipt["seed"] == 3 + int(np.argmin(seams))
    assert chosen.receipt["checks"]["seam_nats"] == pytest.approx(min(seams), abs=1e-3)


def test_a_loop_is_replayed(bundle: Bundle, tmp_path: Path) -> None:
    take = loop(bundle, bars=2, seed=3, candidates=2)[0]
    path = take.save(tmp_path / "loop", (".mid",))[0]
    again = replay(bundle, formats.read(path))
    assert again.take.save(tmp_path / "again", (".mid",))[0].read_bytes() == path.read_bytes()


def test_likelihood_is_that_of_torch(bundle: Bundle) -> None:
    music = generate(bundle, bars=3, seed=1)[0].score
    by_onnx = likelihood(bundle, music)
    by_torch = likelihood(bundle, music, engine="torch")
    np.testing.assert_allclose(by_onnx.nats, by_torch.nats, atol=1e-3)
    assert by_onnx.notes == len(music)


def test_music_without_rows_has_no_likelihood(bundle: Bundle) -> None:
    context = {**bundle.index, "context": 50}
    short = generate(bundle, bars=1, seed=1)[0].score
    with pytest.raises(SegueError, match="needs 51"):
        likelihood(Bundle(bundle.path, context), short)
    assert isinstance(short, Score)
