"""Shards: bounded, whole pieces, plain .npy, and cut back to any earlier state."""

import numpy as np
import pytest

from segue.data.shards import Shards, ShardWriter, row_dtype
from segue.errors import DataError

U2 = np.dtype("<u2")


def rows(count, first=0):
    return (first + np.arange(2 * count).reshape(count, 2)).astype(np.uint16)


def test_pieces_lie_one_after_the_other_and_never_across_two_shards(tmp_path):
    writer = ShardWriter(tmp_path, 2, U2, limit=40)  # ten rows of four bytes
    places = [writer.add(rows(n)) for n in (4, 6, 1, 30, 2)]
    writer.close_shard()
    assert places == [(0, 0), (0, 4), (1, 0), (2, 0), (3, 0)]
    shards = Shards(tmp_path)
    assert [len(shards[n]) for n in range(4)] == [10, 1, 30, 2]
    assert np.array_equal(shards[0][4:], rows(6))
    assert np.load(tmp_path / "shard-00002.npy").dtype == U2


def test_resume_cuts_back_to_a_synced_state(tmp_path):
    whole = ShardWriter(tmp_path / "a", 2, U2, limit=40)
    killed = ShardWriter(tmp_path / "b", 2, U2, limit=40)
    for writer in (whole, killed):
        writer.folder.mkdir()
        for n in (4, 6, 3):
            writer.add(rows(n, n))
    killed.sync()
    shard, at = killed.shard, killed.rows
    killed.add(rows(9))  # closes shard 1, starts shard 2: all of it is lost
    killed.abandon()
    again = ShardWriter(tmp_path / "b", 2, U2, limit=40)
    assert again.resume(shard, at)
    for writer in (whole, again):
        writer.add(rows(5, 7))
        writer.close_shard()
    for n in range(2):
        name = f"shard-{n:05d}.npy"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_resume_says_when_the_files_are_not_there(tmp_path):
    assert ShardWriter(tmp_path, 2, U2).resume(0, 0)
    assert not ShardWriter(tmp_path, 2, U2).resume(0, 5)
    assert not ShardWriter(tmp_path, 2, U2).resume(1, 0)


def test_small_vocabularies_take_a_byte():
    assert row_dtype((256, 2)) == np.uint8
    assert row_dtype((257, 2)) == np.uint16


def test_a_missing_or_damaged_shard_is_told(tmp_path):
    with pytest.raises(DataError, match="missing or damaged"):
        Shards(tmp_path)[0]
    (tmp_path / "shard-00000.npy").write_bytes(b"not an array")
    with pytest.raises(DataError, match="run `segue prepare` again"):
        Shards(tmp_path)[0]
