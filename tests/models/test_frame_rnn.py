"""The plain recurrent net over frames: one answer by window, by parts and by step."""

import pytest
import torch
from torch import Tensor

from segue.models.frame_rnn import FrameRNN
from segue.training.export import export

SIZES = (2,) * 10


def net(cell: str, **options: float) -> FrameRNN:
    torch.manual_seed(0)
    return FrameRNN(SIZES, window=8, cell=cell, hidden=7, layers=2, **options)  # type: ignore[arg-type]


def music(batch: int, frames: int) -> Tensor:
    drawn = torch.rand(batch, frames, len(SIZES), generator=torch.Generator().manual_seed(1))
    return (drawn < 0.25).long()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_steps_and_parts_give_the_features_of_the_window(cell: str) -> None:
    model, rows = net(cell).eval(), music(3, 9)
    whole, state = model.features(rows), model.start(3)
    first, *carried = model.read(rows[:, :4], *state)
    rest, *_ = model.read(rows[:, 4:], *carried)
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole)
    for t in range(9):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, whole[:, t])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_onnx_form_agrees(cell: str) -> None:
    exported = export(net(cell))
    assert exported.max_difference is not None
    assert exported.max_difference < 1e-5


def test_the_count_is_that_of_one_biased_layer() -> None:
    """200 units on 88 keys: 4(200(88+200)+200) in the layer and 201 weights for each key."""
    model = FrameRNN((2,) * 88, window=8, hidden=200)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == 4 * (200 * 288 + 200) + 88 * 201


def test_whole_masks_are_dropped_in_training_only() -> None:
    model, rows = net("gru", dropout=0.5), music(1, 6)
    torch.testing.assert_close(model.eval().features(rows), model.features(rows))
    features = model.train().features(rows)
    assert not torch.allclose(features, model.features(rows))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"sizes": (3,) * 4}, "two symbols a key"), ({"cell": "rnn"}, '"lstm" or "gru"')],
)
def test_what_it_cannot_be_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FrameRNN(**{"sizes": SIZES, "window": 8, **change})  # type: ignore[arg-type]
