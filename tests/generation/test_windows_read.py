"""An engine that reads its window anew is brought to where a prompt ends by filling the window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segue.generation.engine import read
from segue.generation.torch_engine import TorchEngine
from segue.models.image_lstm import ImageLSTM
from segue.models.velocity_lstm import VelocityLSTM
from segue.models.window_lstm import WindowLSTM

ENGINES = {
    "symbols": lambda: WindowLSTM((7,), window=5, hidden=(6, 4), dense=4),
    "frames": lambda: ImageLSTM((7,) * 3, window=5, hidden=4),
    "carried on": lambda: VelocityLSTM((7,) * 3, window=5, hidden=4, units=2),
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("length", [1, 4, 5, 6, 9])
def test_reading_at_once_is_reading_row_by_row(name: str, length: int) -> None:
    torch.manual_seed(0)
    engine = TorchEngine(ENGINES[name]())
    assert engine.window == (0 if name == "carried on" else 5)
    rows = np.random.default_rng(1).integers(0, 7, (2, length, len(engine.sizes)))
    expected = engine.start(2)
    for t in range(length):
        expected = engine.step(np.ascontiguousarray(rows[:, t]), expected)
    found = read(engine, rows)
    torch.testing.assert_close(found.features, expected.features)
    for a, b in zip(found.tensors, expected.tensors, strict=True):
        torch.testing.assert_close(a, b)


def test_nothing_read_is_the_start() -> None:
    engine = TorchEngine(ENGINES["frames"]())
    state = read(engine, np.zeros((2, 0, 3), np.int64))
    assert state.features is None
    assert not state.tensors[0].any()
