"""Cascades over NES events: the seed's counts, likelihoods that sum to one, lines of voices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from segue import recipes
from segue.encodings.nes_events import NesEvents
from segue.models.base import SequenceModel, parameter_count, summed_loss
from segue.models.nes_cascade import NesCascade
from segue.models.nes_symbols import NesSymbols
from segue.models.voice_cascade import VoiceCascade
from segue.training.export import export

TWINS: dict[str, dict[str, Any]] = {
    "lulea-nes-cascade": {"hidden": 6, "number_width": 8, "wait_width": 5},
    "nes-cascade": {"hidden": 8, "embedding": 6, "note_width": 3, "memory": 2},
}


def twin(name: str, window: int = 6, **options: Any) -> Any:
    changes = {**TWINS[name], **options}
    words = [f"model.{key}={value}" for key, value in changes.items()]
    recipe = recipes.load(name, [*words, f"data.window={window}"])
    return recipes.build_model(recipe, recipes.build_encoding(recipe).layout.sizes, seed=0)


def events(*words: str) -> torch.Tensor:
    """(1, T, 1) symbols from words such as "P1_NOTEON_60"."""
    names = NesEvents(end=True).names()
    return torch.tensor([[[names.index(word)] for word in words]])


def some_rows(sizes: tuple[int, ...], batch: int, length: int) -> torch.Tensor:
    """Events of all types, as likely as each other."""
    rng = np.random.default_rng(0)
    first = np.array([0, 370, 371, 447, 448, 524, 525, 613, 614])
    last = np.append(first[1:], 630)
    kind = rng.integers(0, 9, (batch, length))
    return torch.from_numpy(rng.integers(first[kind], last[kind]))[..., None]


def test_the_three_nets_count_as_the_seed_prints_them() -> None:
    recipe = recipes.load("lulea-nes-cascade")
    model = recipes.build_model(recipe, (631,), seed=0)
    assert isinstance(model, NesCascade)
    count = parameter_count
    assert count(model.lstm) + count(model.kind) == 20_106
    assert count(model.number) + count(model.number_out) == 29_917
    assert count(model.wait) + count(model.wait_out) == 4_097


def test_symbols_are_types_with_numbers_and_waits() -> None:
    symbols = twin("nes-cascade").symbols
    found = events("WT_1800", "P2_NOTEON_40", "TR_NOTEOFF", "NO_NOTEON_7", "END", "<S>")[0, :, 0]
    assert [([*symbols.names, "END"])[k] for k in symbols.kind[found]] == [
        "WT", "P2_NOTEON", "TR_NOTEOFF", "NO_NOTEON", "END", "END",
    ]  # fmt: skip
    assert symbols.number[found].tolist() == [0, 40, 0, 7, 0, 0]
    assert symbols.samples[found].tolist() == [1800, 0, 0, 0, 0, 0]
    assert symbols.voice[symbols.kind[found]].tolist() == [4, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("name", TWINS)
def test_stepping_gives_the_features_of_the_window(name: str) -> None:
    model: SequenceModel = twin(name).eval()
    rows = some_rows(model.sizes, 3, 6)
    whole, state = model.features(rows), model.start(3)
    for t in range(6):
        features, *state = model.step(rows[:, t], *state)  # type: ignore[assignment]
        if not model.many_to_one:
            torch.testing.assert_close(features, whole[:, t])
    torch.testing.assert_close(features, whole if model.many_to_one else whole[:, -1])


@pytest.mark.parametrize("name", TWINS)
def test_both_graphs_agree_with_torch(name: str) -> None:
    assert export(twin(name)).max_difference < 1e-4


@pytest.mark.parametrize("name", TWINS)
def test_its_scores_are_the_nats_of_its_logits(name: str) -> None:
    """Types, numbers and waits are scored one by one; together they are the event's."""
    options = {"in_turn": False} if name == "lulea-nes-cascade" else {}
    model = twin(name, **options).eval()
    rows = some_rows(model.sizes, 5, 7)
    inputs = rows[:, :-1]
    targets, mask = rows[:, 1:], torch.ones(5, 6, dtype=torch.bool)
    if model.many_to_one:
        targets, mask = rows[:, -1], mask[:, -1]
    logits = model(inputs, targets)[0]
    picked = -logits.gather(-1, targets).sum()
    torch.testing.assert_close(model.scores(inputs, targets, mask).sum(), picked)
    if name == "nes-cascade":
        torch.testing.assert_close(logits.exp().sum(-1), torch.ones(5, 6))
        torch.testing.assert_close(summed_loss((logits,), targets, mask).sum(), picked)


