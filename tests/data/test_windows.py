"""Windows: each target once an epoch, a pure function of seed, step and rank, never across."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_encoding import PitchOnly
from tunes import folder_of

from segue.data import Windows, prepare
from segue.errors import DataError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("windows")
    # Pieces of 5, 6, ... rows: shorter and longer than the windows, in several shards.
    folder = folder_of(root / "in", 40, notes=5)
    return prepare(folder, root / "out", PitchOnly(), workers=0, shard_bytes=600)


def by_content(corpus, split="train"):
    """Every row of the split by the piece and place it is found at, as (pitch, loud) windows."""
    return [corpus.rows(piece) for piece in corpus.pieces(split)]


def scored(windows, batches):
    """How often each (previous row, row) pair counts as a target."""
    pairs = []
    for batch in batches:
        both = np.concatenate([batch.inputs, batch.targets], axis=-1)
        pairs.append(both[batch.mask])
    return np.unique(np.concatenate(pairs), axis=0, return_counts=True)


def expected(corpus, split="train"):
    pairs = [np.concatenate([r[:-1], r[1:]], axis=1) for r in by_content(corpus, split)]
    return np.unique(np.concatenate(pairs), axis=0, return_counts=True)


def same(one, two):
    return np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])


@settings(max_examples=25)
@given(length=st.integers(1, 60), seed=st.integers(0, 10**9), epoch=st.integers(0, 3))
def test_an_epoch_scores_every_row_after_the_first_once(corpus, length, seed, epoch):
    windows = Windows(corpus, "train", length, 1, seed)
    steps = range(epoch * windows.total, (epoch + 1) * windows.total)
    batches = [windows.batch(step) for step in steps]
    assert all(batch.mask.any() for batch in batches)
    assert same(scored(windows, batches), expected(corpus))


@settings(max_examples=25)
@given(
    bars=st.integers(1, 4),
    align=st.integers(1, 9),
    seed=st.integers(0, 10**9),
    epoch=st.integers(0, 3),
)
def test_aligned_windows_start_at_bars_and_score_every_row_once(corpus, bars, align, seed, epoch):
    windows = Windows(corpus, "train", bars * align, 1, seed, align=align)
    bars_of = [rows[start:] for rows in by_content(corpus) for start in range(0, len(rows), align)]
    steps = range(epoch * windows.total, (epoch + 1) * windows.total)
    batches = [windows.batch(step) for step in steps]
    assert [windows.targets(step) for step in steps] == [int(b.mask.sum()) for b in batches]
    assert same(scored(windows, batches), expected(corpus))
    for batch in batches:
        assert batch.mask.any()
        known = batch.inputs[0, : int(batch.mask[0].nonzero()[0].max()) + 1]
        assert any(np.array_equal(rows[: len(known)], known) for rows in bars_of)


@settings(max_examples=15)
@given(
    length=st.integers(1, 60), batch=st.integers(1, 9), split=st.sampled_from(["train", "valid"])
)
def test_held_out_scores_every_row_after_the_first_once(corpus, length, batch, split):
    windows = Windows(corpus, split, length, batch)
    assert same(scored(windows, windows.held_out()), expected(corpus, split))


def is_slice(rows, window):
    """Whether `window` lies somewhere in `rows`."""
    return any(
        np.array_equal(rows[i : i + len(window)], window)
        for i in range(len(rows) - len(window) + 1)
    )


def test_no_window_crosses_a_boundary(corpus):
    pieces = by_content(corpus)
    windows = Windows(corpus, "train", 12, 4, seed=1)
    for step in range(windows.steps_per_epoch):
        batch = windows.batch(step)
        for n in range(4):
            count = int(batch.mask[n].nonzero()[0].max()) + 1
            whole = np.concatenate([batch.inputs[n, :count], batch.targets[n, count - 1 : count]])
            assert any(is_slice(piece, whole) for piece in pieces)


def test_windows_of_long_pieces_are_full(corpus):
    windows = Windows(corpus, "train", 4, 8)
    shortest = min(piece.rows for piece in corpus.pieces("train"))
    assert shortest >= 5
    inputs = np.concatenate([windows.batch(step).inputs for step in range(40)])
    repeated = (inputs[:, 1:] == inputs[:, :-1]).all(axis=(1, 2))
    assert not repeated.any(), "no window is filled up with its last row"


def test_phases_and_orders_change_with_epoch_and_seed(corpus):
    def epoch(seed, number):
        windows = Windows(corpus, "train", 16, 1, seed)
        first = number * windows.total
        batches = [windows.batch(first + n) for n in range(windows.total)]
        return sorted(b.inputs[0][b.mask[0]].tobytes() for b in batches)

    assert epoch(0, 0) == epoch(0, 0)
    assert epoch(0, 0) != epoch(0, 1) != epoch(1, 1)


@pytest.mark.parametrize("objective", ["every", "last", "segment"])
def test_a_batch_is_a_function_of_its_step(corpus, objective):
    steps = [0, 5, 1, 700, 5]
    first = Windows(corpus, "train", 8, 3, seed=2, objective=objective)
    ahead = [first.batch(step) for step in steps]
    for step, known in zip(steps, ahead, strict=True):
        fresh = Windows(corpus, "train", 8, 3, seed=2, objective=objective).batch(step)
        for name in ("inputs", "targets", "mask"):
            assert np.array_equal(getattr(fresh, name), getattr(known, name))


@pytest.mark.parametrize("objective", ["every", "last", "segment"])
def test_ranks_share_what_one_process_takes(corpus, objective):
    alone = Windows(corpus, "train", 8, 6, seed=2, objective=objective)
    ranks = [
        Windows(corpus, "train", 8, 2, seed=2, objective=objective, rank=rank, world=3)
        for rank in range(3)
    ]
    assert {rank.steps_per_epoch for rank in ranks} == {alone.steps_per_epoch}
    for step in (0, 1, 50):
        shared = np.concatenate([rank.batch(step).inputs for rank in ranks])
        assert np.array_equal(shared, alone.batch(step).inputs)
    held = sum(len(batch.inputs) for rank in ranks for batch in rank.held_out())
    assert held == sum(len(batch.inputs) for batch in alone.held_out())


def test_last_takes_every_position_with_enough_history_once(corpus):
    windows = Windows(corpus, "train", 20, 1, objective="last")
    wanted = [
        np.concatenate(rows[i : i + 21]).tobytes()
        for rows in by_content(corpus)
        for i in range(len(rows) - 20)
    ]
    got = []
    for step in range(windows.total):
        batch = windows.batch(step)
        assert batch.inputs.shape == (1, 20, 2)
        assert batch.targets.shape == (1, 2)
        assert batch.mask.all()
        got.append(np.concatenate([*batch.inputs[0], batch.targets[0]]).tobytes())
    assert sorted(got) == sorted(wanted)
    held = list(windows.held_out())
    assert sum(len(b.inputs) for b in held) == len(wanted)


def segments(batches):
    """The rows of each window that count, as bytes, after looking at those that do not."""
    found = []
    for batch in batches:
        assert batch.targets is batch.inputs
        assert (batch.inputs[~batch.mask] == 0).all()
        for rows, mask in zip(batch.inputs, batch.mask, strict=True):
            assert mask[: mask.sum()].all(), "only the end of a window is filled up"
            found.append(rows[mask].astype(np.uint16).tobytes())
    return found


@settings(max_examples=25)
@given(length=st.integers(1, 60), align=st.integers(1, 20), epoch=st.integers(0, 2))
def test_segments_start_at_each_aligned_row_once_an_epoch(corpus, length, align, epoch):
    windows = Windows(corpus, "train", length, 1, seed=3, objective="segment", align=align)
    wanted = [
        rows[start : start + length].tobytes()
        for rows in by_content(corpus)
        for start in range(0, max(len(rows) - length, 0) + 1, align)
    ]
    steps = range(epoch * windows.total, (epoch + 1) * windows.total)
    batches = [windows.batch(step) for step in steps]
    assert sorted(segments(batches)) == sorted(wanted)
    assert [windows.targets(step) for step in steps] == [int(b.mask.sum()) for b in batches]


@settings(max_examples=15)
@given(length=st.integers(1, 60), batch=st.integers(1, 9), align=st.integers(1, 20))
def test_held_out_segments_lie_side_by_side(corpus, length, batch, align):
    windows = Windows(corpus, "valid", length, batch, objective="segment", align=align)
    wanted = [
        rows[start : start + length].tobytes()
        for rows in by_content(corpus, "valid")
        for start in range(0, len(rows), length)
    ]
    assert segments(windows.held_out()) == wanted


def test_a_piece_of_one_row_is_a_segment(tmp_path):
    corpus = prepare(folder_of(tmp_path / "in", 6, notes=1), tmp_path / "out", PitchOnly())
    shortest = min(piece.rows for piece in corpus.pieces("train"))
    windows = Windows(corpus, "train", 50, 4, objective="segment")
    assert windows.total == len(corpus.pieces("train"))
    lengths = windows.batch(0).mask.sum(axis=1)
    assert windows.batch(0).inputs.shape == (4, 50, 2)
    assert lengths.min() >= shortest


def test_held_out_limit_spreads_the_windows(corpus):
    windows = Windows(corpus, "train", 5, 7, objective="last")
    some = np.concatenate([batch.inputs for batch in windows.held_out(limit=30)])
    every = np.concatenate([batch.inputs for batch in windows.held_out()])
    assert len(some) == 30
    assert np.array_equal(some[15], every[len(every) * 15 // 30])
    assert sum(len(b.inputs) for b in windows.held_out(limit=10**9)) == len(every)


def test_more_batch_than_windows_goes_on_into_the_next_epochs(corpus):
    windows = Windows(corpus, "valid", 200, 64)
    assert windows.total < 64
    assert windows.steps_per_epoch == 1
    batch = windows.batch(0)
    assert batch.inputs.shape == (64, 200, 2)
    assert batch.mask.any(axis=1).all()


def test_too_long_names_the_longest(corpus):
    longest = max(piece.rows for piece in corpus.pieces("train"))
    with pytest.raises(
        DataError, match=f"has the 51 rows .* longest has {longest}: choose a length"
    ):
        Windows(corpus, "train", 50, 1, objective="last")
    with pytest.raises(ValueError, match="0 <= rank < world"):
        Windows(corpus, "train", 5, 1, rank=2, world=2)
    with pytest.raises(ValueError, match="'every', 'last' or 'segment'"):
        Windows(corpus, "train", 5, 1, objective="some")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="start at every row"):
        Windows(corpus, "train", 5, 1, objective="last", align=16)
    with pytest.raises(ValueError, match="a length that is a multiple of 16"):
        Windows(corpus, "train", 24, 1, align=16)
