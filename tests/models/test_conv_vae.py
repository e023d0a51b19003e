"""The convolutional VAE: layers as the seed prints them, exact parts, no collapse at 32 x 32."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from segue.evaluation.latents import active_units, mean_jaccard
from segue.models.base import layer_table, parameter_count
from segue.models.conv_vae import ConvVAE
from segue.models.weightless import weightless
from segue.training.export import export


def twin(side: int = 24, symbols: int = 128, **options: object) -> ConvVAE:
    torch.manual_seed(0)
    given = {"latent": 6, "dense": 8, **options}
    return ConvVAE((symbols,) * side, window=side, **given)  # type: ignore[arg-type]


def rectangles(count: int, side: int = 32) -> Tensor:
    """Pictures of one bright rectangle each, of any place and size."""
    chance = torch.Generator().manual_seed(1)
    at = torch.arange(side)
    first = torch.randint(0, side // 2, (count, 2, 1), generator=chance)
    last = first + torch.randint(side // 4, side // 2, (count, 2, 1), generator=chance)
    inside = (at >= first) & (at < last)
    return (inside[:, 0, :, None] & inside[:, 1, None, :]).long()


PRINTED_512 = {
    "encoder.conv_1": 1_664,
    "encoder.norm_1": 256,
    "encoder.conv_2": 36_928,
    "encoder.norm_2": 256,
    "encoder.conv_3": 18_464,
    "encoder.norm_3": 128,
    "encoder.dense": 62_980_608,
    "encoder.z_mean": 131_328,
    "encoder.z_log_variance": 131_328,
    "decoder.dense": 31_613_056,
    "decoder.conv_1": 18_496,
    "decoder.norm_1": 256,
    "decoder.conv_2": 36_928,
    "decoder.norm_2": 256,
    "decoder.conv_3": 1_601,
}


def test_each_layer_at_512_counts_what_the_seed_prints() -> None:
    with weightless():
        model = ConvVAE((128,) * 512, window=512, latent=256, dense=512)
    table = {row["layer"]: row["parameters"] for row in layer_table(model) if row["parameters"]}
    assert table == PRINTED_512
    assert parameter_count(model.encoder) == 63_300_960
    assert parameter_count(model.decoder) == 31_670_593
    assert parameter_count(model) == 94_971_553


def test_at_256_both_halves_count_what_the_seed_prints() -> None:
    with weightless():
        model = ConvVAE((128,) * 256, window=256, latent=128, dense=256)
    assert parameter_count(model.encoder) == 7_496_544
    assert parameter_count(model.decoder) == 3_772_737


@pytest.mark.parametrize(("rows", "columns"), [(24, 24), (32, 88), (40, 24)])
def test_a_picture_comes_back_in_its_own_shape(rows: int, columns: int) -> None:
    model = ConvVAE((128,) * columns, window=rows, latent=3, dense=4).eval()
    pictures, mean, log_variance = model(torch.randint(0, 128, (2, rows, columns)))
    assert pictures.shape == (2, rows, columns)
    assert mean.shape == log_variance.shape == (2, 3)
    assert (pictures >= 0).all()


def test_brightness_is_velocity_to_three_digits() -> None:
    model = twin()
    assert model.picture(torch.tensor([0, 1, 64, 127])).tolist() == pytest.approx(
        [0.0, 0.008, 0.504, 1.0]
    )


def test_parts_are_the_same_step() -> None:
    """Five pictures, two at a time: same loss, same gradients, same statistics of normalisation."""
    rows = torch.randint(0, 128, (5, 24, 24))
    mask = torch.ones(5, 24, dtype=torch.bool)
    found = []
    for part in (0, 2):
        model = twin(part=part)
        torch.manual_seed(3)
        loss = model.objective(rows, rows, mask)
        loss.backward()  # type: ignore[no-untyped-call]
        found.append((loss.detach(), [p.grad for p in model.parameters()], list(model.buffers())))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-2)


def test_rows_past_the_end_of_a_piece_do_not_count() -> None:
    model = twin().eval()
    rows = torch.randint(0, 128, (3, 24, 24))
    first = (torch.arange(24) < 10).expand(3, 24)

    def picture_nats(mask: Tensor) -> float:
        torch.manual_seed(5)
        return model.scores(rows, rows, mask)[0].item()

    parts = picture_nats(first) + picture_nats(~first)
    assert parts == pytest.approx(picture_nats(torch.ones_like(first)), rel=1e-5)


def test_held_out_nats_follow_the_errors_of_training() -> None:
    """Nets that are off by little are sure of what they say, and pay less where they are right."""
    model = twin(symbols=2).eval()
    rows = torch.zeros(2, 24, 24, dtype=torch.long)
    mask = torch.ones(2, 24, dtype=torch.bool)
    model.spread.mean.fill_(0.25)
    with torch.no_grad():
        model.decoder.conv_3.bias.fill_(-100.0)  # a black picture, which is right
        unsure = model.scores(rows, rows, mask)[0].item()
        model.spread.mean.fill_(0.01)
        sure = model.scores(rows, rows, mask)[0].item()
    # Odds of black to white are exp(1 / (2 variance)) to 1.
    cells = 2 * 24 * 24
    assert unsure / cells == pytest.approx(torch.log1p(torch.exp(torch.tensor(-2.0))).item(), 1e-4)
    assert sure < 1e-6 * cells


@pytest.mark.parametrize("uniform_prior", [True, False])
def test_graphs_agree_with_torch(uniform_prior: bool) -> None:
    made = export(twin(uniform_prior=uniform_prior))
    assert set(made.onnx) == {"model.onnx", "encoder.onnx"}
    assert made.engine["uniform_prior"] is uniform_prior
    assert made.engine["normals"] == 6
    assert made.max_difference is not None
    assert made.max_difference < 1e-3


def test_takes_are_stretched_and_what_is_dark_is_silent() -> None:
    model = twin(floor=0.25).eval()
    nothing = torch.zeros(2, 24, 24, dtype=torch.long)
    with torch.no_grad():
        rows = model.compose(torch.rand(2, 6), torch.zeros(2, 0), nothing, torch.ones(1))
    assert rows.amax((1, 2)).tolist() == [127, 127]
    assert (rows == 0).any()
    assert rows[rows > 0].min() >= 127 // 4


def test_a_seed_of_the_original_has_three_digits() -> None:
    model = twin().eval()
    nothing = torch.zeros(1, 24, 24, dtype=torch.long)
    seeds = torch.tensor([[0.1234], [0.1226], [0.9]]).repeat(1, 6)
    seeds[2, ::2] = 0.1
    takes = [model.compose(seed[None], torch.zeros(1, 0), nothing, torch.ones(1)) for seed in seeds]
    assert torch.equal(takes[0], takes[1])
    assert not torch.equal(takes[0], takes[2])


def test_the_sanity_twin_learns_and_does_not_collapse() -> None:
    """Rectangles at 32 x 32: latents tell them apart, and other latents make other pictures."""
    rows = rectangles(96)
    train, held_out = rows[:64], rows[64:]
    mask = torch.ones(16, 32, dtype=torch.bool)
    model = twin(side=32, symbols=2, latent=6, dense=32)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    torch.manual_seed(0)
    for _ in range(80):
        some = train[torch.randint(0, len(train), (16,))]
        optimiser.zero_grad()
        model.objective(some, some, mask).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    model.train()  # so few steps leave no running statistics of normalisation
    with torch.no_grad():
        means = model.encode(held_out)
        error = (model.decoder(means) - held_out).square().sum((1, 2)).mean()
        away = (train.float().mean(0) - held_out).square().sum((1, 2)).mean()
        taken = model.compose(means[:8], torch.zeros(8, 0), held_out[:8], torch.ones(1))
    assert active_units(means.numpy()).sum() >= 3
    assert error < 0.6 * away, "no better than the mean picture"
    assert mean_jaccard(list(taken.bool().numpy())) < 0.7


@pytest.mark.parametrize(
    ("sizes", "window", "options", "said"),
    [
        ((128,) * 24, 36, {}, "36 rows cannot be halved three times"),
        ((128,) * 16, 24, {}, "16 columns cannot be halved"),
        ((2,) * 23 + (3,), 24, {}, "columns of one size"),
        ((2,) * 24, 24, {"floor": 1.5}, "floor came as 1.5; 0 to 1"),
    ],
)
def test_what_cannot_be_a_picture_is_refused(
    sizes: tuple[int, ...], window: int, options: dict[str, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        ConvVAE(sizes, window=window, **options)  # type: ignore[arg-type]
