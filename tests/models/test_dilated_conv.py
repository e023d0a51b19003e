"""Dilated convolutions: causal, the same by steps as by window, and hearing 2^n rows."""

import pytest
import torch

from segue.models.base import masked_loss
from segue.models.dilated_conv import DilatedConv
from segue.training.export import export

SIZES = (5, 3, 9)


@pytest.fixture
def model() -> DilatedConv:
    torch.manual_seed(0)
    return DilatedConv(SIZES, window=12, width=8, layers=3, stacks=2).eval()


def rows(batch: int, length: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    columns = [torch.randint(0, v, (batch, length), generator=generator) for v in SIZES]
    return torch.stack(columns, dim=-1)


def test_stepping_gives_the_features_of_the_window(model: DilatedConv) -> None:
    """Beyond the window too: there is no end to it."""
    window = rows(4, 40)
    whole = model.features(window)
    state = model.start(4)
    for t in range(40):
        features, *state = model.step(window[:, t], *state)
        torch.testing.assert_close(features, whole[:, t], rtol=1e-4, atol=1e-5)


def test_it_hears_just_so_many_rows(model: DilatedConv) -> None:
    assert model.hears == 1 + 2 * (1 + 2 + 4)
    window = rows(1, 30)
    for back, heard in ((model.hears, True), (model.hears + 1, False)):
        changed = window.clone()
        changed[:, 30 - back] = (changed[:, 30 - back] + 1) % torch.tensor(SIZES)
        same = torch.equal(model.features(window)[:, -1], model.features(changed)[:, -1])
        assert same is not heard


def test_a_row_does_not_see_what_follows(model: DilatedConv) -> None:
    window = rows(2, 12)
    changed = window.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % torch.tensor(SIZES)
    torch.testing.assert_close(model.features(window)[:, :7], model.features(changed)[:, :7])


def test_both_graphs_agree_with_torch(model: DilatedConv) -> None:
    assert export(model).max_difference < 1e-4


def test_one_batch_can_be_learned_by_heart() -> None:
    torch.manual_seed(0)
    model = DilatedConv(SIZES, window=6, width=24, layers=3, stacks=1, dropout=0.0)
    window = rows(4, 7)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    mask = torch.ones(4, 6, dtype=torch.bool)
    for _ in range(150):
        optimiser.zero_grad()
        loss = masked_loss(model(window[:, :-1], window[:, 1:]), window[:, 1:], mask).sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1
