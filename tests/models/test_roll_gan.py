"""The roll GAN: two losses in one step that do not meet, and voices that decide."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from segue.models.roll_gan import RollGAN
from segue.training.export import export

COLUMNS = 6


@pytest.fixture
def model() -> RollGAN:
    torch.manual_seed(0)
    return twin()


def twin(**options: object) -> RollGAN:
    sizes = {"window": 16, "voices": 2, "noise": 5, "width": 12, "memory": 4, "judge": 10}
    return RollGAN((3,) * COLUMNS, **{**sizes, **options})  # type: ignore[arg-type]


def windows(count: int = 6) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    rows = torch.randint(0, 3, (count, 16, COLUMNS))
    return rows, torch.ones(count, 16, dtype=torch.bool)


def moved(loss: Tensor, model: RollGAN) -> set[str]:
    """The nets that a loss has gradients for."""
    names = [name for name, _ in model.named_parameters()]
    grads = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return {name.split(".")[0] for name, g in zip(names, grads, strict=True) if g is not None}


def test_neither_loss_moves_the_others_net(model: RollGAN) -> None:
    rows, mask = windows()
    before, real = (model.bits(half) for half in rows.chunk(2, dim=1))
    counts = mask.all(dim=1).float() / len(rows)
    struck, held = model.played(model.generator(torch.randn(6, 5), before), rows[:, :8])
    made = torch.stack([struck, held], dim=-1).flatten(2).transpose(1, 2)
    assert moved(model._fooling(before, real, made, counts), model) == {"generator"}
    assert moved(model._judging(before, real, made.detach(), counts), model) == {"judge"}
    assert moved(model.objective(rows, rows, mask), model) == {"generator", "judge"}


def test_every_weight_has_a_gradient_in_every_step(model: RollGAN) -> None:
    """As training in several processes needs it, where no window is whole too."""
    rows, mask = windows()
    for part in (mask, torch.zeros_like(mask)):
        loss = model.objective(rows, rows, part)
        assert loss.isfinite()
        assert all(
            g is not None and g.isfinite().all()
            for g in torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
        )


def test_windows_that_are_not_whole_do_not_count(model: RollGAN) -> None:
    rows, mask = windows()
    mask[3:, 10:] = False
    other = rows.clone()
    other[3:] = 0
    model.openings = 0.0
    for method in (model.objective, model.scores):
        found = []
        for each in (rows, other):
            torch.manual_seed(2)
            found.append(method(each, each, mask).detach())
        torch.testing.assert_close(*found)


def acts(*voices: str) -> Tensor:
    """Logits of one bar of 8 from a string a voice: `.` rests, `-` holds, a digit strikes."""
    logits = torch.full((1, 8, len(voices), 2 + COLUMNS), -9.0)
    for v, voice in enumerate(voices):
        for t, act in enumerate(voice):
            logits[0, t, v, ".-012345".index(act)] = 9.0
    return logits.flatten(2)


def heard(model: RollGAN, logits: Tensor, before: Tensor) -> list[str]:
    """What is played, a string a pitch, from the lowest."""
    struck, held = model.played(logits, before)
    return ["".join(".x-"[cell] for cell in column) for column in (struck + 2 * held)[0].T.int()]


def test_a_voice_sounds_one_pitch_at_a_time_and_holds_what_it_struck(model: RollGAN) -> None:
    quiet = torch.zeros(1, 8, COLUMNS, dtype=torch.long)
    played = heard(model, acts("2--4--.-", "--------"), quiet)
    assert played == ["........", "........", "x--.....", "........", "...x--..", "........"]


def test_what_one_strikes_no_other_holds(model: RollGAN) -> None:
    quiet = torch.zeros(1, 8, COLUMNS, dtype=torch.long)
    assert heard(model, acts("1-------", "..1---.."), quiet)[1] == "x-x-----"


def test_voices_hold_on_from_the_bar_before_the_highest_first(model: RollGAN) -> None:
    before = torch.zeros(1, 8, COLUMNS, dtype=torch.long)
    before[0, -1, 1], before[0, -1, 3], before[0, -1, 4] = 1, 2, 2
    played = heard(model, acts("--......", "-......."), before)
    assert played == ["........", "........", "........", "-.......", "--......", "........"]


def test_decisions_have_a_way_back(model: RollGAN) -> None:
    logits = acts("2--4--.-", "--------").requires_grad_()
    _, held = model.played(logits, torch.zeros(1, 8, COLUMNS, dtype=torch.long))
    (grad,) = torch.autograd.grad(held[0, 2].sum(), logits)
    assert grad[0, :3].abs().sum(dim=1).all()
    assert not grad[0, 3:].any()


def test_scores_are_the_same_each_time_and_change_nothing(model: RollGAN) -> None:
    rows, mask = windows()
    state = torch.random.get_rng_state()
    first = model.scores(rows, rows, mask)
    assert torch.equal(first, model.scores(rows, rows, mask))
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.shape == (len(model.terms(["a"] * COLUMNS)),)
    assert not model.scores(rows, rows, torch.zeros_like(mask)).any()


def test_it_learns_what_bars_are_like() -> None:
    """Bars that strike one pitch of three and hold it, an octave up if the bar before was low."""
    torch.manual_seed(0)
    model = twin(width=24, judge=24, voices=1)
    pitch = torch.randint(0, 3, (32,))
    rows = torch.zeros(32, 16, COLUMNS, dtype=torch.long)
    for i, p in enumerate(pitch.tolist()):
        rows[i, :8, p], rows[i, 8:, p + 3] = 2, 2
        rows[i, 0, p] = rows[i, 8, p + 3] = 1
    mask = torch.ones(32, 16, dtype=torch.bool)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    before = model.scores(rows, rows, mask).sum()
    for _ in range(150):
        optimiser.zero_grad()
        (model.objective(rows, rows, mask) / mask.sum()).backward()
        optimiser.step()
    assert model.scores(rows, rows, mask).sum() < 0.4 * before


def test_it_hears_the_bar_before_and_the_noise(model: RollGAN) -> None:
    heat, none = torch.ones(1), torch.zeros(4, 0)
    noise, quiet = 3 * torch.randn(4, 5), torch.zeros(4, 8, COLUMNS, dtype=torch.long)
    made = model.compose(noise, none, quiet, heat)
    assert made.shape == (4, 8, COLUMNS)
    assert not torch.equal(made, model.compose(3 * torch.randn(4, 5), none, quiet, heat))
    loud = torch.ones_like(quiet)
    assert not torch.equal(
        model.generator(noise, model.bits(quiet)), model.generator(noise, model.bits(loud))
    )
    cold = model.compose(noise, none, quiet, 0 * heat)
    assert (cold == cold[:1]).all()


def test_its_graph_agrees_with_torch(model: RollGAN) -> None:
    assert export(model).max_difference == 0


def test_what_it_cannot_read_is_refused() -> None:
    with pytest.raises(ValueError, match="columns of 3 symbols"):
        RollGAN((2, 2), window=16)
    with pytest.raises(ValueError, match="window came as 14; two bars of even length"):
        twin(window=14)
