"""Infill and accompany: what is locked stays note for note, and what is new is where it may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from music import chorale
from segue import bundles
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import accompany, infill
from segue.generation.harmony import key
from segue.generation.wishes import Wishes
from segue.score import Score


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def heard(score: Score) -> list[tuple[int, ...]]:
    return sorted((n["onset"], n["duration"], n["pitch"], n["velocity"], n["track"])
                  for n in score.notes)  # fmt: skip


@pytest.mark.parametrize("tracks", [(1,), (0, 3), ()])
def test_infill_touches_nothing_but_what_it_fills(bundle: Bundle, tracks: tuple[int, ...]) -> None:
    music = chorale(8)
    bar = int(music.metre_map.ticks(1))
    opened = tracks or (0, 1, 2, 3)
    for take in infill(bundle, music, first_bar=1, last_bar=3, tracks=tracks, takes=3, seed=2):

        def locked(score: Score) -> list[tuple[int, ...]]:
            return [n for n in heard(score) if n[4] not in opened or not bar <= n[0] < 3 * bar]

        assert locked(take.score) == locked(music)
        new = set(heard(take.score)) - set(locked(music))
        assert new, "nothing was filled in"
        assert all(n[4] in opened and bar <= n[0] < 3 * bar for n in new)
        assert all(n[0] + n[1] <= 3 * bar for n in new)
        assert take.score.tracks == music.tracks


def test_an_accompaniment_leaves_the_melody_alone(bundle: Bundle) -> None:
    whole = chorale(8)
    melody = whole.with_(notes=whole.notes[whole.notes["track"] == 0], tracks=whole.tracks[:1])
    first, second = accompany(bundle, melody, takes=2, seed=5)
    for take in (first, second):
        assert [n for n in heard(take.score) if n[4] == 0] == heard(melody)
        others = take.score.notes[take.score.notes["track"] > 0]
        assert len(others) >= len(melody.notes) // 2
        assert (others["onset"] + others["duration"]).max() <= take.score.metre_map.ticks(
            np.ceil(take.score.end_bars)
        )
    assert first.score != second.score


def test_what_is_new_keeps_to_a_key(bundle: Bundle) -> None:
    music, asked = chorale(8), key("F# major")
    take = infill(bundle, music, first_bar=1, last_bar=3, tracks=(1,), seed=2,
                  wishes=Wishes(key=asked))[0]  # fmt: skip
    new = set(heard(take.score)) - set(heard(music))
    assert new
    assert {n[2] % 12 for n in new} <= asked.classes
    assert take.receipt["checks"]["key"] == {"asked": "F# major", "kept": True}


def test_the_same_seed_fills_the_same(bundle: Bundle) -> None:
    music = chorale(8)
    first, again = (infill(bundle, music, first_bar=0, last_bar=2, seed=3)[0] for _ in range(2))
    assert first.score == again.score


@pytest.mark.parametrize(
    ("bars", "tracks", "sentence"),
    [((3, 2), (), "bars 3 to 2 came"), ((99, 100), (), "the music has"),
     ((0, 1), (9,), "track 9 came; there are 0 to 3")],
)  # fmt: skip
def test_what_is_not_there_is_refused(
    bundle: Bundle, bars: tuple[int, int], tracks: tuple[int, ...], sentence: str
) -> None:
    with pytest.raises(SegueError, match=sentence):
        infill(bundle, chorale(8), first_bar=bars[0], last_bar=bars[1], tracks=tracks)


def test_there_must_be_a_part_to_add(bundle: Bundle) -> None:
    with pytest.raises(SegueError, match="there is none to add"):
        accompany(bundle, chorale(8))
