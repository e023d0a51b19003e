"""Pictures of a search: they show the trials, also strange ones, and every name can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
import spaces

from segue.search import look, pictures
from segue.search.table import Row

SPACE = spaces.space(
    {
        "model.layers": {"low": 1, "high": 3},
        "train.lr": {"low": 1e-4, "high": 1e-2, "log": True},
        "train.dropout": {"low": 0.1, "high": 0.1},
        "data.transpose": {"choices": [[0, 0], [-2, 2]]},
    }
)
BASELINES = {"uniform": 250.0, "unigram": 5.6, "bigram": 4.5}
IMPORTANCE = {"model.layers": 0.7, "train.lr": 0.3, "data.transpose": 0.0}


def row(number: int, nats: float | None, state: str = "done", **point: Any) -> Row:
    labels = {
        "model.layers": 1 + number % 3,
        "train.lr": 1e-3,
        "train.dropout": 0.1,
        "data.transpose": "[0, 0]",
        **point,
    }
    return Row(number, state, labels, labels, nats, 60, 1.5, 1000, "", [], {})


ROWS = [
    row(0, 5.0),
    row(1, 4.8),
    row(2, 900.0),
    row(3, 5.5, "pruned"),
    row(4, None, "pruned"),
    row(6, 4.4),
    row(7, None, "running"),
]


def test_each_picture_comes_as_png_and_svg_with_its_words(tmp_path: Path) -> None:
    shown = [r for r in ROWS if r.state != "running"]
    written = pictures.draw(tmp_path, shown, SPACE, IMPORTANCE, BASELINES)
    names = {f"{n}.{s}" for n in ("history", "parallel", "importance") for s in ("png", "svg")}
    assert {path.name for path in written} == names == {p.name for p in tmp_path.iterdir()}
    words = {path.stem: path.read_text() for path in written if path.suffix == ".svg"}
    for key in IMPORTANCE:
        assert key in words["parallel"] and key in words["importance"]
    assert "bigram baseline" in words["history"]
    assert "uniform baseline" not in words["history"]
    assert "70%" in words["importance"]
    assert "the best, trial 6" in words["parallel"]
    assert "and over" in words["parallel"]
    for path in (p for p in written if p.suffix == ".png"):
        picture = matplotlib.image.imread(path)
        assert picture.shape[1] >= 600
        assert picture[..., :3].std() > 0.02


def test_the_same_trials_draw_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        pictures.draw(tmp_path / folder, ROWS[:2], SPACE, {}, BASELINES)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("rows", [[row(0, 5.0)], [row(0, 5.0), row(1, 5.0)]])
def test_one_trial_or_equal_ones_can_be_drawn(rows: list[Row], tmp_path: Path) -> None:
    written = pictures.draw(tmp_path, rows, SPACE, {}, {})
    assert {path.stem for path in written} == {"history", "parallel"}


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    assert pictures.draw(tmp_path, [row(0, 5.0, "pruned")], SPACE, {}, {}) == []
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_ran_away_does_not_press_the_others_flat() -> None:
    assert look.ceiling_of([5.0, 4.8, 900.0, 4.4]) == 5.0
    assert look.ceiling_of([5.0, 4.8, 4.4]) == 5.0
    assert look.ceiling_of([5.0]) == 5.0
