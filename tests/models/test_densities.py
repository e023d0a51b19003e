"""Discretised densities: they peak at the prediction and are as wide as they are told to be."""

import pytest
import torch

from segue.models.densities import Spread, discretised

EVERY = torch.arange(101.0)


@pytest.mark.parametrize("kind", ["normal", "laplace"])
def test_the_likeliest_symbol_is_the_nearest(kind: str) -> None:
    logits = discretised(torch.tensor([[20.2, 49.9], [-8.0, 300.0]]), EVERY, 2.0, kind)
    assert logits.shape == (2, 2, 101)
    assert logits.argmax(-1).tolist() == [[20, 50], [0, 100]]


def test_a_gaussian_is_as_wide_as_its_standard_deviation() -> None:
    p = discretised(torch.tensor(50.0), EVERY, 4.0).softmax(-1)
    mean = (p * EVERY).sum()
    assert mean.item() == pytest.approx(50, abs=1e-3)
    assert (p * (EVERY - mean) ** 2).sum().sqrt().item() == pytest.approx(4, rel=1e-3)


def test_a_laplace_is_as_wide_as_its_mean_absolute_error() -> None:
    p = discretised(torch.tensor(50.0), EVERY, torch.tensor(5.0), "laplace").softmax(-1)
    assert (p * (EVERY - 50).abs()).sum().item() == pytest.approx(5, rel=0.01)


def test_spreads_may_differ_from_prediction_to_prediction() -> None:
    p = discretised(torch.tensor([50.0, 50.0]), EVERY, torch.tensor([[1.0], [10.0]])).softmax(-1)
    assert p[0, 50] > 5 * p[1, 50]


def test_a_symbol_with_more_room_round_it_takes_more() -> None:
    """Times of 1, 2 and 10: to the flat density of a huge spread, room is all there is."""
    p = discretised(torch.tensor(2.0), torch.tensor([1.0, 2.0, 10.0]), 1e6).softmax(-1)
    torch.testing.assert_close(p, torch.tensor([1.0, 4.5, 8.0]) / 13.5)


@pytest.mark.parametrize(("kind", "expected"), [("normal", 2.0), ("laplace", 1.6)])
def test_a_spread_is_that_of_the_errors_it_saw_in_training(kind: str, expected: float) -> None:
    spread = Spread(kind)
    torch.manual_seed(0)
    for _ in range(300):
        spread.track(2 * torch.randn(200))
    assert spread().item() == pytest.approx(expected, rel=0.05)
    before = spread().item()
    spread.track(torch.zeros(0))
    spread.eval().track(torch.full((200,), 50.0))
    assert spread().item() == before


def test_a_spread_never_vanishes_and_travels_with_the_weights() -> None:
    spread = Spread()
    for _ in range(9):
        spread.track(torch.zeros(4))
    assert 0 < spread().item() < 0.01
    other = Spread()
    other.load_state_dict(spread.state_dict())
    assert other().item() == spread().item()
