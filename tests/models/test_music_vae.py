"""MusicVAE: a loop that plays what teacher forcing scores, a bound, and the source's sizes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from segue import recipes
from segue.models.base import parameter_count
from segue.models.music_vae import MusicVAE, divergence
from segue.models.segments import drawn
from segue.recipes.counting import count_parameters
from segue.training.export import export

SIZES = (9,)
OPTIONS = {
    "flat": {"window": 8, "encoder": [7], "decoder": [6, 5]},
    "hierarchical": {"window": 12, "encoder": [7, 6], "decoder": [6], "conductor": [5], "bar": 4},
}
each = pytest.mark.parametrize("kind", OPTIONS)


def twin(kind: str, **options: object) -> MusicVAE:
    torch.manual_seed(0)
    model = MusicVAE(SIZES, **{"latent": 3, **OPTIONS[kind], **options})  # type: ignore[arg-type]
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def segments(model: MusicVAE, count: int = 4) -> tuple[Tensor, Tensor]:
    rows = torch.randint(0, SIZES[0], (count, model.window, 1))
    return rows, torch.ones(rows.shape[:2], dtype=torch.bool)


@each
def test_the_loop_sees_the_logits_of_teacher_forcing(kind: str) -> None:
    model = twin(kind)
    rows, _ = segments(model)
    z = torch.randn(4, 3)
    _, logits = model._unrolled(z, model.window, lambda t, _: rows[:, t, 0])
    torch.testing.assert_close(logits, model.teacher_forced(z, rows))


@each
def test_what_is_composed_is_what_its_numbers_drew(kind: str) -> None:
    model = twin(kind)
    normal, uniform = torch.randn(4, 3), torch.rand(4, model.uniforms)
    for heat in (torch.ones(1), torch.zeros(1)):
        rows = model.compose(normal, uniform, torch.zeros(4, model.window, 1).long(), heat)
        assert rows.shape == (4, model.window, 1)
        again = drawn(model.teacher_forced(normal, rows), uniform, heat)
        assert torch.equal(rows[..., 0], again)


@each
def test_every_step_hears_the_vector(kind: str) -> None:
    model = twin(kind)
    rows, _ = segments(model, 1)
    one, other = (model.teacher_forced(torch.randn(1, 3), rows) for _ in range(2))
    assert ((one - other).abs().amax(dim=-1) > 1e-4).all()


def test_a_conductor_lets_no_bar_hear_another_but_by_its_last_symbol() -> None:
    model = twin("hierarchical")
    rows, _ = segments(model)
    z = torch.randn(4, 3)
    other = rows.clone()
    other[:, :3] = (other[:, :3] + 1) % SIZES[0]  # the first bar, but for its last symbol
    same = (model.teacher_forced(z, rows) == model.teacher_forced(z, other)).all(-1).all(0)
    assert same.tolist() == [True, False, False, False] + [True] * 8


def test_the_scores_bound_the_likelihood() -> None:
    """Against the sum over a grid of vectors, for a latent of one number."""
    model = twin("flat", latent=1)
    rows, mask = segments(model)
    grid = torch.linspace(-7, 7, 141)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(grid) + math.log(0.1)
    exact = 0.0
    with torch.no_grad():
        for row in rows:
            logits = model.teacher_forced(grid[:, None], row.expand(len(grid), -1, -1))
            given = logits.log_softmax(-1)[:, range(model.window), row[:, 0]].sum(-1)
            exact -= float(torch.logsumexp(prior + given, 0))
        many = rows.repeat(200, 1, 1)
        bound = float(model.scores(many, many, mask.repeat(200, 1)).sum()) / 200
    assert exact < bound < exact + 10


def test_divergence_is_torchs() -> None:
    mean, spread = torch.randn(5, 4), torch.rand(5, 4) + 0.1
    normal = torch.distributions.Normal
    known = torch.distributions.kl_divergence(normal(mean, spread), normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(divergence(mean, spread), known)


def test_rows_past_the_end_of_a_piece_cost_nothing() -> None:
    model = twin("flat")
    rows, mask = segments(model)
    z = torch.randn(4, 3)
    logits = model.teacher_forced(z, rows)
    mask[:, 5:] = False
    short = model._nats(logits, rows, mask)
    changed = rows.clone()
    changed[:, 5:] = 0
    torch.testing.assert_close(short, model._nats(logits, changed, mask))
    assert short < model._nats(logits, rows, torch.ones_like(mask))


def test_the_divergence_warms_up_and_some_of_it_is_free() -> None:
    model = twin("flat", beta=0.5, beta_rate=0.9)
    rows, mask = segments(model)

    @torch.no_grad()
    def paid(step: int, free_bits: float) -> float:
        model.begin_step(step)
        model.free_nats = free_bits * math.log(2)
        torch.manual_seed(0)
        objective = float(model.objective(rows, rows, mask))
        torch.manual_seed(0)
        return objective - float(model.scores(rows, rows, mask)[0])

    whole = float(divergence(*model.posterior(rows)).sum().detach())
    assert paid(0, 0.0) == pytest.approx(0, abs=1e-4)
    assert paid(1, 0.0) == pytest.approx(0.05 * whole, rel=1e-3)
    assert paid(10_000, 0.0) == pytest.approx(0.5 * whole, rel=1e-3)
    assert paid(10_000, 1e6) == pytest.approx(0, abs=1e-4)


def test_the_decoder_hears_itself_more_and_more() -> None:
    model = twin("flat", sampling=10)
    shares = []
    for step in (0, 10, 100, 10**6):
        model.begin_step(step)
        shares.append(model._own)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert shares[-1] == 1
    rows, mask = segments(model)
    logits = model._hearing_itself(torch.randn(4, 3), rows)
    assert logits.shape == (4, 8, 9)
    assert model.objective(rows, rows, mask).isfinite()


def test_a_decoder_that_never_hears_itself_is_teacher_forced() -> None:
    model = twin("flat")
    rows, _ = segments(model)
    z = torch.randn(4, 3)
    torch.testing.assert_close(model._hearing_itself(z, rows), model.teacher_forced(z, rows))


@each
def test_one_batch_can_be_learned_by_heart(kind: str) -> None:
    model = twin(kind, latent=6, decoder=[24], encoder=[24]).train()
    rows, mask = segments(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(250):
        optimiser.zero_grad()
        loss = model.objective(rows, rows, mask)
        loss.backward()
        optimiser.step()
    made = model.compose(model.encode(rows), torch.rand(4, model.window), rows, torch.zeros(1))
    assert (made == rows).float().mean() > 0.95


def test_two_bars_have_an_onnx_form_and_sixteen_have_none() -> None:
    exported = export(twin("flat", window=4, decoder=[5]))
    assert set(exported.onnx) == {"model.onnx", "encoder.onnx"}
    assert exported.max_difference == 0
    assert not export(twin("hierarchical")).onnx


def lstm(inputs: int, units: int) -> int:
    return 4 * units * (inputs + units + 1)


def dense(inputs: int, units: int) -> int:
    return units * (inputs + 1)


def test_the_sizes_are_those_of_the_source() -> None:
    two = 2 * lstm(90, 2048) + 2 * dense(4096, 512) + dense(512, 12288)
    two += lstm(90 + 512, 2048) + 2 * lstm(2048, 2048) + dense(2048, 90)
    assert count_parameters(recipes.load("musicvae-2bar"), (90,)) == two == 134_571_098
    sixteen = 2 * lstm(90, 2048) + 2 * lstm(4096, 2048) + 2 * dense(4096, 512)
    sixteen += dense(512, 4096) + lstm(1, 1024) + lstm(1024, 1024)
    sixteen += dense(1024, 4096) + lstm(90 + 1024, 1024) + lstm(1024, 1024) + dense(1024, 90)
    assert count_parameters(recipes.load("musicvae-16bar"), (90,)) == sixteen == 176_061_530
    assert parameter_count(twin("flat")) < 2000


def test_what_it_cannot_read_is_refused() -> None:
    with pytest.raises(ValueError, match="one column; the encoding has 2"):
        MusicVAE((9, 9), window=8)
    with pytest.raises(ValueError, match="window came as 9; whole bars of 4"):
        MusicVAE(SIZES, window=9, encoder=[4], decoder=[4], conductor=[4], bar=4)
