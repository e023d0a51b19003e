"""The note LSTM and its GRU form: steps equal windows, heads see only the columns before them."""

import pytest
import torch

from segue.errors import RecipeError
from segue.models.base import masked_loss
from segue.models.note_lstm import NoteLSTM

SIZES = (5, 3, 9)


@pytest.fixture(params=["lstm", "gru"])
def model(request: pytest.FixtureRequest) -> NoteLSTM:
    torch.manual_seed(0)
    return NoteLSTM(SIZES, window=6, embedding=8, hidden=12, cell=request.param).eval()


def rows(batch: int, length: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    columns = [torch.randint(0, v, (batch, length), generator=generator) for v in SIZES]
    return torch.stack(columns, dim=-1)


def test_stepping_gives_the_features_of_the_window(model: NoteLSTM) -> None:
    window = rows(4, 6)
    state = model.start(4)
    for t in range(6):
        features, *state = model.step(window[:, t], *state)
        torch.testing.assert_close(features, model.features(window)[:, t])


def test_a_head_sees_only_the_columns_before_it(model: NoteLSTM) -> None:
    features = torch.randn(2, 12)
    row = rows(2, 1)[:, 0]
    for column in range(3):
        changed = row.clone()
        changed[:, column:] = (changed[:, column:] + 1) % torch.tensor(SIZES[column:])
        before, after = model.heads(features, row), model.heads(features, changed)
        for k in range(column + 1):
            torch.testing.assert_close(before[k], after[k])
    other = row.clone()
    other[:, 0] = (other[:, 0] + 1) % SIZES[0]
    assert not torch.equal(model.heads(features, row)[1], model.heads(features, other)[1])


def test_the_loss_does_not_change_with_padding(model: NoteLSTM) -> None:
    window = rows(2, 7)
    inputs, targets = window[:, :-1], window[:, 1:]
    alone = masked_loss(model(inputs, targets), targets, torch.ones(2, 6, dtype=torch.bool))
    padded = torch.cat([targets, torch.zeros(2, 3, 3, dtype=torch.long)], dim=1)
    longer = torch.cat([inputs, torch.zeros(2, 3, 3, dtype=torch.long)], dim=1)
    mask = torch.zeros(2, 9, dtype=torch.bool)
    mask[:, :6] = True
    torch.testing.assert_close(masked_loss(model(longer, padded), padded, mask), alone)


def test_one_batch_can_be_learned_by_heart() -> None:
    torch.manual_seed(0)
    model = NoteLSTM(SIZES, window=6, embedding=16, hidden=32, dropout=0.0)
    window = rows(4, 7)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    mask = torch.ones(4, 6, dtype=torch.bool)
    for _ in range(150):
        optimiser.zero_grad()
        loss = masked_loss(model(window[:, :-1], window[:, 1:]), window[:, 1:], mask).sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


def test_a_gru_carries_no_cell_and_keeps_no_pieces_apart() -> None:
    model = NoteLSTM(SIZES, window=6, embedding=8, hidden=12, cell="gru")
    assert len(model.start(1)) == 2
    assert len(NoteLSTM(SIZES, window=6, embedding=8, hidden=12).start(1)) == 4
    with pytest.raises(RecipeError, match=r"leave data\.pack out"):
        model.packed_features(rows(1, 6), torch.zeros(1, 6, dtype=torch.long))


def test_another_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="'rnn'; lstm and gru"):
        NoteLSTM(SIZES, window=6, cell="rnn")
