"""What takes start from: nothing, or a passage of training music that is not part of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue import bundles
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import generate
from segue.generation.replay import replay


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def test_an_opening_is_heard_and_not_played(bundle: Bundle) -> None:
    plain = generate(bundle, bars=4, seed=5)[0]
    same = generate(bundle, bars=4, seed=5, start="nothing")[0]
    opened = generate(bundle, bars=4, seed=5, start="opening")[0]
    assert same.score.notes.tolist() == plain.score.notes.tolist()
    assert opened.score.notes.tolist() != plain.score.notes.tolist()
    assert opened.receipt["settings"]["start"] == "opening"
    assert opened.score.end_bars <= 4
    assert replay(bundle, opened.score).same


def test_an_unknown_start_is_refused(bundle: Bundle) -> None:
    with pytest.raises(SegueError, match="nothing or opening is allowed"):
        generate(bundle, start="prelude")
