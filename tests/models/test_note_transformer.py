"""The note Transformer: causal, the same by steps as by window, and without end."""

import pytest
import torch

from segue.models.base import masked_loss
from segue.models.note_transformer import NoteTransformer, rotated

SIZES = (5, 3, 9)


@pytest.fixture
def model() -> NoteTransformer:
    torch.manual_seed(0)
    return NoteTransformer(SIZES, window=6, width=16, layers=2, heads_per_layer=2).eval()


def rows(batch: int, length: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    columns = [torch.randint(0, v, (batch, length), generator=generator) for v in SIZES]
    return torch.stack(columns, dim=-1)


@pytest.mark.parametrize("width", [16, 20])
def test_stepping_gives_the_features_of_the_window(width: int) -> None:
    torch.manual_seed(0)
    model = NoteTransformer(SIZES, window=6, width=width, layers=2, heads_per_layer=2).eval()
    window = rows(4, 6)
    state = model.start(4)
    for t in range(6):
        features, *state = model.step(window[:, t], *state)
        torch.testing.assert_close(features, model.features(window)[:, t], rtol=1e-4, atol=1e-5)


def test_a_row_does_not_see_what_follows(model: NoteTransformer) -> None:
    window = rows(2, 6)
    changed = window.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % torch.tensor(SIZES)
    before, after = model.features(window), model.features(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])


def test_only_distances_matter() -> None:
    x = torch.randn(1, 3, 2, 8)
    near, far = (rotated(x, torch.arange(3) + by) for by in (0, 40))
    products = [torch.einsum("bihd,bjhd->bhij", r, r) for r in (near, far)]
    torch.testing.assert_close(products[0], products[1], rtol=1e-3, atol=1e-4)


def test_a_full_cache_forgets_the_oldest_row(model: NoteTransformer) -> None:
    """Past its window a one-block model sees the last rows, wherever they lie in the cache."""
    torch.manual_seed(0)
    one = NoteTransformer(SIZES, window=4, width=16, layers=1, heads_per_layer=2).eval()
    long = rows(2, 11)
    state = one.start(2)
    for t in range(11):
        features, *state = one.step(long[:, t], *state)
    torch.testing.assert_close(features, one.features(long[:, -4:])[:, -1], rtol=1e-4, atol=1e-5)


def test_one_batch_can_be_learned_by_heart() -> None:
    torch.manual_seed(0)
    model = NoteTransformer(SIZES, 6, width=32, layers=2, heads_per_layer=2, dropout=0.0)
    window = rows(4, 7)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    mask = torch.ones(4, 6, dtype=torch.bool)
    for _ in range(120):
        optimiser.zero_grad()
        loss = masked_loss(model(window[:, :-1], window[:, 1:]), window[:, 1:], mask).sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="choose a multiple of 6"):
        NoteTransformer(SIZES, 6, width=16, heads_per_layer=3)


@pytest.mark.parametrize("width", [16, 24, 20])
def test_both_graphs_agree_with_torch(width: int) -> None:
    from segue.training.export import export

    torch.manual_seed(0)
    odd = NoteTransformer(SIZES, window=6, width=width, layers=2, heads_per_layer=2).eval()
    assert export(odd).max_difference < 1e-4
