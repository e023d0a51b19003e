"""Recurrent layers: the dropped path is the fused one with masks, and counts are Keras's."""

import pytest
import torch

from segue.models.base import parameter_count
from segue.models.recurrent import LSTM, BiLSTM


def test_the_dropped_path_without_drops_is_the_fused_one() -> None:
    torch.manual_seed(0)
    layer = LSTM(3, 8, recurrent_dropout=1e-9)
    x = torch.randn(4, 7, 3)
    dropped, (h, c) = layer.train()(x)
    fused, (h_fused, c_fused) = layer.eval()(x)
    torch.testing.assert_close(dropped, fused)
    torch.testing.assert_close((h, c), (h_fused, c_fused))


def test_each_gate_drops_the_same_units_at_every_step() -> None:
    torch.manual_seed(0)
    layer = LSTM(2, 5, recurrent_dropout=0.5).train()
    x = torch.randn(3, 6, 2)
    torch.manual_seed(1)
    out, _ = layer(x)
    torch.manual_seed(1)
    masks = torch.nn.functional.dropout(torch.ones(4, 3, 5), 0.5)
    recurrent, inputs = layer.weight_hh_l0.chunk(4), layer.weight_ih_l0.chunk(4)
    biases = layer.bias_ih_l0.chunk(4)
    h = c = torch.zeros(3, 5)
    for t in range(6):
        i, f, g, o = (
            x[:, t] @ inputs[k].T + (h * masks[k]) @ recurrent[k].T + biases[k] for k in range(4)
        )
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        torch.testing.assert_close(out[:, t], h)


def test_nothing_is_dropped_when_playing() -> None:
    layer = LSTM(2, 5, recurrent_dropout=0.5).eval()
    x = torch.randn(3, 6, 2)
    torch.testing.assert_close(layer(x)[0], layer(x)[0])
    step, _ = layer.step(x[:, 0], torch.zeros(3, 5), torch.zeros(3, 5))
    torch.testing.assert_close(step, layer(x)[0][:, 0])


def test_gradients_reach_every_weight_through_the_dropped_path() -> None:
    layer = LSTM(2, 5, recurrent_dropout=0.3).train()
    layer(torch.randn(3, 6, 2))[0].sum().backward()
    learned = [p for p in layer.parameters() if p.requires_grad]
    assert all(p.grad is not None and bool(p.grad.any()) for p in learned)


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 512), (1, 128)])
def test_two_directions_count_twice(inputs: int, hidden: int) -> None:
    assert parameter_count(BiLSTM(inputs, hidden)) == 2 * 4 * hidden * (inputs + hidden + 1)


def test_each_direction_reads_from_its_own_end() -> None:
    torch.manual_seed(0)
    layer = BiLSTM(2, 4)
    x = torch.randn(1, 6, 2)
    later = x.clone()
    later[:, 4:] += 1
    out, changed = layer(x)[0], layer(later)[0]
    torch.testing.assert_close(out[:, :4, :4], changed[:, :4, :4])
    assert not torch.allclose(out[:, 0, 4:], changed[:, 0, 4:])
