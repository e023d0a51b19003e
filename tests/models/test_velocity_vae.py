"""The VAE of a few bars: what a roll says, what may be held, latents that stay in use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.evaluation.latents import active_units, f1, mean_jaccard
from segue.models.velocity_vae import Aggregate, VelocityVAE
from segue.training.export import export

COLUMNS, WINDOW = 6, 8
HELD = 5
"""The symbol of a held cell where starts have four velocities, 1 to 4."""


def twin(symbols: int = HELD + 1, **options: Any) -> VelocityVAE:
    torch.manual_seed(0)
    given = {"latent": 8, "hidden": 24, "width": 48, "blocks": 1, "warmup": 0, **options}
    return VelocityVAE((symbols,) * COLUMNS, window=WINDOW, **given)


def everything(rows: Tensor) -> Tensor:
    return torch.ones(rows.shape[:2], dtype=torch.bool)


def melodies(count: int) -> Tensor:
    """Four quarters each, one of six pitches and four velocities, held for a second row."""
    chance = torch.Generator().manual_seed(1)
    rows = torch.zeros(count, WINDOW, COLUMNS, dtype=torch.long)
    pitch = torch.randint(0, COLUMNS, (count, 4), generator=chance)
    loud = torch.randint(1, HELD, (count, 1), generator=chance).expand(count, 4)
    rows[:, ::2].scatter_(2, pitch[..., None], loud[..., None])
    rows[:, 1::2].scatter_(2, pitch[..., None], torch.full((count, 4, 1), HELD))
    return rows


def test_what_a_roll_says() -> None:
    rows = torch.zeros(1, WINDOW, COLUMNS, dtype=torch.long)
    rows[0, :5, 0] = torch.tensor([1, HELD, 4, 0, 2])
    cells = twin().cells(rows)
    assert cells.starts[0, :5, 0].tolist() == [True, False, True, False, True]
    assert cells.held[0, :5, 0].tolist() == [False, True, False, False, False]
    assert cells.loudness[0, :5, 0].tolist() == pytest.approx([0, 0, 1, 0, 1 / 3])
    # Where a note starts it is not asked whether one goes on, nor after silence.
    assert cells.may_hold[0, :6, 0].tolist() == [False, True, False, True, False, True]
    assert cells.may_hold[0, :2, 1].tolist() == [True, False], "before the first row all may sound"


def test_the_nats_of_a_roll_are_those_of_its_cells() -> None:
    """A decoder that says the same everywhere: each term can be worked out by hand."""
    model = twin()
    rows = melodies(3)
    said = torch.zeros(3, WINDOW, COLUMNS, 3)
    with torch.no_grad():
        model.log_spread.fill_(10.0)  # every velocity is as likely
        starts, held, loud = model.given(said, rows, everything(rows)).tolist()
    half = np.log(2)
    asked = int(model.cells(rows).may_hold.sum())
    assert starts == pytest.approx(3 * WINDOW * COLUMNS * half, rel=1e-4)
    assert held == pytest.approx(asked * half, rel=1e-4)
    assert loud == pytest.approx(3 * 4 * np.log(4), rel=1e-4)


def test_rows_past_the_end_of_a_piece_do_not_count() -> None:
    model = twin()
    rows = melodies(3)
    said = torch.randn(3, WINDOW, COLUMNS, 3)
    first = (torch.arange(WINDOW) < 3).expand(3, WINDOW)
    with torch.no_grad():
        parts = model.given(said, rows, first) + model.given(said, rows, ~first)
        torch.testing.assert_close(parts, model.given(said, rows, everything(rows)))


def test_what_a_latent_may_cost_for_nothing() -> None:
    """With free nats, and a posterior that is the prior, the objective is that of the cells."""
    model = twin(free=0.25, beta=2.0).eval()
    model.begin_step(0)
    rows = melodies(5)
    with torch.no_grad():
        for layer in (model.z_mean, model.z_log_variance, model.own_mean):
            layer.weight.zero_()
            layer.bias.zero_()
        torch.manual_seed(2)
        objective = model.objective(rows, rows, everything(rows)).item()
        torch.manual_seed(2)
        scores = model.scores(rows, rows, everything(rows))
    assert scores[3].item() == pytest.approx(0, abs=1e-5)
    assert objective == pytest.approx(scores[:3].sum().item() + 2.0 * 8 * 0.25 * 5, rel=1e-5)


def test_the_divergence_warms_up() -> None:
    model = twin(beta=0.5, warmup=4)
    weights = []
    for step in (0, 1, 3, 4, 100):
        model.begin_step(step)
        weights.append(model.weight)
    assert weights == [0.125, 0.25, 0.5, 0.5, 0.5]


def test_random_numbers_are_coloured_as_latents_of_music_are() -> None:
    chance = torch.Generator().manual_seed(3)
    mixing = torch.tensor([[1.0, 0.0], [0.8, 0.3]])
    aggregate = Aggregate(2)
    for _ in range(300):
        means = torch.randn(64, 2, generator=chance) @ mixing.T + torch.tensor([3.0, -1.0])
        aggregate.track(means, torch.full((64, 2), -4.0))
    normal = torch.randn(20_000, 2, generator=chance)
    latents = aggregate.coloured(normal)
    torch.testing.assert_close(latents.mean(0), torch.tensor([3.0, -1.0]), atol=0.1, rtol=0)
    wanted = mixing @ mixing.T + np.exp(-4.0) * torch.eye(2)
    torch.testing.assert_close(latents.T.cov(), wanted, atol=0.1, rtol=0)
    torch.testing.assert_close(aggregate.bleached(latents), normal, atol=1e-3, rtol=0)


def test_the_cut_leaves_as_many_notes_as_the_music_has() -> None:
    """Of decoders that are not sure of anything, too."""
    model = twin()
    rows = melodies(64)
    said = torch.randn(64, WINDOW, COLUMNS, 3) - 3
    for _ in range(200):
        model._count(said, model.cells(rows).starts)
    passed = int((said[..., 0] > model.cut).sum())
    assert passed == pytest.approx(64 * 4, rel=0.05)


def test_a_held_cell_goes_on_from_something() -> None:
    model = twin(noise=1.0).eval()
    chance = torch.Generator().manual_seed(4)
    before = torch.zeros(16, WINDOW, COLUMNS, dtype=torch.long)
    before[8:, -1] = 2
    with torch.no_grad():
        model.write[-1].bias[1::3] = 2.0  # almost all that can be held is
        rows = model.compose(
            torch.randn(16, 8, generator=chance),
            torch.rand(16, model.uniforms, generator=chance),
            before,
            torch.ones(1),
        )
    sounded = torch.cat([before[:, -1:], rows[:, :-1]], dim=1) > 0
    assert (rows == HELD).any()
    assert sounded[rows == HELD].all()
    assert not (rows[:8, 0] == HELD).any()
    assert (rows[8:, 0] == HELD).any(), "notes of the segment before may go on"
    assert rows.max() <= HELD


def test_at_heat_0_chance_has_no_say_and_the_latent_has() -> None:
    model = twin().eval()  # untrained, its cut is where half of all cells are notes
    before = torch.zeros(2, WINDOW, COLUMNS, dtype=torch.long)
    normal = 5 * torch.randn(2, 8)
    with torch.no_grad():
        cold = [
            model.compose(normal, torch.rand(2, model.uniforms), before, torch.zeros(1))
            for _ in range(2)
        ]
    assert torch.equal(cold[0], cold[1])
    assert not torch.equal(cold[0][0], cold[0][1])


@pytest.mark.parametrize("symbols", [3, HELD + 1])
def test_graphs_agree_with_torch(symbols: int) -> None:
    made = export(twin(symbols))
    assert set(made.onnx) == {"model.onnx", "encoder.onnx"}
    assert made.engine["looks_back"]
    assert made.max_difference == 0


def test_melodies_come_back_and_other_latents_make_other_ones() -> None:
    rows = melodies(400)
    train, held_out = rows[:336], rows[336:]
    model = twin(latent=12, hidden=48, width=96, beta=0.02)
    model.begin_step(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3)
    torch.manual_seed(0)
    for step in range(300):
        some = train[torch.randint(0, len(train), (48,))]
        optimiser.zero_grad()
        (model.objective(some, some, everything(some)) / 48).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step == 250:
            optimiser.param_groups[0]["lr"] = 4e-4
    model.eval()
    silence = torch.zeros_like(held_out)
    half = torch.full((len(held_out), model.uniforms), 0.5)
    with torch.no_grad():
        means, _ = model.posterior(held_out)
        again = model.compose(model.encode(held_out), half, silence, torch.zeros(1))
        takes = model.compose(torch.randn(16, 12), half[:16], silence[:16], torch.ones(1))
    starts = model.cells(held_out).starts
    assert active_units(means.numpy()).sum() >= 8
    assert f1(model.cells(again).starts.numpy(), starts.numpy()) > 0.8
    assert mean_jaccard(list(model.cells(takes).starts.numpy())) < 0.5
    notes = model.cells(takes).starts.sum((1, 2)).float().mean().item()
    assert 2 < notes < 6, f"music has 4 notes a segment, takes have {notes}"


@pytest.mark.parametrize(
    ("sizes", "window", "options", "said"),
    [
        ((2,) * 6, 8, {}, r"cells \"both\"\), three symbols or more a column; these have \[2\]"),
        ((3, 3, 4), 8, {}, r"these have \[3, 4\]"),
        ((3,) * 6, 10, {}, "10 rows are no whole number of groups of 4"),
        ((3,) * 6, 8, {"latent": 7}, "7 latents cannot be shared among 2 groups"),
    ],
)
def test_rolls_that_it_cannot_read_are_refused(
    sizes: tuple[int, ...], window: int, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        VelocityVAE(sizes, window=window, **options)
