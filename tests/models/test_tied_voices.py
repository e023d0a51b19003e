"""Voices told one after another: one answer by window, part and step, the same in every key."""

import pytest
import torch
from torch import Tensor

from segue.models.tied_voices import TiedVoices
from segue.training.export import export

PITCHES, REST = 30, 30
SIZES = (PITCHES + 2,) * 3


@pytest.fixture
def model() -> TiedVoices:
    torch.manual_seed(0)
    net = TiedVoices(SIZES, window=8, hidden=6, width=5).eval()
    torch.nn.init.normal_(net.chosen)
    return net


def music(batch: int, rows: int) -> Tensor:
    drawn = torch.Generator().manual_seed(1)
    return torch.randint(0, REST + 1, (batch, rows, 3), generator=drawn)


def test_steps_and_parts_give_the_features_of_the_window(model: TiedVoices) -> None:
    rows = music(2, 11)
    whole, state = model.features(rows), model.start(2)
    first, *carried = model.read(rows[:, :5], *state)
    rest, *_ = model.read(rows[:, 5:], *carried)
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole)
    for t in range(11):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, whole[:, t])


def test_what_comes_later_is_not_heard(model: TiedVoices) -> None:
    rows = music(1, 9)
    later = rows.clone()
    later[:, 5:] = (later[:, 5:] + 1) % REST
    torch.testing.assert_close(model.features(later)[:, :5], model.features(rows)[:, :5])


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_voice_is_told_of_those_before_it_only(model: TiedVoices, changed: int) -> None:
    rows = music(1, 4)
    features, other = model.features(rows), rows.clone()
    other[..., changed] = (other[..., changed] + 1) % PITCHES
    pairs = zip(model.heads(features, rows), model.heads(features, other), strict=True)
    for voice, (before, after) in enumerate(pairs):
        assert torch.equal(before, after) == (voice <= changed)


def test_higher_music_gives_higher_answers(model: TiedVoices) -> None:
    """Without what a pitch has of its own, and with an LSTM that is silent."""
    with torch.no_grad():
        model.own.zero_()
        model.maps.weight.zero_()
        model.maps.bias.zero_()
        model.whole.weight.zero_()
    rows = 14 + music(1, 6) % 3
    here, there = model.features(rows), model.features(rows + 1)
    at = slice(13 * model.width, 18 * model.width)
    up = slice(14 * model.width, 19 * model.width)
    torch.testing.assert_close(here[..., at], there[..., up])
    low, high = model.heads(here, rows), model.heads(there, rows + 1)
    for one, other in zip(low, high, strict=True):
        torch.testing.assert_close(one[..., 13:18], other[..., 14:19])


def test_the_onnx_form_agrees(model: TiedVoices) -> None:
    exported = export(model)
    assert exported.max_difference is not None
    assert exported.max_difference < 1e-5


def test_one_batch_can_be_learned_by_heart() -> None:
    torch.manual_seed(0)
    model = TiedVoices(SIZES, 8, hidden=12, width=8, dropout=0.0, drop_notes=0.0)
    rows, mask = music(2, 9), torch.ones(2, 8, dtype=torch.bool)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    nats = []
    for _ in range(80):
        optimiser.zero_grad()
        loss = model.scores(rows[:, :-1], rows[:, 1:], mask).sum() / mask.sum()
        loss.backward()
        optimiser.step()
        nats.append(loss.item())
    assert nats[-1] < 0.3 * nats[0]


def test_voices_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="voices of one size"):
        TiedVoices((32, 31), window=8)
