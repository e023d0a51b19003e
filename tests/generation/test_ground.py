"""What takes of one bundle stand on is laid out once, and is what each would lay out itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segue import bundles
from segue.bundles.bundle import MOST_KEPT
from segue.generation.batching import SharedBundle
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


def test_a_bundle_keeps_the_newest_of_what_it_worked_out(run_path: Path) -> None:
    bundle = bundles.load(run_path)
    made: list[int] = []

    def work(number: int) -> int:
        return bundle.once(number, lambda: made.append(number) or number)

    for number in (*range(1, MOST_KEPT + 2), 2, 1):
        assert work(number) == number
    assert made == [*range(1, MOST_KEPT + 2), 1]
