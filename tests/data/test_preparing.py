"""Preparing a folder: what is kept, what is refused, the same corpus however it was made."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_encoding import PitchOnly
from tunes import folder_of, tune

from segue.data import Corpus, prepare
from segue.data.manifest import kind_of
from segue.errors import DataError
from segue.formats.table import write

# What a corpus is made of, but for where it came from.
FILES = ("manifest.jsonl", "pieces.npy", "counts.npz", "shard-00000.npy")


def manifest(corpus):
    return [json.loads(line) for line in (corpus.root / "manifest.jsonl").read_text().splitlines()]


def test_rows_counts_and_music_come_back(tmp_path):
    corpus = prepare(folder_of(tmp_path / "in", 12), tmp_path / "out", PitchOnly(), workers=0)
    assert corpus.splits == {"train": 10, "valid": 1, "test": 1}
    total = 0
    for split in corpus.splits:
        counts = [np.zeros(column.size, int) for column in corpus.encoding.layout.columns]
        for piece in corpus.pieces(split):
            score = tune(int(piece.path[:2]), 40 + int(piece.path[:2]))
            rows = corpus.rows(piece)
            assert np.array_equal(corpus.encoding.decode(rows).notes["pitch"], score.notes["pitch"])
            assert (piece.split, piece.notes, piece.rows) == (split, len(score), len(score))
            assert piece.bars == len(score) / 4
            assert piece.seconds == len(score) / 2
            assert piece.hash == score.music_hash()
            assert piece.header == {"tracks": ["Voice"]}
            for k in range(2):
                counts[k] += np.bincount(rows[:, k], minlength=len(counts[k]))
            total += len(rows)
        for k in range(2):
            assert np.array_equal(corpus.counts(split)[k], counts[k])
    assert corpus.summary()["totals"]["rows"] == total == sum(range(40, 52))


def test_an_opened_corpus_is_the_prepared_one(tmp_path):
    made = prepare(folder_of(tmp_path / "in", 4), tmp_path / "out", PitchOnly(), workers=0)
    opened = Corpus.open(tmp_path / "out")
    assert (opened.hash, opened.splits, opened.summary()) == (
        made.hash,
        made.splits,
        made.summary(),
    )
    assert opened.encoding == made.encoding
    assert opened.pieces("train")[-1] == made.pieces("train")[-1]
    assert [p.path for p in opened.pieces("train")[:2]] == [
        p.path for p in list(opened.pieces("train"))[:2]
    ]


def test_the_number_of_workers_changes_nothing(tmp_path):
    folder_of(tmp_path / "in", 30)
    for workers in (0, 1, 3):
        out = tmp_path / str(workers)
        prepare(tmp_path / "in", out, PitchOnly(), workers=workers, shard_bytes=2000)
    names = sorted(path.name for path in (tmp_path / "0").iterdir())
    assert "shard-00002.npy" in names
    for name in names:
        if name != "corpus.json":
            files = {(tmp_path / workers / name).read_bytes() for workers in ("0", "1", "3")}
            assert len(files) == 1, name
    assert len({Corpus.open(tmp_path / workers).hash for workers in ("0", "1", "3")}) == 1


def test_refusals_are_in_the_manifest_with_the_reason(tmp_path):
    folder = folder_of(tmp_path / "in", 3)
    (folder / "broken.mid").write_bytes(b"not music at all")
    write(tune(1, 41), folder / "copy.mid")  # 01.mid again
    write(tune(9, 1), folder / "short.mid")
    write(tune(9, 0), folder / "silent.mid")
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    reasons = {entry["path"]: entry["reason"] for entry in manifest(corpus) if not entry["kept"]}
    assert reasons.keys() == {"broken.mid", "copy.mid", "short.mid", "silent.mid"}
    assert reasons["copy.mid"] == "the same music as 01.mid"
    assert reasons["short.mid"] == "too short: 1 row in this encoding, 2 are needed"
    assert str(tmp_path) not in str(reasons), "a manifest says the same wherever the folder lies"
    totals = corpus.summary()["totals"]
    assert (totals["files"], totals["kept"], totals["refused"]) == (7, 3, 4)
    assert corpus.summary()["refusals"]["exact duplicate"] == 1


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("the same music as a/b.mid", "exact duplicate"),
        ("holds 12,000.5 beats: 9 are allowed", "holds N beats"),
        ("is no MIDI file (it begins with PK).", "is no MIDI file"),
        ("holds no notes.", "holds no notes"),
    ],
)
def test_refusals_are_counted_by_kind(reason, kind):
    assert kind_of(reason) == kind


def test_nothing_usable_is_a_clear_error(tmp_path):
    (tmp_path / "in").mkdir()
    for n in range(5):
        (tmp_path / "in" / f"{n}.mid").write_bytes(b"no")
    with pytest.raises(DataError, match=r"none of the 5 files in .* can be used.*0\.mid: "):
        prepare(tmp_path / "in", tmp_path / "out", PitchOnly(), workers=0)
    assert not (tmp_path / "out" / "corpus.json").exists()


def test_one_file_is_enough(tmp_path):
    write(tune(0, 100), tmp_path / "one.mid")
    corpus = prepare(tmp_path / "one.mid", tmp_path / "out", PitchOnly(), workers=0)
    assert corpus.splits == {"train": 1, "valid": 1}
    (train,), (valid,) = corpus.pieces("train"), corpus.pieces("valid")
    assert (train.rows, valid.rows, valid.start) == (90, 10, 90)
    both = np.concatenate([corpus.rows(train), corpus.rows(valid)])
    assert np.array_equal(corpus.encoding.decode(both).notes["pitch"], tune(0, 100).notes["pitch"])
    assert corpus.summary()["split_rules"][0]["rule"] == "last tenth"
    assert sum(c.sum() for c in corpus.counts("valid")) == 20


def test_one_file_of_three_rows_is_too_short(tmp_path):
    write(tune(0, 3), tmp_path / "one.mid")
    with pytest.raises(DataError, match="3 rows in this encoding, and 4 are needed"):
        prepare(tmp_path / "one.mid", tmp_path / "out", PitchOnly(), workers=0)


def test_an_unchanged_folder_is_not_read_again(tmp_path):
    folder = folder_of(tmp_path / "in", 3)
    read = []
    for _ in range(2):
        prepare(
            folder,
            tmp_path / "out",
            PitchOnly(),
            workers=0,
            progress=lambda done, total, notes: read.append((done, total, notes)),
        )
    assert read == [(1, 3, 40), (2, 3, 81), (3, 3, 123)]
    write(tune(9, 50), folder / "09.mid")
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    assert sum(corpus.splits.values()) == 4


def test_another_seed_replaces_the_corpus(tmp_path):
    folder = folder_of(tmp_path / "in", 40)
    one = prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    held_out = {piece.path for piece in one.pieces("valid")}
    two = prepare(folder, tmp_path / "out", PitchOnly(), workers=0, seed=1)
    assert {piece.path for piece in two.pieces("valid")} != held_out
    assert one.hash != two.hash


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    folder = folder_of(tmp_path / "in", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty and not a corpus"):
        prepare(folder, tmp_path / "out", PitchOnly(), workers=0)
    with pytest.raises(DataError, match="is a file"):
        prepare(folder, tmp_path / "out" / "thesis.txt", PitchOnly(), workers=0)
    with pytest.raises(DataError, match="is not a prepared corpus"):
        Corpus.open(tmp_path / "out")


def test_a_split_that_is_not_there_is_named(tmp_path):
    corpus = prepare(folder_of(tmp_path / "in", 2), tmp_path / "out", PitchOnly(), workers=0)
    with pytest.raises(DataError, match="no split 'test'; it has: train, valid"):
        corpus.pieces("test")


class Deadly(PitchOnly):
    """Ends its process at a piece of 42 notes, hangs at one of 43."""

    def encode(self, score):
        if len(score) == 42:
            os.kill(os.getpid(), signal.SIGSEGV)
        if len(score) == 43:
            time.sleep(600)
        return super().encode(score)


def test_a_file_that_kills_or_hangs_its_worker_costs_no_other(tmp_path):
    folder = folder_of(tmp_path / "in", 6)
    corpus = prepare(folder, tmp_path / "out", Deadly(), workers=2, seconds_per_file=5)
    reasons = {entry["path"]: entry["reason"] for entry in manifest(corpus)}
    assert "Segmentation fault" in reasons.pop("02.mid")
    assert "longer than 5 seconds" in reasons.pop("03.mid")
    assert set(reasons.values()) == {""}


class Stopping(PitchOnly):
    """Raises what no reader may raise, at a piece of 55 notes."""

    def encode(self, score):
        if len(score) == 55:
            raise KeyboardInterrupt
        return super().encode(score)


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    folder = folder_of(tmp_path / "in", 30)
    monkeypatch.setattr("segue.data.journal._COMMIT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, tmp_path / "out", Stopping(), workers=0, shard_bytes=1000)
    read = []
    prepare(
        folder,
        tmp_path / "out",
        PitchOnly(),
        workers=0,
        shard_bytes=1000,
        progress=lambda done, total, notes: read.append(done),
    )
    assert read == list(range(16, 31))
    whole = prepare(folder, tmp_path / "whole", PitchOnly(), workers=0, shard_bytes=1000)
    for path in whole.root.iterdir():
        if path.name != "corpus.json":
            assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes(), path.name
    assert len(list((tmp_path / "out").iterdir())) == len(list(whole.root.iterdir()))


SLOW = """
import sys, time
sys.path.insert(0, {here!r})
from tiny_encoding import PitchOnly
import segue.data.journal
segue.data.journal._COMMIT_SECONDS = 0.0
from segue.data import prepare
def progress(done, total, notes):
    print(done, flush=True)
    time.sleep(0.02)
prepare({folder!r}, {out!r}, PitchOnly(), workers=0, shard_bytes=1000, progress=progress)
"""


def test_killed_in_the_middle_nothing_is_lost_or_corrupt(tmp_path):
    folder = folder_of(tmp_path / "in", 40)
    script = SLOW.format(
        here=str(Path(__file__).parent), folder=str(folder), out=str(tmp_path / "out")
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as run:
        assert run.stdout
        while int(run.stdout.readline()) < 20:
            pass
        run.kill()
    with pytest.raises(DataError, match="not a prepared corpus"):
        Corpus.open(tmp_path / "out")
    read = []
    prepare(
        folder,
        tmp_path / "out",
        PitchOnly(),
        workers=0,
        shard_bytes=1000,
        progress=lambda done, total, notes: read.append(done),
    )
    assert read[0] >= 19
    whole = prepare(folder, tmp_path / "whole", PitchOnly(), workers=0, shard_bytes=1000)
    for name in (*FILES, "shard-00007.npy"):
        assert (tmp_path / "out" / name).read_bytes() == (whole.root / name).read_bytes(), name
