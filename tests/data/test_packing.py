"""Packed windows: full, each target once an epoch, pieces told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_windows import expected, is_slice, same, scored
from tiny_encoding import PitchOnly
from tunes import folder_of

from segue.data import PackedWindows, Windows, prepare


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("packing")
    folder = folder_of(root / "in", 40, notes=5)
    return prepare(folder, root / "out", PitchOnly(), workers=0, shard_bytes=600)


@settings(max_examples=25)
@given(length=st.integers(1, 400), seed=st.integers(0, 10**9), epoch=st.integers(0, 3))
def test_an_epoch_scores_every_row_after_the_first_once(corpus, length, seed, epoch):
    windows = PackedWindows(corpus, "train", length, 1, seed)
    steps = range(epoch * windows.total, (epoch + 1) * windows.total)
    batches = [windows.batch(step) for step in steps]
    assert same(scored(windows, batches), expected(corpus))
    assert [windows.targets(step) for step in steps] == [int(b.mask.sum()) for b in batches]


def test_windows_are_full_but_the_last(corpus):
    packed, padded = (kind(corpus, "train", 64, 8) for kind in (PackedWindows, Windows))
    assert packed.total < padded.total / 1.4
    part = np.mean([packed.batch(step).mask.mean() for step in range(packed.steps_per_epoch)])
    assert part > 0.9
    for step in range(packed.steps_per_epoch):
        assert sum((packed.batch(step).segments < 0).any(axis=1)) <= 1


def test_segments_are_the_pieces_in_a_window(corpus):
    pieces = [corpus.rows(piece) for piece in corpus.pieces("train")]
    windows = PackedWindows(corpus, "train", 60, 4, seed=1)
    several = 0
    for step in range(windows.steps_per_epoch):
        batch = windows.batch(step)
        for n in range(4):
            for segment in range(int(batch.segments[n].max()) + 1):
                mine = np.flatnonzero(batch.segments[n] == segment)
                assert np.array_equal(mine, np.arange(mine[0], mine[-1] + 1))
                run = batch.inputs[n, mine[0] : mine[-1] + 1]
                assert any(is_slice(piece, run) for piece in pieces)
                if mine[0]:  # it begins with its first row, which is no target
                    assert not batch.mask[n, mine[0] - 1]
                    assert any(np.array_equal(piece[: len(run)], run) for piece in pieces)
            several += batch.segments[n].max() > 0
    assert several > windows.total / 2


def test_inputs_and_targets_are_one_row_apart(corpus):
    batch = PackedWindows(corpus, "train", 50, 6).batch(3)
    assert np.array_equal(batch.inputs[:, 1:], batch.targets[:, :-1])


def test_ranks_share_what_one_process_takes_whenever_it_is_asked_for(corpus):
    alone = PackedWindows(corpus, "train", 30, 6, seed=2)
    ranks = [PackedWindows(corpus, "train", 30, 2, seed=2, rank=rank, world=3) for rank in range(3)]
    for step in (50, 0, 1, 50):
        shared = [rank.batch(step) for rank in ranks]
        whole = alone.batch(step)
        for name in ("inputs", "targets", "mask", "segments"):
            together = np.concatenate([getattr(batch, name) for batch in shared])
            assert np.array_equal(together, getattr(whole, name))
        assert alone.targets(step) == sum(rank.targets(step) for rank in ranks)


def test_orders_change_with_epoch_and_seed(corpus):
    def epoch(seed, number):
        windows = PackedWindows(corpus, "train", 16, 1, seed)
        steps = range(number * windows.total, (number + 1) * windows.total)
        return sorted(windows.batch(step).inputs.tobytes() for step in steps)

    assert epoch(0, 0) == epoch(0, 0)
    assert epoch(0, 0) != epoch(0, 1) != epoch(1, 1)


def test_what_is_held_out_is_measured_piece_by_piece(corpus):
    packed, plain = (kind(corpus, "valid", 7, 3) for kind in (PackedWindows, Windows))
    for one, two in zip(packed.held_out(), plain.held_out(), strict=True):
        assert np.array_equal(one.inputs, two.inputs)
        assert np.array_equal(one.mask, two.mask)


def test_a_window_longer_than_all_music_is_padded(corpus):
    windows = PackedWindows(corpus, "valid", 1000, 2)
    assert windows.total == 1
    batch = windows.batch(0)
    rows = sum(piece.rows for piece in corpus.pieces("valid"))
    assert (batch.segments >= 0).sum() == 2 * rows
    assert batch.mask.sum() == 2 * (rows - len(corpus.pieces("valid")))
