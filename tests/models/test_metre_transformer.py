"""The Transformer that counts time: causal, the same by steps as by window, aware of bars."""

import pytest
import torch

from segue.encodings import get
from segue.models.base import masked_loss
from segue.models.metre_transformer import MetreTransformer

ENCODING = get(
    "compound", steps_per_beat=4, max_tracks=2, drums=False, bars=True, ahead=8, velocity_bins=4
)
SIZES = ENCODING.layout.sizes
STEP = 3


def model_of(window=6, layers=2) -> MetreTransformer:
    torch.manual_seed(0)
    return MetreTransformer(
        SIZES, window, ENCODING.clock, width=16, layers=layers, heads_per_layer=2
    ).eval()


@pytest.fixture
def model() -> MetreTransformer:
    return model_of()


def rows(batch: int, length: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    columns = [torch.randint(0, v, (batch, length), generator=generator) for v in SIZES]
    return torch.stack(columns, dim=-1)


def row(step: int, code: int, track: int = 0) -> list[int]:
    return [STEP + step, track, code, 0, 0]


def test_stepping_gives_the_features_of_the_window(model: MetreTransformer) -> None:
    window = rows(4, 6)
    state = model.start(4)
    for t in range(6):
        features, *state = model.step(window[:, t], *state)
        torch.testing.assert_close(features, model.features(window)[:, t], rtol=1e-4, atol=1e-5)


def test_a_row_does_not_see_what_follows(model: MetreTransformer) -> None:
    window = rows(2, 6)
    changed = window.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % torch.tensor(SIZES)
    before, after = model.features(window), model.features(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])


def test_the_place_in_the_bar_is_counted_from_the_rows(model: MetreTransformer) -> None:
    bar = ENCODING.first_bar
    note = ENCODING.first_pitch + 60
    window = torch.tensor([[row(3, note), row(1, bar), row(2, note), row(4, bar), row(0, note)]])
    seen = []
    model.places.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    model.features(window)
    before = model.last_place + 1
    assert seen[0].tolist() == [[before, 0, 2, 0, 0]]
    state = model.start(1)
    for t in range(5):
        _, *state = model.step(window[:, t], *state)
    assert [int(s[0]) for s in seen[1:]] == [before, 0, 2, 0, 0]


def test_what_is_told_ahead_is_placed_where_it_sounds(model: MetreTransformer) -> None:
    """Half of the heads see no difference between a note told ahead and one at its time."""
    now, ahead = torch.tensor([[0, 0], [8, 8]])
    sounding = model._turns(now, ahead)
    later = model._turns(now, torch.tensor([8, 16]))
    cos = sounding[0].unflatten(-2, (2, 1)), later[0].unflatten(-2, (2, 1))
    assert torch.equal(cos[0][:, 0], cos[1][:, 0])
    assert not torch.equal(cos[0][1, 1], cos[1][1, 1])
    given = torch.tensor([[row(4, 60, track=2)]])
    time = torch.tensor([[4]])
    assert model._sounds_at(given, time).tolist() == [[4 + 8]]


def test_only_distances_in_time_matter() -> None:
    """A silence before everything moves all times alike, which no head can see."""
    one = model_of(layers=1)
    note = ENCODING.first_pitch
    window = torch.tensor([[row(s, note + 60 + s) for s in (0, 2, 1, 3)]])
    late = window.clone()
    late[0, 0, 0] += 8
    with torch.no_grad():
        one.embeddings[0].weight[STEP + 8] = one.embeddings[0].weight[STEP]
    torch.testing.assert_close(one.features(window), one.features(late), rtol=1e-3, atol=1e-4)


def test_a_full_cache_forgets_the_oldest_row() -> None:
    one = model_of(window=4, layers=1)
    long = torch.tensor([[row(1, ENCODING.first_pitch + p) for p in range(50, 60)]])
    state = one.start(1)
    for t in range(long.shape[1]):
        features, *state = one.step(long[:, t], *state)
    torch.testing.assert_close(features, one.features(long[:, -4:])[:, -1], rtol=1e-3, atol=1e-3)


def test_one_batch_can_be_learned_by_heart() -> None:
    model = model_of()
    window, targets = rows(2, 6), rows(2, 6, seed=2)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    mask = torch.ones(2, 6, dtype=torch.bool)
    for _ in range(200):
        loss = masked_loss(model(window, targets), targets, mask).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


def test_heads_must_come_in_two_halves() -> None:
    with pytest.raises(ValueError, match="choose an even number of heads"):
        MetreTransformer(SIZES, 6, ENCODING.clock, width=18, heads_per_layer=3)
