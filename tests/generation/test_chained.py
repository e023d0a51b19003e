"""Chained frames: each column is asked for once, and what is below it is heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.encodings import get
from segue.generation.guides import Steps
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.torch_engine import TorchEngine
from segue.models.biaxial import Biaxial

PITCHES, FRAMES = 7, 20


class Counted(Biaxial):
    """Counts the columns it was asked for, and refuses to compute whole frames."""

    links = 0

    def link(self, features: Tensor, below: Tensor, *chain: Tensor) -> tuple[Tensor, ...]:
        self.links += 1
        return super().link(features, below, *chain)

    def frame(self, features: Tensor, row: Tensor) -> Tensor:
        raise AssertionError("playing runs one link a column")


def model(kind: type[Biaxial] = Biaxial) -> Any:
    torch.manual_seed(0)
    return kind((3,) * PITCHES, window=16, time=(6,), note=(4,), lowest=60)


@pytest.mark.parametrize("takes", [1, 3])
def test_a_column_is_one_link(takes: int) -> None:
    counted = model(Counted)
    engine = TorchEngine(counted)
    encoding = get("piano_roll", unit="beats", cells="both", lowest=60, highest=60 + PITCHES - 1)
    silence = np.zeros((1, PITCHES), np.int64)
    player = Player(engine, Sampling(temperature=2.0))
    guide = Steps(encoding, takes, silence, position=-1, end=FRAMES)
    rows = player.play(player.read(silence), guide, seeds=range(takes))
    assert [len(r) for r in rows] == [FRAMES] * takes
    # One frame more is drawn, which tells that the end is reached.
    assert counted.links == (FRAMES + 1) * PITCHES


def test_links_in_a_row_are_the_frame() -> None:
    whole = model()
    engine = TorchEngine(whole)
    row = np.array([[0, 1, 2, 0, 1, 0, 2], [1, 0, 0, 2, 2, 1, 0]])
    state = engine.step(row[::-1].copy(), engine.start(2))
    frame = engine.frame(state, row)
    ask = engine.columns(state)
    for column in range(PITCHES):
        np.testing.assert_allclose(ask(column, row), frame[:, column], rtol=1e-4, atol=1e-6)
