"""Training batches: a function of seed and step, shared out, augmented as the recipe says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from music import TINY
from segue import recipes
from segue.data import Corpus, prepare
from segue.encodings import get
from segue.errors import RecipeError
from segue.recipes.schema import Recipe
from segue.training.stream import BatchStream, HeldOut, TensorBatch, windows_of


def recipe_with(*changes: str) -> Recipe:
    still = "data.transpose=[0,0]"
    return recipes.load("chorale-lstm", [*TINY, "train.batch=4", still, *changes])


def whole(batch: TensorBatch) -> np.ndarray:
    """The windows as they were gathered, with the row after the last input."""
    if batch.targets is batch.rows:
        return batch.rows.numpy()
    return torch.cat([batch.rows, batch.targets[:, -1:]], dim=1).numpy()


@pytest.fixture(scope="module")
def corpus(corpus_path: Path) -> Corpus:
    return Corpus.open(corpus_path)


@pytest.mark.parametrize("objective", ["every", "segment"])
def test_ranks_and_parts_share_what_one_process_takes(corpus: Corpus, objective: str) -> None:
    changes = [f"data.objective={objective}", "data.transpose=[-5,6]"]
    alone = BatchStream(corpus, recipe_with(*changes), seed=3)
    shared = [
        BatchStream(corpus, recipe_with(*changes, "train.accumulate=2"), 3, rank=rank, world=2)
        for rank in range(2)
    ]
    for step in (0, 7):
        one = alone.at(step)
        parts = [shared[part // 2].at(step, part) for part in range(4)]
        for name in ("rows", "targets", "mask"):
            assert torch.equal(torch.cat([getattr(p, name) for p in parts]), getattr(one, name))
        assert {p.total for p in parts} == {one.total} == {int(one.mask.sum())}


def test_segments_are_moved_as_a_whole_and_filled_up_with_nothing(corpus: Corpus) -> None:
    sizes = dict(zip(*np.unique(corpus.index["rows"], return_counts=True), strict=True))
    longer = f"data.window={max(sizes) + 5}"
    plain = BatchStream(corpus, recipe_with("data.objective=segment", longer), 1).at(2)
    changes = ["data.objective=segment", longer, "data.transpose=[2,2]"]
    moved = BatchStream(corpus, recipe_with(*changes), 1).at(2)
    assert moved.targets is moved.rows
    assert torch.equal(moved.mask, plain.mask)
    assert not moved.mask.all()
    assert (moved.rows[~moved.mask] == 0).all()
    known = moved.mask.numpy()
    wanted = corpus.encoding.transpose(plain.rows.numpy(), np.full(4, 2))  # type: ignore[attr-defined]
    changed = wanted[known] != plain.rows.numpy()[known]
    assert changed.any()
    assert np.array_equal(moved.rows.numpy()[known], wanted[known])


def test_segments_start_at_aligned_rows(corpus: Corpus) -> None:
    pieces = [corpus.rows(piece).astype(np.int64) for piece in corpus.pieces("train")]
    recipe = recipe_with("data.objective=segment", "data.align=8", "data.window=16")
    for step in range(5):
        for rows in whole(BatchStream(corpus, recipe, 0).at(step)):
            assert any(
                np.array_equal(piece[start : start + 16], rows)
                for piece in pieces
                for start in range(0, len(piece), 8)
            )


def test_held_out_music_is_never_changed(corpus: Corpus) -> None:
    def held_out(*changes: str) -> list[TensorBatch]:
        recipe = recipe_with(*changes)
        return list(HeldOut(windows_of(corpus, recipe, "valid", 4, seed=9), None))

    changes = ["data.transpose=[-6,6]", "data.velocity=[-20,20]"]
    for plain, told in zip(held_out(), held_out(*changes), strict=True):
        assert torch.equal(plain.rows, told.rows)
        assert torch.equal(plain.targets, told.targets)


@pytest.fixture(scope="module")
def songs(chorales: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The chorales as NES events."""
    out = tmp_path_factory.mktemp("corpus") / "songs"
    return prepare(chorales, out, get("nes_events", end=True), workers=0)


def test_a_step_whose_windows_shorten_is_the_same_for_all_ranks(songs: Corpus) -> None:
    changes = ["data.drop_voices=1", "data.stretch=[0.9,1.1]", "data.transpose=[-6,6]"]
    alone = BatchStream(songs, recipe_with(*changes), seed=3)
    plain = BatchStream(songs, recipe_with(), seed=3)
    shared = [
        BatchStream(songs, recipe_with(*changes, "train.accumulate=2"), 3, rank=rank, world=2)
        for rank in range(2)
    ]
    for step in (0, 7, 0):
        one = alone.at(step)
        parts = [shared[part // 2].at(step, part) for part in range(4)]
        for name in ("rows", "targets", "mask"):
            assert torch.equal(torch.cat([getattr(p, name) for p in parts]), getattr(one, name))
        assert {p.total for p in parts} == {one.total} == {int(one.mask.sum())}
        assert one.total < plain.at(step).total
        assert not torch.equal(one.rows, plain.at(step).rows)


def test_what_an_encoding_cannot_do_is_refused(songs: Corpus) -> None:
    wanted = r"recipe chorale-lstm: \[data\] velocity is asked for, .* leave velocity out"
    with pytest.raises(RecipeError, match=wanted):
        BatchStream(songs, recipe_with("data.velocity=[-5,5]"), 0)


def test_an_alignment_that_windows_cannot_have_is_refused(corpus: Corpus) -> None:
    with pytest.raises(RecipeError, match=r'"last", .*: leave data.align out'):
        windows_of(corpus, recipe_with("data.align=8", "data.objective=last"), "train", 1, 0)
    with pytest.raises(RecipeError, match=r"data.window came as 20, no multiple .* such as 24"):
        windows_of(corpus, recipe_with("data.align=8", "data.window=20"), "train", 1, 0)


def test_a_batch_that_cannot_be_shared_is_refused(corpus: Corpus) -> None:
    with pytest.raises(RecipeError, match="multiple of 3"):
        BatchStream(corpus, recipe_with(), 0, world=3)


def test_packed_windows_come_with_their_segments(corpus: Corpus) -> None:
    packed = BatchStream(corpus, recipe_with("data.pack=true", "data.window=300"), 0).at(1)
    plain = BatchStream(corpus, recipe_with("data.window=300"), 0).at(1)
    assert plain.segments is None
    assert packed.segments is not None
    assert packed.segments.shape == packed.mask.shape
    assert packed.segments.max() > 0
    assert packed.total > plain.total


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.objective=last", "'last' takes each window from one piece"),
        ("data.align=16", "data.align 16 starts windows at bars"),
        ("model.name=dilated-conv", "dilated-conv does not tell the pieces of a window apart"),
    ],
)
def test_windows_that_cannot_be_packed_are_refused(corpus: Corpus, change: str, said: str) -> None:
    with pytest.raises(RecipeError, match=f"{said}: leave data.pack out"):
        BatchStream(corpus, recipe_with("data.pack=true", change), 0)
