"""The seeds' stacked LSTM: counts as Keras prints them, and what a window is."""

import pytest
import torch

from segue.models.base import layer_table, parameter_count
from segue.models.window_lstm import WindowLSTM


def test_the_counts_of_2017_are_exact() -> None:
    model = WindowLSTM((352,), window=100)
    assert parameter_count(model) == 5_472_864
    by_layer = [row["parameters"] for row in layer_table(model) if row["parameters"]]
    assert by_layer == [1_052_672, 2_099_200, 2_099_200, 131_328, 90_464]


def test_a_step_reads_what_forward_reads() -> None:
    model = WindowLSTM((7,), window=5, hidden=(8, 8), dense=4).eval()
    rows = torch.randint(0, 7, (3, 5, 1))
    state = model.start(3)
    for t in range(5):
        features, *state = model.step(rows[:, t], *state)
    torch.testing.assert_close(features, model.features(rows))


def test_the_second_bias_stays_zero() -> None:
    model = WindowLSTM((7,), window=5, hidden=(8, 8), dense=4)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    model(torch.randint(0, 7, (3, 5, 1)), torch.zeros(3, 1))[0].sum().backward()
    optimiser.step()
    assert all(not layer.bias_hh_l0.any() for layer in model.layers)


def test_more_than_one_column_is_refused() -> None:
    with pytest.raises(ValueError, match="one column; the encoding has 2"):
        WindowLSTM((7, 3), window=5)
