"""What takes of one bundle stand on is laid out once, and is what each would lay out itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from music import chorale
from segue import bundles
from segue.bundles.bundle import MOST_KEPT
from segue.generation import continue_
from segue.generation.batching import EnsemblePlayer, SharedBundle
from segue.generation.ground import ground_of, opened
from segue.generation.players import make_player
from segue.generation.said import opening_of
from segue.generation.wishes import Wishes


def test_the_ground_is_laid_once_for_each_way_to_ask(run_path: Path) -> None:
    bundle = bundles.load(run_path)
    ground = ground_of(bundle, Wishes())
    assert ground_of(bundle, Wishes(lowest=50)) is ground
    other = ground_of(bundle, Wishes(tempo=90.0, metre=(3, 4)))
    assert other.empty.tempi["microseconds"].tolist() == [666_667]
    assert other.empty.metres["numerator"].tolist() == [3]
    again = ground_of(bundles.load(run_path), Wishes())
    assert (again.header, again.empty) == (ground.header, ground.empty)
    assert again.only.keys() == ground.only.keys()
    assert all(np.array_equal(again.only[k], mask) for k, mask in ground.only.items())


def test_an_opening_is_read_once_and_handed_out_in_copies(run_path: Path) -> None:
    found = bundles.load(run_path)
    shared = SharedBundle(found.path, found.index)
    player = make_player(shared, "auto", None)
    rows = opening_of(shared, Wishes())
    read = player.read(rows)
    first = opened(shared, player, rows)
    for mine in first.tensors:
        mine[:] = 7  # what one take does to its state is no other's
    second = opened(shared, player, rows)
    assert np.array_equal(second.features, read.features)
    for mine, theirs in zip(second.tensors, read.tensors, strict=True):
        assert np.array_equal(mine, theirs)


def test_a_prompt_is_read_once(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = bundles.load(run_path)
    shared = SharedBundle(found.path, found.index)
    read: list[int] = []
    reads = EnsemblePlayer.read
    monkeypatch.setattr(
        EnsemblePlayer, "read", lambda self, rows: read.append(len(rows)) or reads(self, rows)
    )
    prompts = [chorale(1, bars=2), chorale(2, bars=2)]
    made = [continue_(shared, prompts[i], bars=1, seed=s)[0] for i, s in ((0, 1), (0, 2), (1, 1))]
    assert len(read) == 2
    alone = [continue_(found, prompts[i], bars=1, seed=s)[0] for i, s in ((0, 1), (0, 2), (1, 1))]
    assert [take.score for take in made] == [take.score for take in alone]


def test_a_bundle_keeps_the_newest_of_what_it_worked_out(run_path: Path) -> None:
    bundle = bundles.load(run_path)
    made: list[int] = []

    def work(number: int) -> int:
        return bundle.once(number, lambda: made.append(number) or number)

    for number in (*range(1, MOST_KEPT + 1), 1, MOST_KEPT + 1, 1, 2):
        assert work(number) == number
    assert made == [*range(1, MOST_KEPT + 2), 2]
