"""The one-hot LSTM: the counts of its sources, and steps that equal windows."""

import pytest
import torch

from segue.models.base import parameter_count
from segue.models.symbol_lstm import SymbolLSTM
from segue.training.export import export


@pytest.mark.parametrize(
    ("symbols", "hidden", "count"),
    [
        (388, (512, 512, 512), 6_242_692),  # Performance RNN with dynamics
        (1260, (512, 512), 6_376_684),  # Choi's words
        (39, (512, 512), 3_249_703),  # Choi's characters
    ],
)
def test_the_counts_are_those_of_the_sources(
    symbols: int, hidden: tuple[int, ...], count: int
) -> None:
    assert parameter_count(SymbolLSTM((symbols,), window=20, hidden=hidden)) == count


def test_stepping_gives_the_features_of_the_window() -> None:
    torch.manual_seed(0)
    model = SymbolLSTM((9,), window=6, hidden=(8, 5), dropout=0.5).eval()
    rows = torch.randint(0, 9, (4, 6, 1))
    state = model.start(4)
    for t in range(6):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, model.features(rows)[:, t])


def test_both_graphs_agree_with_torch() -> None:
    torch.manual_seed(0)
    assert export(SymbolLSTM((9,), window=6, hidden=(8, 5))).max_difference < 1e-5


def test_more_than_one_column_is_refused() -> None:
    with pytest.raises(ValueError, match="one column; the encoding has 2"):
        SymbolLSTM((7, 3), window=5)
