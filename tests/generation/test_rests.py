"""Rests that are no longer than a recipe allows, from a model that loves silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue import encodings
from segue.encodings.base import Encoding
from segue.encodings.compound import Compound
from segue.generation.engine import Floats, IntRows, State
from segue.generation.guides import Steps
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.steering import steering
from segue.generation.wishes import Wishes
from segue.score import Score, tidy

STEPS = 12


class Silence:
    """An engine whose logits are the farther a symbol moves on the higher; else noise."""

    name = "silence"
    window = 0
    frames = independent = False

    def __init__(self, encoding: Encoding) -> None:
        self.sizes = encoding.layout.sizes
        self.rng = np.random.default_rng(2)

    def start(self, batch: int) -> State:
        return State(batch, None, ())

    def step(self, rows: IntRows, state: State) -> State:
        return state

    def columns(self, state: State) -> Any:
        def ask(column: int, row: IntRows) -> Floats:
            logits = self.rng.standard_normal((state.batch, self.sizes[column]))
            if column == 0:
                logits += np.linspace(0, 8, self.sizes[0])
                logits[:, 2] += 9  # a rest
            return logits.astype(np.float32)

        return ask

    def fork(self, state: State, copies: int) -> State:
        return State(state.batch * copies, None, ())

    def playing(self, state: State, copies: int) -> State:
        return self.fork(state, copies)


def longest_gap(encoding: Compound, rest: float, wishes: Wishes) -> float:
    """The most beats between two notes, or from the start to the first, over four takes."""
    empty = Score(480)
    first = encoding.opening().astype(np.int64)
    told = steering(wishes, encoding, empty, (0, 64 * 480), 4, rest)
    guide = Steps(encoding, 4, first, most_rows=4000, **told)
    gaps = []
    for rows in Player(Silence(encoding), Sampling(), encoding).play(
        State(4, None, ()), guide, [1, 2, 3, 4]
    ):
        whole = np.concatenate([first, rows]).astype(np.uint16)
        onsets = np.unique(tidy(encoding.decode(whole)).notes["onset"]) / 480
        gaps.append(np.diff(np.append(0, onsets)).max())
    return float(max(gaps))


@pytest.mark.parametrize("options", [{}, {"pedal": "shared", "tempo": "rows"}])
@pytest.mark.parametrize("rest", [1.5, 6.0])
def test_no_rest_is_longer_than_is_allowed(options: dict[str, str], rest: float) -> None:
    encoding = encodings.get("compound", max_tracks=2, drums=False, **options)
    assert isinstance(encoding, Compound)
    assert longest_gap(encoding, 0, Wishes()) > 8
    assert longest_gap(encoding, rest, Wishes()) <= rest + 1e-9
