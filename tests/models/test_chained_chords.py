"""Chords: cells are silent, struck or held; a column hears those below it and no other."""

import pytest
import torch

from segue.models.chords import NEAR, OLDEST, SILENT, STATES, STRUCK, Chords

C, H, BINS = 30, 8, 4


def chords(bins: int = BINS) -> Chords:
    torch.manual_seed(0)
    layer = Chords(H, C, bins=bins, units=5)
    for weight in layer.parameters():
        weight.data += 0.3 * torch.randn_like(weight)
    return layer.eval()


def frames(bins: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, bins + 2, (*shape, C))


def test_symbols_are_states_and_velocities() -> None:
    row = torch.tensor([0, 1, 4, 5] + [0] * (C - 4))
    assert chords().states(row)[:4].tolist() == [0, 1, 1, 2]
    assert chords().loudness(row)[:4].tolist() == [0, 0.25, 1, 0]


def test_ages_count_from_the_last_onset() -> None:
    rows = torch.zeros(1, 6, C, dtype=torch.long)
    rows[0, :, 0] = torch.tensor([5, 3, 5, 0, 1, 5])
    layer = chords()
    assert layer.ages(rows)[0, :, 0].tolist() == [OLDEST, 0, 1, 2, 0, 1]
    age = layer.unheard(1)
    for t in range(6):
        age = layer.older(age, rows[:, t])
        assert age.tolist() == layer.ages(rows)[:, t].tolist()


@pytest.mark.parametrize("bins", [1, BINS])
def test_a_column_hears_those_below_it_alone(bins: int) -> None:
    layer, rows = chords(bins), frames(bins, 2)
    told = layer.of_columns(torch.randn(2, H), rows, torch.full((2, C), 3))
    row = frames(bins, 2)
    before = layer.frame(told, row)
    for column in (0, 3, C - 1):
        other = row.clone()
        other[:, column] = (other[:, column] + 1) % (bins + 2)
        moved = (layer.frame(told, other) != before).flatten(2).any(-1).any(0)
        assert not moved[: column + 1].any()
        assert moved[column + 1 : column + 1 + NEAR].all()


@pytest.mark.parametrize("bins", [1, BINS])
def test_links_say_what_the_frame_says(bins: int) -> None:
    layer, row = chords(bins), frames(bins, 3)
    told = layer.of_columns(torch.randn(3, H), frames(bins, 3), torch.full((3, C), 3))
    expected, chain = layer.frame(told, row), layer.chain(3)
    for c in range(C):
        below = row[:, c - 1 : c] if c else torch.zeros(3, 1, dtype=torch.long)
        logits, *chain = layer.link(told[:, c], below, *chain)
        torch.testing.assert_close(logits, expected[:, c], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("bins", [1, BINS])
def test_nats_are_those_of_the_frame(bins: int) -> None:
    layer, features, rows = chords(bins), torch.randn(7, H), frames(bins, 7)
    ages, targets = torch.randint(0, OLDEST + 1, (7, C)), frames(bins, 7)
    logits = layer.frame(layer.of_columns(features, rows, ages), targets)
    assert logits.shape == (7, C, bins + 2)
    whole = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="sum"
    )
    nats = layer.nats(features, rows, ages, targets)
    assert nats.shape == ((1,) if bins == 1 else (2,))
    torch.testing.assert_close(nats.sum(), whole, rtol=1e-4, atol=1e-2)


def test_silence_is_never_held_and_most_cells_stay() -> None:
    torch.manual_seed(0)
    layer = Chords(H, C)
    rows = torch.zeros(1, C, dtype=torch.long)
    rows[:, 5] = STRUCK
    told = layer.of_columns(torch.randn(1, H), rows, layer.unheard(1))
    p = layer.frame(told, rows).softmax(-1)[0]
    assert p.shape == (C, STATES)
    silent = torch.arange(C) != 5
    assert (p[silent, -1] < 1e-9).all()
    assert p[silent, SILENT].mean() > 0.9
    assert p[5, -1] > 0.5
