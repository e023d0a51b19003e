"""The blues LSTM: the melody hears the chords, the chords do not hear the melody."""

import pytest
import torch

from segue.models.blues_lstm import GATE_BIASES, BluesLSTM
from segue.training.export import export

SIZES = (2,) * 7


@pytest.fixture
def model() -> BluesLSTM:
    torch.manual_seed(0)
    return BluesLSTM(SIZES, window=6, hidden=4, chord_columns=3).eval()


def test_stepping_gives_the_features_of_the_window(model: BluesLSTM) -> None:
    rows = torch.randint(0, 2, (4, 6, 7))
    state = model.start(4)
    for t in range(6):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, model.features(rows)[:, t])


def test_only_the_melody_hears_both(model: BluesLSTM) -> None:
    rows = torch.randint(0, 2, (1, 6, 7))
    before = torch.stack(model(rows, rows), dim=-2)
    for changed, heard_by in (((0, 3), slice(0, 7)), ((3, 7), slice(3, 7))):
        other = rows.clone()
        other[:, 2, slice(*changed)] ^= 1
        after = torch.stack(model(other, rows), dim=-2)
        moved = (before[0, 3] != after[0, 3]).any(dim=-1)
        assert moved.tolist() == [i in range(*heard_by.indices(7)) for i in range(7)]


def test_pitches_are_independent_bits(model: BluesLSTM) -> None:
    features = torch.randn(2, 4 + 4 + 7)
    silent, full = torch.zeros(2, 7, dtype=torch.long), torch.ones(2, 7, dtype=torch.long)
    for a, b in zip(model.heads(features, silent), model.heads(features, full), strict=True):
        torch.testing.assert_close(a, b)
        assert not a[:, 0].any()


def test_gates_open_by_quarters() -> None:
    model = BluesLSTM((2,) * 25, window=6)
    _, forget, _, output = model.chords.bias_ih_l0.chunk(4)
    assert output.tolist() == [b for b in GATE_BIASES for _ in range(2)]
    assert forget.tolist() == [-b for b in GATE_BIASES for _ in range(2)]


def test_training_flips_bits_and_playing_does_not() -> None:
    torch.manual_seed(0)
    model = BluesLSTM(SIZES, window=6, hidden=4, chord_columns=3, noise=0.3)
    rows = torch.zeros(40, 6, 7, dtype=torch.long)
    flipped = model.features(rows)[..., 8:]
    assert set(flipped.unique().tolist()) == {0, 1}
    assert 0.2 < flipped.mean() < 0.4
    assert not model.eval().features(rows)[..., 8:].any()


def test_both_graphs_agree_with_torch(model: BluesLSTM) -> None:
    assert export(model).max_difference < 1e-5


@pytest.mark.parametrize(
    ("sizes", "chords", "sentence"),
    [((2, 3), 1, "columns of two symbols"), ((2, 2), 2, "chord_columns came as 2; 1 to 1")],
)
def test_other_rows_are_refused(sizes: tuple[int, ...], chords: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BluesLSTM(sizes, window=5, chord_columns=chords)
