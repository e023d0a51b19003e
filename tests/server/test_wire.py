"""Music over the wire and back is the same music."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from music import chorale
from segue.errors import SegueError
from segue.score import BEND, CONTROL, KEY, events
from segue.server.wire import KEYS, Music, of_score


def test_a_score_comes_back_as_it_went() -> None:
    score = chorale(1).with_(
        keys=events(KEY, [(0, 3, True)]),
        controls=events(CONTROL, [(0, 1, 64, 127), (480, 1, 64, 0)]),
        bends=events(BEND, [(0, 0, -8192)]),
    )
    assert Music.model_validate(of_score(score)).score() == score


def test_every_key_is_named_and_read() -> None:
    for name, (fifths, minor) in KEYS.items():
        music = Music.model_validate({"keys": [{"tick": 0, "name": name}]})
        assert music.score().keys.tolist() == [(0, fifths, minor)]
    assert (
        Music.model_validate({"keys": [{"tick": 0, "name": "bb minor"}]}).score().keys[0][1] == -5
    )


@pytest.mark.parametrize(
    ("music", "said"),
    [
        ({"keys": [{"tick": 0, "name": "H major"}]}, "the key came as 'H major'"),
        ({"notes": [{"track": 2, "onset": 0, "duration": 1, "pitch": 60}]}, "on track 2"),
        ({"metres": [{"tick": 0, "numerator": 3, "denominator": 5}]}, "power of two"),
        ({"bends": [{"track": 1, "tick": 0, "value": 5}]}, "a bend is on a track"),
        ({"controllers": [{"track": 9, "tick": 0, "number": 1, "value": 5}]}, "a controller is"),
    ],
)
def test_what_makes_no_sense_is_told(music: dict[str, object], said: str) -> None:
    with pytest.raises(SegueError, match=said):
        Music.model_validate(music).score()


@pytest.mark.parametrize(
    "note",
    [
        {"onset": 0, "duration": 1, "pitch": 128},
        {"onset": -1, "duration": 1, "pitch": 60},
        {"onset": 0, "duration": 1, "pitch": "60"},
        {"onset": 0, "duration": 1, "pitch": 60, "velocity": 0},
        {"onset": 0, "duration": 1, "pitch": 60, "loud": True},
    ],
)
def test_notes_are_checked(note: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Music.model_validate({"notes": [note]})
