"""Nets over messages of a keyboard: the seed's counts, steps that equal windows, keys held."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue import recipes
from segue.encodings.note_time import NoteTime
from segue.errors import RecipeError
from segue.models.base import SequenceModel, parameter_count
from segue.models.note_time_gru import NoteTimeGRU
from segue.models.note_time_pair import NoteTimePair
from segue.training.export import export

SECONDS = (0.0, 0.1, 0.2, 0.5)
SIZES = (6, 5, len(SECONDS))
TWINS: dict[str, tuple[type[SequenceModel], dict[str, Any]]] = {
    "pair": (NoteTimePair, {"hidden": (8, 6, 4)}),
    "gru": (NoteTimeGRU, {"hidden": 8, "embedding": 6}),
}


def twin(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    cls, own = TWINS[name]
    return cls(SIZES, window=7, seconds=SECONDS, **{**own, **options})  # type: ignore[call-arg]


def some_rows(batch: int = 4, length: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    columns = [torch.randint(0, size, (batch, length), generator=generator) for size in SIZES]
    columns[1] *= torch.randint(0, 2, (batch, length), generator=generator)
    return torch.stack(columns, dim=-1)


def test_the_two_nets_count_as_the_seed_prints_them() -> None:
    model = NoteTimePair((88, 128, 225), 100, NoteTime().seconds.tolist())
    assert parameter_count(model.notes) == 556_632
    assert parameter_count(model.times) == 363_777


@pytest.mark.parametrize("name", TWINS)
def test_stepping_gives_the_features_of_the_window(name: str) -> None:
    model, rows = twin(name, dropout=0.5).eval(), some_rows()
    state = model.start(4)
    for t in range(7):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, model.features(rows)[:, t])


@pytest.mark.parametrize("name", TWINS)
def test_both_graphs_agree_with_torch(name: str) -> None:
    assert export(twin(name)).max_difference < 1e-4


def test_neither_net_of_the_pair_sees_what_the_other_sees() -> None:
    model, rows = twin("pair").eval(), some_rows()
    other_times, other_notes = rows.clone(), rows.clone()
    other_times[..., 2] = (rows[..., 2] + 1) % SIZES[2]
    other_notes[..., 0] = (rows[..., 0] + 1) % SIZES[0]
    notes = model.features(rows)[..., :-1]
    times = model.features(rows)[..., -1]
    torch.testing.assert_close(model.features(other_times)[..., :-1], notes)
    torch.testing.assert_close(model.features(other_notes)[..., -1], times)
    assert not torch.allclose(model.features(other_notes)[..., :-1], notes)


def test_the_time_net_learns_a_mean_and_plays_the_time_nearest_to_it() -> None:
    """Half the times are 0, half 0.2 s: a square error makes 0.1 s of them, which never occurs."""
    model = twin("pair", dropout=0.0)
    rows = torch.zeros(16, 8, 3, dtype=torch.long)
    rows[..., 2] = 2 * torch.randint(0, 2, (16, 8), generator=torch.Generator().manual_seed(3))
    inputs, targets, mask = rows[:, :-1], rows[:, 1:], torch.ones(16, 7, dtype=torch.bool)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        (model.objective(inputs, targets, mask) / mask.sum()).backward()
        optimiser.step()
    model.eval()
    played = model(inputs, targets)[2].argmax(-1)
    assert (played == 1).float().mean() > 0.9
    assert model.spread().item() == pytest.approx(10, rel=0.2)  # hundredths of a second


def test_the_scores_of_the_pair_are_nats() -> None:
    """A net that is sure of nothing scores its times by a density that covers what came."""
    model, rows = twin("pair").eval(), some_rows()
    mask = torch.ones(4, 6, dtype=torch.bool)
    scores = model.scores(rows[:, :-1], rows[:, 1:], mask)
    drawing = twin("pair", nearest=False).eval()
    logits = drawing(rows[:, :-1], rows[:, 1:])
    picked = [
        -column.log_softmax(-1).gather(-1, rows[:, 1:, k : k + 1]).sum()
        for k, column in enumerate(logits)
    ]
    torch.testing.assert_close(scores, torch.stack(picked))


def test_the_gru_knows_which_keys_are_down_and_for_how_long() -> None:
    model = twin("gru")
    rows = torch.tensor([[[2, 3, 0], [4, 1, 1], [2, 0, 3], [4, 2, 2]]])  # 2 down, 4, 2 up, 4 again
    held, long, late = model._keys_of(rows).unbind(-1)
    assert held[0].nonzero().tolist() == [[0, 2], [1, 2], [1, 4], [2, 4], [3, 4]]
    ages = torch.tensor([0.0, 0.1, 0.0, 0.5, 0.0])
    torch.testing.assert_close(long[held > 0], torch.log1p(16 * ages))
    torch.testing.assert_close(late[0, 3, 2], torch.tensor(-(0.1 + 0.5 + 0.2) / 2).exp())
    assert late[0, :, 0].max() < 1e-6  # never struck


def test_how_well_a_key_fits_is_the_same_in_every_key() -> None:
    """Three notes and the same three a major second up: each key fits as the one two below did."""
    torch.manual_seed(0)
    model = NoteTimeGRU((40, 5, 4), window=7, seconds=SECONDS, hidden=8, embedding=6).eval()
    rows = torch.tensor([[[15, 3, 0], [19, 1, 1], [15, 0, 3], [22, 2, 2]]])
    context = torch.randn(1, 4, 8)
    fits = [
        model._fits(context, model._keys_of(moved), model._classes_of(moved))
        for moved in (rows, rows + torch.tensor([2, 0, 0]))
    ]
    torch.testing.assert_close(fits[1][..., 2:], fits[0][..., :-2])
    assert fits[0].std() > 0.1


def test_pitch_classes_fade_by_their_span() -> None:
    model = twin("gru")
    rows = torch.tensor([[[2, 3, 0], [2, 0, 3], [4, 1, 3]]])  # struck, let go 0.5 s later, another
    short, long = model._classes_of(rows)[0, -1].view(2, 12)
    for share, span in ((short, 2.0), (long, 16.0)):
        faded = torch.exp(torch.tensor(-1.0 / span))
        torch.testing.assert_close(share[[2, 4]], torch.stack([faded, faded / faded]) / (2 + faded))
        assert share.nonzero().flatten().tolist() == [2, 4]


def test_the_gru_learns_to_let_go_of_what_it_struck() -> None:
    """Any key is struck, and let go next: the pitch is only known from the keys that are down."""
    model = twin("gru", dropout=0.0)
    key = torch.randint(0, SIZES[0], (16, 4), generator=torch.Generator().manual_seed(2))
    rows = torch.zeros(16, 8, 3, dtype=torch.long)
    rows[:, 0::2, 0] = rows[:, 1::2, 0] = key
    rows[:, 0::2, 1] = 3
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    mask = torch.zeros(16, 7, dtype=torch.bool)
    mask[:, 0::2] = True
    for _ in range(60):
        optimiser.zero_grad()
        loss = model.objective(rows[:, :-1], rows[:, 1:], mask) / mask.sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize("name", TWINS)
def test_other_columns_are_refused(name: str) -> None:
    cls, own = TWINS[name]
    with pytest.raises(ValueError, match="reads pitch, velocity and time"):
        cls((6, 5), window=7, seconds=SECONDS, **own)  # type: ignore[call-arg]


def test_an_encoding_that_lacks_what_the_model_asks_for_is_refused() -> None:
    recipe = recipes.load("lulea-note-time", ["encoding.name=compound"])
    with pytest.raises(RecipeError, match="asks for seconds, which the encoding compound"):
        recipes.build_model(recipe, SIZES)
