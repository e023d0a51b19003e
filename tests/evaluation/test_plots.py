"""Pictures: the suffix decides, the same input gives the same bytes, nothing half is left."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from music import chorale
from segue.errors import FormatError
from segue.evaluation import measure_plots, plots
from segue.evaluation.compare_sets import compare, profile

X = np.linspace(0, 1, 50)
Draw = Callable[[Path], object]
PICTURES: dict[str, Draw] = {
    "curves": lambda path: plots.curves(
        path, {"one": (X, X**2)}, title="T", across="x", up="y", levels={"floor": 0.1}
    ),
    "densities": lambda path: plots.two_densities_with_area(
        path, X, X, 1 - X, names=("then", "now"), title="T", across="velocity"
    ),
    "histogram": lambda path: plots.histogram(
        path, {"takes": [1, 2, np.nan, 2], "real": [2, 3]}, title="T", across="x"
    ),
    "similarity": lambda path: plots.self_similarity(chorale(1), path),
    "overlay": lambda path: plots.overlay(chorale(1), chorale(2), path),
    "training": lambda path: plots.training_curves(
        path,
        [{"step": 1, "train/nats": 3.0}, {"step": 2, "train/nats": 2.0, "held_out/nats": 2.5}],
        levels={"unigram": 2.2},
    ),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_is_what_its_suffix_says_and_always_the_same(
    name: str, suffix: str, tmp_path: Path
) -> None:
    first, again = tmp_path / f"first{suffix}", tmp_path / "made" / f"again{suffix}"
    for path in (first, again):
        PICTURES[name](path)
    assert first.read_bytes() == again.read_bytes()
    if suffix == ".png":
        with Image.open(first) as image:
            assert image.format == "PNG"
            assert min(image.size) > 300
            # Something is drawn on the white page.
            assert len(np.unique(np.asarray(image.convert("L")))) > 4
    else:
        root = ET.parse(first).getroot()
        assert root.tag.endswith("svg")


def test_words_in_an_svg_are_text(tmp_path: Path) -> None:
    plots.curves(
        tmp_path / "a.svg", {"mine $1": (X, X)}, title="A title", across="steps", up="nats"
    )
    words = (tmp_path / "a.svg").read_text()
    assert all(word in words for word in ("A title", "steps", "nats", "mine $1"))


def test_another_suffix_is_refused_and_an_error_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"saved as \.png or \.svg"):
        plots.figure(tmp_path / "a.jpg", lambda axes: None)

    def fails(axes: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        plots.figure(tmp_path / "b.png", fails)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_nothing_is_refused(tmp_path: Path) -> None:
    from segue.score import Score

    with pytest.raises(FormatError, match="neither piece has notes"):
        plots.overlay(Score(480), Score(480), tmp_path / "a.png")


def test_drawing_leaves_the_users_settings_alone(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    PICTURES["curves"](tmp_path / "a.png")
    assert dict(mpl.rcParams) == before


def test_sets_are_drawn_side_by_side(tmp_path: Path) -> None:
    here, there = (profile([chorale(s) for s in seeds]) for seeds in (range(4), range(4, 9)))
    names = ["pitch_range", "polyphony", "drum_in_pattern_rate"]
    spread = measure_plots.spreads(tmp_path / "s.svg", {"takes": here, "real": there}, names)
    assert spread is not None
    assert "pitch range" in spread.read_text()
    # Drums have no measure here.
    assert "drum" not in spread.read_text()
    found = compare(here, there)
    bars = measure_plots.overlaps(tmp_path / "o.svg", found, title="Overlap")
    assert bars is not None
    assert "note length histogram" in bars.read_text()
    assert measure_plots.overlaps(tmp_path / "n.svg", {}, title="Overlap") is None


def test_a_sparkline_goes_up_with_its_numbers() -> None:
    assert plots.sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█"
    assert plots.sparkline([1, np.nan, 8]) == "▁ █"
    assert plots.sparkline([3, 3]) == "▁▁"
    assert len(plots.sparkline(range(1000), width=30)) == 30
    assert plots.sparkline([]) == ""


@pytest.mark.parametrize(("share", "shown"), [(0, "    "), (0.5, "██  "), (1, "████"), (2, "████")])
def test_a_bar_is_as_long_as_its_share(share: float, shown: str) -> None:
    assert plots.bar(share, 4) == shown
    assert plots.bar(float("nan"), 4) == "    "