def test_in_turn_the_likeliest_type_decides_first() -> None:
    """Twenty notes share what is likelier, together, than one note-off: a note is played."""
    model = twin("lulea-nes-cascade")
    with torch.no_grad():
        model.kind.bias.zero_()
        model.kind.weight.zero_()
        model.kind.bias[2], model.kind.bias[1] = 1.0, 0.5  # P1_NOTEON, P1_NOTEOFF
        model.number_out.weight.zero_()
        model.number_out.bias.zero_()
        model.number_out.bias[70] = 1.0
        model.number_out.bias[5] = 9.0  # no note of P1
    rows = some_rows(model.sizes, 2, 6)
    names = NesEvents().names()
    model.eval()
    chosen = model(rows, rows[:, -1])[0].argmax(-1)
    assert [names[i] for i in chosen] == ["P1_NOTEON_70"] * 2
    model.in_turn = False
    drawn = model(rows, rows[:, -1])[0].argmax(-1)
    assert [names[i] for i in drawn] == ["P1_NOTEOFF"] * 2


def test_a_mean_of_waits_lies_between_them() -> None:
    """The wait net is given two kinds of waits and expects neither, as the seed saw."""
    model = twin("lulea-nes-cascade", dropout=0.0)
    rows = torch.full((8, 6, 1), 400)
    short, long = events("WT_100")[0, 0], events("WT_2100")[0, 0]
    targets = torch.stack([short, long] * 4)
    mask = torch.ones(8, dtype=torch.bool)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        (model.objective(rows, targets, mask) / 8).backward()
        optimiser.step()
    chosen = model.eval()(rows, targets)[0].argmax(-1)
    waits = model.symbols.samples[chosen]
    assert ((waits > 1000) & (waits < 1200)).all()
    assert model.spread().item() == pytest.approx(1.0, rel=0.15)


def test_each_voice_remembers_its_own_last_notes() -> None:
    model = twin("nes-cascade", memory=2)
    rows = events(
        "<S>", "P1_NOTEON_60", "TR_NOTEON_40", "WT_100", "P1_NOTEON_62", "TR_NOTEOFF",
        "P1_NOTEON_64",
    )  # fmt: skip
    lines, facts = model._voices_of(rows[..., 0])
    assert lines[0, -1].tolist() == [[64, 62], [0, 0], [40, 0], [0, 0]]
    assert lines[0, 1].tolist() == [[60, 0], [0, 0], [0, 0], [0, 0]]
    sounds, long = facts.unbind(-1)
    assert sounds[0, 3].tolist() == [1, 0, 1, 0]
    assert sounds[0, -1].tolist() == [1, 0, 0, 0]
    torch.testing.assert_close(long[0, 3, 0], torch.log1p(torch.tensor(8 * 100 / 44_100)))


def test_a_voice_learns_to_play_its_own_last_note_again() -> None:
    """Two voices in turn, each on a pitch of its own that no other piece shares."""
    model = twin("nes-cascade", hidden=24, note_width=12, dropout=0.0)
    rng = np.random.default_rng(0)
    names = NesEvents(end=True).names()
    pieces = []
    for _ in range(24):
        one, two = rng.integers(40, 60, 2)
        words = [f"P1_NOTEON_{one}", f"P2_NOTEON_{two}"] * 3
        pieces.append([[names.index(word)] for word in words])
    rows = torch.tensor(pieces)
    mask = torch.zeros(24, 5, dtype=torch.bool)
    mask[:, 1:] = True
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        optimiser.zero_grad()
        loss = model.objective(rows[:, :-1], rows[:, 1:], mask) / mask.sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2


def test_what_intervals_say_is_the_same_in_every_key() -> None:
    model = twin("nes-cascade")
    with torch.no_grad():
        model.interval.normal_()
    lines = torch.tensor([[[60, 62], [0, 0], [40, 0], [0, 0]]])
    up = torch.where(lines > 0, lines + 5, 0)
    context, voice = torch.randn(1, 8), torch.tensor([0])
    low, high = (model._intervals(context, each, voice) for each in (lines, up))
    torch.testing.assert_close(high[:, 5:], low[:, :-5])
    assert low.std() > 0.1


def test_what_a_voice_has_played_fades() -> None:
    model = twin("nes-cascade")
    rows = events("P1_NOTEON_60", "WT_88000", "P1_NOTEON_62", "TR_NOTEON_60", "P1_NOTEOFF")
    played = model._played(rows[..., 0])[0, -1]
    faded = torch.exp(torch.tensor(-88_000 / 44_100 / 8))
    torch.testing.assert_close(played[0, [60, 62]], torch.stack([faded, faded / faded]))
    assert played.nonzero().tolist() == [[0, 60], [0, 62], [2, 60]]


@pytest.mark.parametrize("name", TWINS)
def test_other_columns_are_refused(name: str) -> None:
    cls = {"lulea-nes-cascade": NesCascade, "nes-cascade": VoiceCascade}[name]
    with pytest.raises(ValueError, match=r"one column \(tx1\); the encoding has 7 symbols"):
        cls((7,), window=5, types=[("WT", 0, 2), ("P1_NOTEON", 3, 5)], waits=[1, 2])


def test_a_mark_comes_after_the_types() -> None:
    symbols = NesSymbols(5, [("WT", 0, 2), ("P1_NOTEON", 3, 5)], [1, 2])
    assert symbols.kind.tolist() == [0, 0, 1, 1, 2]
    assert symbols.number.tolist() == [0, 0, 3, 4, 0]
