"""The seeds' window models: layers as they count them, one window read whole at each step."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from segue.models.base import layer_table, masked_loss, parameter_count
from segue.models.window_attention import SelfAttention, WindowAttention
from segue.models.window_flat_lstm import WindowFlatLSTM
from segue.models.window_lstm import WindowLSTM
from segue.models.window_norm_lstm import WindowNormLSTM
from segue.models.windowed import Windowed
from segue.training.export import export

TWINS: dict[str, tuple[type[Windowed], dict[str, Any]]] = {
    "plain": (WindowLSTM, {"hidden": (8, 6), "dense": 4}),
    "norm": (WindowNormLSTM, {"hidden": (8, 6), "dense": 4}),
    "norm, both ends": (WindowNormLSTM, {"hidden": (8, 6), "dense": 4, "bidirectional": True}),
    "flat": (WindowFlatLSTM, {"hidden": 6}),
    "flat, both ends": (WindowFlatLSTM, {"hidden": 6, "bidirectional": True}),
    "attention": (WindowAttention, {"hidden": 6, "activation": "relu", "relu_out": True}),
}


def twin(name: str, **options: Any) -> Windowed:
    torch.manual_seed(0)
    cls, own = TWINS[name]
    return cls((7,), window=5, **{**own, **options})


@pytest.mark.parametrize("name", TWINS)
def test_a_step_reads_what_forward_reads(name: str) -> None:
    model = twin(name).eval()
    rows = torch.randint(0, 7, (3, 5, 1))
    state = model.start(3)
    for t in range(5):
        features, *state = model.step(rows[:, t], *state)
    torch.testing.assert_close(features, model.features(rows))
    assert model(rows, rows[:, -1])[0].shape == (3, 7)


@pytest.mark.parametrize("name", TWINS)
def test_both_graphs_agree_with_torch(name: str) -> None:
    assert export(twin(name)).max_difference < 1e-5


@pytest.mark.parametrize("name", TWINS)
def test_one_batch_can_be_learned_by_heart(name: str) -> None:
    """Without dropout; four windows that differ in one number, which is all these nets see."""
    options: dict[str, Any] = {"dropout": 0.0}
    if "norm" in name:
        options = {"dropout": (0.0, 0.0), "recurrent_dropout": 0.0}
    if name == "attention":
        options = {"dropout": (0.0, 0.0), "relu_out": False}
    model = twin(name, **options)
    rows = torch.zeros(4, 5, 1, dtype=torch.long)
    rows[:, -1, 0] = targets = torch.tensor([0, 2, 4, 6])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(250):
        optimiser.zero_grad()
        logits = model(rows, targets[:, None])
        loss = masked_loss(logits, targets[:, None], torch.ones(4, dtype=torch.bool)).sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize("name", TWINS)
def test_more_than_one_column_is_refused(name: str) -> None:
    cls, options = TWINS[name]
    with pytest.raises(ValueError, match="one column; the encoding has 2"):
        cls((7, 3), window=5, **options)


def test_the_layers_of_the_norm_stack_count_as_printed() -> None:
    table = layer_table(WindowNormLSTM((352,), window=100))
    counts = [row["parameters"] for row in table if row["parameters"]]
    assert counts == [1_052_672, 2_099_200, 2_099_200, 2_048, 131_328, 1_024, 90_464]


def test_model_1_from_both_ends_has_the_count_of_the_report() -> None:
    model = WindowNormLSTM((352,), window=100, bidirectional=True)
    assert parameter_count(model) == 7_577_184


def test_model_2_without_flatten_would_be_a_sixth() -> None:
    flat = WindowFlatLSTM((352,), window=100)
    assert parameter_count(flat) - (100 - 1) * 512 * 352 == 3_332_448


def test_recurrent_dropout_spares_the_last_layer() -> None:
    model = WindowNormLSTM((7,), window=5, hidden=(4, 4, 4), recurrent_dropout=0.3)
    assert [layer.recurrent_dropout for layer in model.layers] == [0.3, 0.3, 0.0]


def test_dropout_is_one_share_or_one_a_layer() -> None:
    model = WindowLSTM((7,), window=5, hidden=(4, 4), dropout=(0.4, 0.5), dense=4)
    assert [model.dropouts[0].p, model.dense_dropout.p] == [0.4, 0.5]
    with pytest.raises(ValueError, match="dropout has 1 shares; 2 are needed"):
        WindowLSTM((7,), window=5, hidden=(4, 4), dropout=(0.4,), dense=4)


def test_attention_counts_as_keras_does() -> None:
    assert parameter_count(SelfAttention(256, 32)) == 2 * 256 * 32 + 2 * 32 + 1 == 16_449


@pytest.mark.parametrize("activation", ["none", "relu", "sigmoid"])
def test_attention_is_the_formula_pair_by_pair(activation: str) -> None:
    torch.manual_seed(0)
    layer = SelfAttention(4, 3, activation)
    with torch.no_grad():
        layer.pair_bias.normal_()
        layer.score_bias.normal_()
    x = torch.randn(1, 5, 4)
    through = {"none": lambda e: e, "relu": torch.relu, "sigmoid": torch.sigmoid}[activation]
    for t in range(5):
        pairs = [x[0, t] @ layer.here + x[0, u] @ layer.there + layer.pair_bias for u in range(5)]
        scores = [through(p.tanh() @ layer.score[:, 0] + layer.score_bias[0]) for p in pairs]
        weights = torch.stack(scores).softmax(0)
        torch.testing.assert_close(layer.weights(x)[0, t], weights)
        torch.testing.assert_close(layer(x)[0, t], weights @ x[0])


def test_a_relu_before_the_softmax_flattens_it() -> None:
    torch.manual_seed(0)
    plain, flattened = SelfAttention(4, 3), SelfAttention(4, 3, "relu")
    flattened.load_state_dict(plain.state_dict())
    x = 4 * torch.randn(2, 9, 4)
    smallest = [layer.weights(x).amin() for layer in (plain, flattened)]
    assert smallest[1] > smallest[0]


def test_an_unknown_activation_gets_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'sigmoid'"):
        SelfAttention(4, 3, "sigmod")
