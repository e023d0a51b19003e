"""The Python interface: the same music as the ways beneath it, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import segue
from music import chorale
from segue import formats
from segue.errors import SegueError
from segue.generation import continue_, generate
from segue.generation.harmony import chart, key
from segue.generation.ways import own_sampling
from segue.generation.wishes import Wishes


@pytest.fixture(scope="module")
def playable(run_path: Path) -> segue.Playable:
    return segue.load(run_path)


def test_words_are_wishes(playable: segue.Playable) -> None:
    said = playable.generate(
        bars=2, seed=3, temperature=1.3, heats={"pitch": 0.9}, key="D minor", chords="Dm A7",
        lowest="C3", metre="3/4",
    )  # fmt: skip
    meant = generate(
        playable.bundle, bars=2, seed=3,
        sampling=replace(own_sampling(playable.bundle), temperature=1.3, heats=(("pitch", 0.9),)),
        wishes=Wishes(key=key("D minor"), chords=chart("Dm A7"), lowest=48, metre=(3, 4)),
    )  # fmt: skip
    assert said[0].score == meant[0].score


def test_a_path_is_as_good_as_a_score(playable: segue.Playable, tmp_path: Path) -> None:
    formats.write(chorale(2), tmp_path / "a.mid")
    by_path = playable.continue_(tmp_path / "a.mid", bars=1, seed=1)[0]
    by_score = continue_(playable.bundle, formats.read(tmp_path / "a.mid"), bars=1, seed=1)[0]
    assert by_path.score == by_score.score
    assert len(playable.infill(chorale(2), 0, 1, tracks=(1,))[0].score)
    assert playable.score(chorale(2)).a_note > 0
    assert next(playable.stream(bars=1, seed=1)).pitch > 0


def test_a_take_shows_and_plays_itself(playable: segue.Playable) -> None:
    take = playable.generate(bars=1, seed=3)[0]
    assert take.show().data.startswith(b"\x89PNG")
    assert take.play(8000).data.startswith(b"RIFF")
    page = take._repr_html_()
    assert "data:image/png;base64," in page
    assert "<audio" in page


def test_an_unknown_argument_gets_the_nearest(playable: segue.Playable) -> None:
    with pytest.raises(SegueError, match="no argument 'temprature'; did you mean 'temperature'"):
        playable.generate(temprature=1.0)
