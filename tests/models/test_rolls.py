"""Models of rolls: stepping is reading, the past alone is heard, and one batch can be learned."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.models.base import SequenceModel, layer_table, parameter_count
from segue.models.image_lstm import ImageLSTM, Outcomes
from segue.models.roll_attention import FadingAttention, RollAttention
from segue.models.velocity_lstm import VelocityLSTM
from segue.models.window_roll_attention import WindowRollAttention, WindowWeights
from segue.training.export import export

C, T = 7, 6
CHAINED: dict[str, tuple[type[Any], int, dict[str, Any]]] = {
    "attention": (RollAttention, 3, {"hidden": 8, "heads": 2, "units": 4}),
    "velocity": (VelocityLSTM, 6, {"hidden": 8, "units": 4}),
}
WINDOWED: dict[str, tuple[type[Any], int, dict[str, Any]]] = {
    "stack": (WindowRollAttention, 2, {"hidden": (8, 6, 5), "dense": (6, 4)}),
    "image": (ImageLSTM, 9, {"hidden": 8}),
}


def twin(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    cls, symbols, own = {**CHAINED, **WINDOWED}[name]
    return cls((symbols,) * C, window=T, **{**own, **options})


def rolls(model: SequenceModel, *shape: int) -> torch.Tensor:
    return torch.randint(0, model.sizes[0], (*shape, C))


@pytest.mark.parametrize("name", CHAINED)
def test_stepping_gives_the_features_of_the_window(name: str) -> None:
    model = twin(name).eval()
    rows = rolls(model, 4, T)
    whole, state = model.features(rows), model.start(4)
    for t in range(T):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, whole[:, t], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", CHAINED)
def test_no_frame_hears_the_future(name: str) -> None:
    model = twin(name).eval()
    rows = rolls(model, 1, T)
    other = rows.clone()
    other[:, 3] = (other[:, 3] + 1) % model.sizes[0]
    moved = (model.features(rows) != model.features(other)).flatten(2).any(-1)[0]
    assert moved.tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize("name", WINDOWED)
def test_a_step_reads_what_forward_reads(name: str) -> None:
    model = twin(name).eval()
    rows = rolls(model, 3, T)
    state = model.start(3)
    for t in range(T):
        features, *state = model.step(rows[:, t], *state)
    torch.testing.assert_close(features, model.features(rows))
    assert model.frame(features, rows[:, -1]).shape == (3, C, model.sizes[0])


@pytest.mark.parametrize("name", [*CHAINED, *WINDOWED])
def test_graphs_agree_with_torch(name: str) -> None:
    assert export(twin(name, **({} if name == "stack" else {"layers": 1}))).max_difference < 1e-4


@pytest.mark.parametrize("name", [*CHAINED, *WINDOWED])
def test_one_batch_can_be_learned_by_heart(name: str) -> None:
    model = twin(name, **({"dropout": (0.0, 0.0)} if name == "stack" else {"dropout": 0.0}))
    every = name in CHAINED
    rows = rolls(model, 4, T)
    targets, mask = (rolls(model, 4, T), torch.ones(4, T, dtype=torch.bool))
    if not every:
        targets, mask = targets[:, 0], mask[:, 0]
    if model.sizes[0] > 2 and every:  # what was silent is never held
        targets = targets.clamp(max=model.sizes[0] - 2)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    first = float(model.objective(rows, targets, mask).detach())
    for _ in range(150):
        optimiser.zero_grad()
        loss = model.objective(rows, targets, mask)
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.3 * first
    if not every:
        model.eval()  # of the others the training loss is what is told of held-out music
    scores = model.scores(rows, targets, mask)
    assert scores.shape == (len(model.terms(["a"] * C)),)
    assert torch.isfinite(scores).all()


# -- the seeds' ----------------------------------------------------------------------------------


def test_the_dtu_stack_counts_as_its_source_would_print() -> None:
    table = layer_table(WindowRollAttention((2,) * 128, window=80))
    counts = {row["layer"]: row["parameters"] for row in table if row["parameters"]}
    assert counts == {
        "lstm_1": 4_722_688,
        "norm_1.norm": 4_096,
        "attention_1.score": 1_025,
        "dense_1": 524_800,
        "dense_2": 262_656,
        "norm_2.norm": 2_048,
        "lstm_2": 2_099_200,
        "norm_3.norm": 2_048,
        "attention_2.score": 513,
        "dense_3": 131_328,
        "dense_4": 65_792,
        "norm_4.norm": 1_024,
        "lstm_3": 197_120,
        "norm_5": 512,
        "out": 16_512,
    }


def test_the_aaa_layers_count_as_printed() -> None:
    model = ImageLSTM((128,) * 128, window=256)
    counts = [row["parameters"] for row in layer_table(model) if row["parameters"]]
    assert counts == [4_722_688, 8_392_704, 131_200]
    assert parameter_count(model) == 13_246_592


def test_attention_of_a_window_shares_out_one() -> None:
    x = torch.ones(2, 5, 3)
    x[:, 2] = 4
    weighted = WindowWeights(3)(x)
    torch.testing.assert_close((weighted / x).sum(dim=1), torch.ones(2, 3))


def test_a_regression_learns_the_mean_absolute_error_of_a_row() -> None:
    model = twin("image").eval()
    rows, targets = rolls(model, 2, T), rolls(model, 2)
    told = model.brightness(model.features(rows))
    expected = (told - targets / 8).abs().mean(dim=1)
    both, one = torch.tensor([True, True]), torch.tensor([False, True])
    torch.testing.assert_close(model.objective(rows, targets, both), expected.sum())
    torch.testing.assert_close(model.objective(rows, targets, one), expected[1])


def test_outcomes_are_near_the_prediction_until_something_came() -> None:
    outcomes = Outcomes(128)
    p = outcomes(torch.tensor([0.0, 64.4, 500.0])).exp()
    torch.testing.assert_close(p.sum(-1), torch.ones(3))
    assert p.argmax(-1).tolist() == [0, 64, 127]


def test_outcomes_tell_what_came() -> None:
    outcomes = Outcomes(128)
    # Foretold 1, silence came nine times of ten; foretold 90, what was foretold.
    told = torch.tensor([1.2] * 900 + [0.9] * 100 + [90.0] * 1000)
    came = torch.tensor([0] * 900 + [70] * 100 + [90] * 1000)
    for _ in range(3):
        outcomes.track(told, came)
    p = outcomes(torch.tensor([1.0, 90.0])).exp()
    assert p[0, [0, 70]].tolist() == pytest.approx([0.9, 0.1], abs=0.01)
    assert p[1, 90] > 0.98


# -- ours ----------------------------------------------------------------------------------------


def test_fading_attention_is_the_formula_step_by_step() -> None:
    torch.manual_seed(0)
    layer = FadingAttention(4, 2)
    x, rates = torch.randn(1, 5, 4), layer.fade.exp()
    score = 4 * torch.tanh(layer.score(x[0]))
    for t in range(5):
        parts = []
        for head in range(2):
            weights = torch.stack([score[u, head] - rates[head] * (t - u) for u in range(t + 1)])
            parts.append(weights.softmax(0) @ x[0, : t + 1, 2 * head : 2 * head + 2])
        torch.testing.assert_close(layer(x)[0, t], layer.out(torch.cat(parts)))


@pytest.mark.parametrize(
    ("name", "symbols", "options", "sentence"),
    [
        ("stack", 3, {}, "columns of two symbols"),
        ("attention", 2, {}, "columns of three symbols"),
        ("attention", 3, {"heads": 3}, "hidden came as 8; a multiple of heads, 3"),
        ("velocity", 3, {}, "several velocity bins; this one has columns of 3 symbols"),
    ],
)
def test_other_rolls_are_refused(
    name: str, symbols: int, options: dict[str, Any], sentence: str
) -> None:
    cls, _, own = {**CHAINED, **WINDOWED}[name]
    with pytest.raises(ValueError, match=sentence):
        cls((symbols,) * C, window=T, **{**own, **options})
