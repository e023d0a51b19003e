"""Density: kept by takes of every family that tells when notes begin, refused elsewhere."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from music import chorale
from noise import Noise
from segue import bundles, encodings
from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation import Sampling, continue_, generate
from segue.generation.density import Density, density
from segue.generation.guides import Steps
from segue.generation.harmony import chart
from segue.generation.player import Player
from segue.generation.replay import replay
from segue.generation.starts import cells_begin, deciding
from segue.generation.steered import _between, _counts_above
from segue.generation.steering import steered, steering, with_room
from segue.generation.wishes import Wishes
from segue.score import Score, slice_bars, slice_ticks, tidy

WILD = Sampling(temperature=3.0)
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("compound", {}),
    ("compound", {"pedal": "rows", "tempo": "rows", "max_tracks": 3}),
    ("compound", {"unit": "seconds"}),
    ("performance", {}),
    ("note_time", {}),
    ("note_chord", {"rhythm": True}),
    ("note_chord", {"octaves": True, "rhythm": True}),
    ("nes_events", {}),
    ("melody", {}),
]
ROLLS: list[dict[str, Any]] = [
    {"unit": "beats", "cells": "both", "lowest": 40, "highest": 60},
    {"unit": "beats", "cells": "onsets", "lowest": 40, "highest": 60},
    {"unit": "seconds", "lowest": 40, "highest": 60},
]


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def played(encoding: Encoding, wishes: Wishes, bars: int, **kind: Any) -> list[Score]:
    """Three takes of noise that keep to what is asked."""
    header = encoding.encode(chorale(0)).header
    empty = encoding.decode(np.zeros((0, len(encoding.layout.sizes)), np.uint16), header)
    end = int(empty.metre_map.ticks(bars))
    first = encoding.opening().astype(np.int64)
    guide = Steps(
        encoding, 3, first, position=0 if len(first) else -1, most_rows=4000,
        **steering(wishes, encoding, empty, (0, end), 3),
    )  # fmt: skip
    player = steered(Player(Noise(encoding, 1, **kind), Sampling(), encoding), guide)
    made = []
    for rows in player.play(player.engine.start(3), guide, [1, 2, 3]):
        whole = with_room(encoding, np.concatenate([first, rows]))
        score = encoding.decode(whole.astype(np.uint16), header)
        made.append(tidy(slice_ticks(score, 0, end)))
    return made


def fitted(name: str, options: dict[str, Any]) -> Encoding:
    encoding = encodings.get(name, **options)
    rows = np.concatenate([encoding.encode(chorale(i)).rows for i in range(3)])
    sizes = enumerate(encoding.layout.sizes)
    return encoding.fit([np.bincount(rows[:, k], minlength=size) for k, size in sizes])


@pytest.mark.parametrize("asked", ["1", "3"])
@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_noise_keeps_to_a_density(name: str, options: dict[str, Any], asked: str) -> None:
    wish = Wishes(density=density(asked))
    for score in played(fitted(name, options), wish, 8, frames=False, independent=False):
        assert len(score.notes) == pytest.approx(8 * 4 * float(asked), rel=0.1, abs=2)


@pytest.mark.parametrize("independent", [True, False])
@pytest.mark.parametrize("options", ROLLS, ids=str)
def test_frames_of_noise_keep_to_a_density(options: dict[str, Any], independent: bool) -> None:
    encoding = encodings.get("piano_roll", **options)
    wish = Wishes(density=density("2"))
    for score in played(encoding, wish, 4, frames=True, independent=independent):
        assert len(score.notes) == pytest.approx(4 * 4 * 2, rel=0.1, abs=2)


@pytest.mark.parametrize("asked", ["1", "4/beat", "3/second"])
def test_takes_have_what_is_asked_for_all_the_way(bundle: Bundle, asked: str) -> None:
    wish = density(asked)
    for take in generate(bundle, takes=6, bars=8, seed=1, sampling=WILD,
                         wishes=Wishes(density=wish)):  # fmt: skip
        proof = take.receipt["checks"]["density"]
        assert proof["kept"]
        assert proof["asked"] == wish.name
        score = take.score
        for bars in (2, 4, 8):
            end = int(score.metre_map.ticks(bars))
            due = float(wish.due(score, 0, np.array(end)))
            count = int((score.notes["onset"] < end).sum())
            assert abs(count - due) <= max(0.1 * 4 * due, 3)


def test_a_continuation_counts_only_what_is_new(bundle: Bundle) -> None:
    prompt = slice_bars(chorale(5), 0, 2)
    take = continue_(bundle, prompt, bars=8, seed=2, wishes=Wishes(density=Density(2)))[0]
    new = (take.score.notes["onset"] >= prompt.end_ticks).sum()
    assert new == pytest.approx(64, abs=6.4)


def test_a_take_with_a_density_replays(bundle: Bundle) -> None:
    wish = Wishes(density=Density(3, "second"), ending="cadence")
    take = generate(bundle, bars=4, seed=8, wishes=wish)[0]
    assert replay(bundle, take.score).same


def test_a_row_that_always_begins_notes_cannot_have_few() -> None:
    with pytest.raises(SegueError, match="there are 2 a beat at least"):
        played(fitted("note_chord", {}), Wishes(density=Density(1)), 4,
               frames=False, independent=False)  # fmt: skip


def test_text_that_tells_its_times_late_is_refused() -> None:
    with pytest.raises(SegueError, match="abc_text does not say where notes begin"):
        played(encodings.get("abc_text"), Wishes(density=Density(1)), 4,
               frames=False, independent=False)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [("2", Density(2)), ("2.5/beat", Density(2.5)), ("6/s", Density(6, "second")),
     ("6 a second", Density(6, "second")), (" .5 / beat", Density(0.5))],
)  # fmt: skip
def test_densities_as_they_are_written(text: str, found: Density) -> None:
    assert density(text) == found
    assert density(found.name) == found


@pytest.mark.parametrize("text", ["", "many", "2/bar", "-1", "0", "1e9", "2//s", "200"])
def test_other_words_are_one_sentence(text: str) -> None:
    with pytest.raises(SegueError, match="the density came as"):
        density(text)


def test_rows_begin_as_many_notes_as_are_decoded() -> None:
    music = chorale(1)
    for name, options in KINDS:
        encoding = fitted(name, options)
        encoded = encoding.encode(music)
        rows = encoding.adapt(encoded.rows).astype(np.int64)
        decides = deciding(encoding)
        assert decides is not None
        assert decides.begun(rows).sum() == len(encoding.decode(rows.astype(np.uint16)))
    for options in ROLLS:
        roll = encodings.get("piano_roll", **options)
        rows = roll.encode(music).rows.astype(np.int64)
        cells = cells_begin(roll, np.pad(rows, ((1, 0), (0, 0)))[:-1])
        assert cells is not None
        begun = np.take_along_axis(cells, rows[..., None], axis=2).sum()
        assert begun == len(roll.decode(rows.astype(np.uint16)))


def test_counts_above_are_those_of_all_ways() -> None:
    chances = np.array([[0.2, 0.7, 0.5, 0.0, 0.9]])
    table = _counts_above(chances)[0]
    for c in range(6):
        rest = chances[0, c:]
        by_hand = np.zeros(table.shape[1])
        for on in itertools.product((0, 1), repeat=len(rest)):
            by_hand[sum(on)] += np.prod(np.where(on, rest, 1 - rest))
        np.testing.assert_allclose(table[c], by_hand, atol=1e-12)
    inside = _between(table[None, 0], np.array([1]), np.array([2]))
    assert inside[0] == pytest.approx(table[0, 1:3].sum())


@pytest.mark.parametrize("options", ROLLS, ids=str)
def test_masks_alone_keep_rolls_to_their_chords(options: dict[str, Any]) -> None:
    encoding = encodings.get("piano_roll", **options)
    wishes = Wishes(chords=chart("C F#"))
    for score in played(encoding, wishes, 4, frames=True, independent=True):
        _, proof = wishes.fitted(score)
        assert proof["moved_notes"] <= 0.02 * len(score.notes)
