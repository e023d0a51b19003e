"""The biaxial LSTM: Johnson's inputs and count, and one answer by window, step and link."""

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.models.base import parameter_count
from segue.models.biaxial import INPUTS, Biaxial
from segue.training.export import export

SIZES = (3,) * 26


@pytest.fixture
def model() -> Biaxial:
    torch.manual_seed(0)
    return Biaxial(SIZES, window=16, time=(6, 5), note=(4, 3), lowest=50).eval()


def music(batch: int, frames: int, seed: int = 1) -> Tensor:
    """Cells of which a quarter sound."""
    drawn = torch.rand(batch, frames, len(SIZES), generator=torch.Generator().manual_seed(seed))
    return (drawn < 0.25).long() + (drawn < 0.12).long()


def test_the_count_is_that_of_the_source() -> None:
    assert parameter_count(Biaxial((3,) * 78, window=128)) == 1_369_902


def test_inputs_are_those_of_the_source(model: Biaxial) -> None:
    """Pitches from D3 (50): E3 is struck and G3 held, in the sixth sixteenth of a bar."""
    row = torch.zeros(1, len(SIZES), dtype=torch.long)
    row[0, 2], row[0, 5] = 1, 2
    told = model.inputs(row, torch.tensor([5]))[0].numpy()
    assert told.shape == (26, INPUTS) == (26, 80)
    place, pitch_class, near, context, beat, zero = np.split(told[4], [1, 13, 63, 75, 79])
    assert place == pytest.approx(4 / 25)
    assert pitch_class.tolist() == [float(c == 6) for c in range(12)], "F sharp"
    sounds, struck = near.reshape(25, 2).T
    assert np.flatnonzero(sounds).tolist() == [12 - 2, 12 + 1]
    assert np.flatnonzero(struck).tolist() == [12 - 2]
    assert np.flatnonzero(context).tolist() == [1, 10], "G is one above, E ten above F sharp"
    assert beat.tolist() == [1, -1, 1, -1], "5 is 1 + 4"
    assert zero.tolist() == [0]
    low = np.split(told[0], [1, 13, 63])[2].reshape(25, 2)
    assert np.flatnonzero(low[:, 0]).tolist() == [12 + 2, 12 + 5], "below the lowest is silence"


def test_context_counts_octaves(model: Biaxial) -> None:
    row = torch.zeros(1, len(SIZES), dtype=torch.long)
    row[0, [0, 12, 24]] = torch.tensor([1, 2, 1])
    context = model.inputs(row, torch.tensor([0]))[0, 0, 63:75]
    assert context.tolist() == [3, *[0] * 11]


def test_stepping_gives_the_features_of_the_window(model: Biaxial) -> None:
    """Beyond a bar too, where the place in the bar begins anew."""
    rows = music(3, 40)
    state = model.start(3)
    for t in range(40):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, model.features(rows)[:, t])


def test_links_give_the_frame_and_probabilities_sum_to_one(model: Biaxial) -> None:
    features, row = torch.randn(4, 26, 5), music(4, 1)[:, 0]
    frame = model.frame(features, row)
    torch.testing.assert_close(frame.exp().sum(dim=-1), torch.ones(4, 26))
    chain = model.chain(4)
    below = torch.zeros(4, 1, dtype=torch.long)
    for column in range(26):
        logits, *chain = model.link(features[:, column], below, *chain)
        torch.testing.assert_close(logits, frame[:, column])
        below = row[:, column : column + 1]


def test_a_pitch_hears_those_chosen_below_it_and_none_above(model: Biaxial) -> None:
    features, row = torch.randn(1, 26, 5), music(1, 1)[:, 0]
    other = row.clone()
    other[0, 10] = (other[0, 10] + 1) % 3
    moved = (model.frame(features, row) != model.frame(features, other)).any(dim=-1)[0]
    assert not moved[:11].any()
    assert moved[11:14].all()


def test_music_moved_by_an_octave_is_the_same_music(model: Biaxial) -> None:
    """Along time pitches differ by their place on the keyboard alone, and by its ends."""
    model.place.zero_()
    rows = torch.zeros(1, 16, 26, dtype=torch.long)
    rows[:, :, 13] = music(1, 16)[:, :, 0]
    moved = rows.roll(-1, dims=2)
    assert not torch.allclose(model.features(rows)[:, :, 13], model.features(moved)[:, :, 12])
    higher = Biaxial(SIZES, window=16, time=(6, 5), note=(4, 3), lowest=51).eval()
    higher.load_state_dict(model.state_dict())
    higher.place.zero_()
    here, there = model.features(rows)[:, :, 13], higher.features(moved)[:, :, 12]
    torch.testing.assert_close(here, there)


def test_both_graphs_agree_with_torch(model: Biaxial) -> None:
    exported = export(model)
    assert set(exported.onnx) == {"model.onnx", "column.onnx"}
    assert exported.max_difference is not None
    assert exported.max_difference < 1e-5


def test_one_batch_can_be_learned_by_heart() -> None:
    """Dropout takes the same units away for a whole sequence, and nothing without it."""
    torch.manual_seed(0)
    model = Biaxial((3,) * 14, window=8, time=(24,), note=(16,), dropout=0.0)
    rows = music(2, 9)[:, :, :14]
    mask = torch.ones(2, 8, dtype=torch.bool)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    first = 0.0
    for _ in range(150):
        optimiser.zero_grad()
        nats = model.scores(rows[:, :-1], rows[:, 1:], mask).sum() / mask.sum()
        nats.backward()
        optimiser.step()
        first = first or nats.item()
    assert nats.item() < 0.15 * first


def test_dropout_is_the_same_along_a_sequence() -> None:
    torch.manual_seed(0)
    model = Biaxial(SIZES, window=4, time=(8,), note=(4,), dropout=0.5)
    features = model.features(music(2, 4))
    gone = features == 0
    assert 0.2 < gone.float().mean() < 0.8
    assert torch.equal(gone[:, 0], gone[:, 3])


def test_other_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="columns of three symbols"):
        Biaxial((2,) * 5, window=8)
