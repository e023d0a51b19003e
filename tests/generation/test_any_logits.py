"""Whatever a model says, what is played decodes, and no note hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from music import chorale
from segue import encodings
from segue.encodings.base import Encoding
from segue.generation.engine import Floats, IntRows, State
from segue.generation.guides import Steps
from segue.generation.harmony import key
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.timing import pitch_masks, steps_at
from segue.generation.wishes import Wishes
from segue.score import slice_ticks, tidy

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("compound", {}),
    ("compound", {"pedal": "rows", "tempo": "rows", "max_tracks": 3}),
    ("compound", {"unit": "seconds"}),
    (
        "compound",
        {
            "pedal": "shared",
            "tempo": "rows",
            "about": True,
            "bars": True,
            "ahead": 48,
            "max_tracks": 2,
            "drums": False,
        },
    ),
    ("performance", {}),
    ("performance", {"pedal": "rows"}),
    ("note_time", {}),
    ("note_time", {"pedal": "rows"}),
    ("note_chord", {}),
    ("note_chord", {"rhythm": True}),
    ("note_chord", {"octaves": True, "rhythm": True}),
    ("piano_roll", {"unit": "beats", "cells": "both", "lowest": 40, "highest": 60}),
    ("piano_roll", {"unit": "seconds", "lowest": 40, "highest": 60}),
    ("nes_events", {}),
    ("nes_events", {"levels": True}),
    ("nes_events", {"split": True}),
    ("melody", {}),
]


class Noise:
    """An engine whose logits are noise, sharp enough that every corner is reached."""

    name = "noise"
    frames = False
    independent = False
    window = 0

    def __init__(self, encoding: Encoding, seed: int) -> None:
        self.sizes = encoding.layout.sizes
        self.rng = np.random.default_rng(seed)

    def start(self, batch: int) -> State:
        return State(batch, None, ())

    def step(self, rows: IntRows, state: State) -> State:
        return state

    def logits(self, state: State, column: int, row: IntRows) -> Floats:
        return (4 * self.rng.standard_normal((state.batch, self.sizes[column]))).astype(np.float32)

    def columns(self, state: State) -> Callable[[int, IntRows], Floats]:
        return lambda column, row: self.logits(state, column, row)

    def frame(self, state: State, row: IntRows) -> Floats:
        raise NotImplementedError

    def fork(self, state: State, copies: int) -> State:
        return State(state.batch * copies, None, ())

    playing = fork


def fitted(name: str, options: dict[str, Any]) -> Encoding:
    """The encoding with a vocabulary of three chorales, where it has to have one."""
    encoding = encodings.get(name, **options)
    rows = np.concatenate([encoding.encode(chorale(i)).rows for i in range(3)])
    counts = [
        np.bincount(rows[:, k], minlength=size) for k, size in enumerate(encoding.layout.sizes)
    ]
    return encoding.fit(counts)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_noise_is_music(name: str, options: dict[str, Any], seed: int) -> None:
    encoding = fitted(name, options)
    header = encoding.encode(chorale(0)).header
    empty = encoding.decode(np.zeros((0, len(encoding.layout.sizes)), np.uint16), header)
    end_ticks = int(empty.metre_map.ticks(4))
    first = encoding.opening().astype(np.int64)
    wishes = Wishes(key=key("D minor"), lowest=45, highest=55)
    player = Player(Noise(encoding, seed), Sampling(), encoding)
    guide = Steps(
        encoding, 3, first,
        position=0 if len(first) else -1,
        end=steps_at(encoding, empty, end_ticks),
        most_rows=300,
        pitches=pitch_masks(wishes, encoding, empty, 0),
    )  # fmt: skip
    played = player.play(player.engine.start(3), guide, [1, 2, 3])
    for rows in played:
        whole = np.concatenate([first, rows]).astype(np.uint16)
        score = tidy(slice_ticks(encoding.decode(whole, header), 0, end_ticks))
        ends = score.notes["onset"] + score.notes["duration"]
        assert (score.notes["duration"] > 0).all()
        assert ends.max(initial=0) <= end_ticks, "a note hangs"
        score, proof = wishes.fitted(score)
        assert proof["key"]["kept"]
        assert proof["range"]["kept"]
        again = encoding.encode(score)
        encoding.decode(encoding.adapt(again.rows), again.header)
