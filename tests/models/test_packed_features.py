"""Models that pack: a window of several pieces is learned as those pieces alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from segue import models
from segue.models.base import SequenceModel
from segue.models.note_lstm import NoteLSTM
from segue.models.note_transformer import NoteTransformer
from segue.models.packing import Apart
from segue.models.recurrent import LSTM
from segue.models.symbol_lstm import SymbolLSTM

MADE: dict[str, Callable[[], SequenceModel]] = {
    "note-lstm": lambda: NoteLSTM((5, 3, 9), 20, embedding=8, hidden=12, layers=3),
    "symbol-lstm": lambda: SymbolLSTM((30,), 20, hidden=(16, 12)),
    "note-transformer": lambda: NoteTransformer((5, 3, 9), 20, width=16, layers=2),
}
# Windows of three pieces, of one, and of two with nothing after them.
LENGTHS = ((4, 13, 3), (20,), (9, 6))

every = pytest.mark.parametrize("name", MADE)


def window(model: SequenceModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of three windows, (3, 20, C), and the segments in them."""
    generator = torch.Generator().manual_seed(1)
    columns = [torch.randint(0, v, (3, 20), generator=generator) for v in model.sizes]
    segments = torch.full((3, 20), -1)
    for n, lengths in enumerate(LENGTHS):
        numbers = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
        segments[n, : len(numbers)] = numbers
    return torch.stack(columns, dim=-1), segments


def alone(model: SequenceModel, rows: torch.Tensor) -> list[tuple[int, int, int, torch.Tensor]]:
    """Window, first row, row after the last, and features of each piece by itself."""
    found = []
    for n, lengths in enumerate(LENGTHS):
        first = 0
        for length in lengths:
            piece = rows[n : n + 1, first : first + length]
            found.append((n, first, first + length, model.features(piece)[0]))
            first += length
    return found


@every
def test_features_are_those_of_the_pieces_alone(name: str) -> None:
    torch.manual_seed(0)
    model = MADE[name]().eval()
    rows, segments = window(model)
    packed = model.packed_features(rows, segments)
    for n, first, last, features in alone(model, rows):
        torch.testing.assert_close(packed[n, first:last], features)
    assert not torch.allclose(packed[0, 4:17], model.features(rows)[0, 4:17])
    assert torch.isfinite(packed).all()


@every
def test_gradients_are_those_of_the_pieces_alone(name: str) -> None:
    torch.manual_seed(0)
    model = MADE[name]().eval()
    rows, segments = window(model)
    targets = rows.roll(-1, dims=1)
    together = segments >= 0
    model.packed_objective(rows, targets, together, segments).backward()
    packed = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    for n, first, last, _ in alone(model, rows):
        one = slice(n, n + 1), slice(first, last)
        model.objective(rows[one], targets[one], together[one]).backward()
    for parameter, wanted in model.named_parameters():
        if wanted.grad is not None:
            torch.testing.assert_close(packed[parameter], wanted.grad, atol=1e-5, rtol=1e-4)


def test_only_models_that_pack_say_so() -> None:
    for name in models.MODELS:
        cls = models.find(name)
        made = getattr(cls, "packed_features", SequenceModel.packed_features)
        own = made is not SequenceModel.packed_features
        assert cls.packs == own, name
    assert {name for name in models.MODELS if models.find(name).packs} == set(MADE)


def test_a_step_is_put_between_pieces() -> None:
    apart = Apart(torch.tensor([[0, 0, 1, 1, 1, 2], [0, 0, 0, 0, -1, -1]]))
    assert apart.places.tolist() == [[0, 1, 3, 4, 5, 7], [0, 1, 2, 3, 5, 6]]
    assert apart.resets.nonzero().tolist() == [[0, 2], [0, 6], [1, 4], [1, 7]]
    x = torch.arange(12.0).reshape(2, 6, 1) + 1
    assert apart.spread(x)[0, :, 0].tolist() == [1, 2, 0, 3, 4, 5, 0, 6]
    assert torch.equal(apart.gathered(apart.spread(x)), x)


@pytest.mark.parametrize("half", [False, True])
def test_a_state_is_forgotten_to_the_last_bit(half: bool) -> None:
    torch.manual_seed(0)
    layer = LSTM(6, 10)
    x = torch.randn(2, 9, 6) * 5
    resets = torch.zeros(2, 9, dtype=torch.bool)
    resets[:, 4] = True
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        out = layer.forgetting(x, resets)
        before, _ = layer(x[:, :4])
        after, _ = layer(x[:, 5:])
    assert torch.equal(out[:, :4], before)
    assert not out[:, 4].any()
    assert torch.equal(out[:, 5:], after)
