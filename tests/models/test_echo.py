"""The nets that hear echoes: one answer by window, part and step, and what an echo is."""

import pytest
import torch
from torch import Tensor

from segue.models.echo import RECENT, SPANS, Echo
from segue.models.echo_chain import EchoChain
from segue.models.echo_roll import EchoRoll
from segue.training.export import export

SIZES = (2,) * 26
KINDS = [EchoRoll, EchoChain]


def net(kind: type[EchoRoll] | type[EchoChain], **options: float) -> EchoRoll | EchoChain:
    torch.manual_seed(0)
    sizes = {"hidden": 12, "width": 8, "heads": 2, "memory": 10}
    return kind(SIZES, window=16, **{**sizes, **options}).eval()  # type: ignore[arg-type]


def music(batch: int, frames: int, seed: int = 1) -> Tensor:
    drawn = torch.rand(batch, frames, len(SIZES), generator=torch.Generator().manual_seed(seed))
    return (drawn < 0.2).long()


@pytest.mark.parametrize("kind", KINDS)
def test_steps_and_parts_give_the_features_of_the_window(
    kind: type[EchoRoll] | type[EchoChain],
) -> None:
    """Over more frames than are remembered."""
    model, rows = net(kind), music(3, 25)
    whole, state = model.features(rows), model.start(3)
    parts = []
    for first in range(0, 25, 7):
        part, *state = model.read(rows[:, first : first + 7], *state)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    state = model.start(3)
    for t in range(25):
        features, *state = model.step(rows[:, t], *state)
        torch.testing.assert_close(features, whole[:, t])


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_later_is_not_heard(kind: type[EchoRoll] | type[EchoChain]) -> None:
    model, rows = net(kind), music(2, 20)
    later = rows.clone()
    later[:, 12:] = 1 - later[:, 12:]
    torch.testing.assert_close(model.features(later)[:, :12], model.features(rows)[:, :12])
    assert not torch.allclose(model.features(later)[:, 12], model.features(rows)[:, 12])


@pytest.mark.parametrize("kind", KINDS)
def test_the_onnx_form_agrees(kind: type[EchoRoll] | type[EchoChain]) -> None:
    exported = export(net(kind))
    assert exported.max_difference is not None
    assert exported.max_difference < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_one_batch_can_be_learned_by_heart(kind: type[EchoRoll] | type[EchoChain]) -> None:
    model, rows = net(kind, dropout=0.0, drop_keys=0.0).train(), music(2, 13)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    mask = torch.ones(2, 12, dtype=torch.bool)
    nats = []
    for _ in range(80):
        optimiser.zero_grad()
        loss = model.scores(rows[:, :-1], rows[:, 1:], mask).sum() / mask.sum()
        loss.backward()
        optimiser.step()
        nats.append(loss.item())
    assert nats[-1] < 0.3 * nats[0]


def test_an_echo_is_what_followed_the_same_frames() -> None:
    """Twelve frames and the first ten of them again: what comes next is the eleventh."""
    torch.manual_seed(0)
    trunk = Echo(26, 4, 4, heads=2, memory=20, dropout=0.0, drop_keys=0.0)
    with torch.no_grad():
        trunk.sharp.fill_(200.0)
        trunk.sink.fill_(150.0)
    piece = music(1, 12)
    rows = torch.cat([piece, piece[:, :10]], dim=1)
    heard: list[Tensor] = []
    trunk.drop_keys.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    trunk(rows, *trunk.start(1))
    echo = heard[0][0, -1, :, 1:]
    wanted = (2 * piece[0, 10] - 1).float()
    torch.testing.assert_close(echo, wanted[:, None].expand(-1, 2), atol=1e-3, rtol=0)
    assert heard[0][0, RECENT, :, 1:].abs().max() < 0.5, "nothing like it was heard yet"


def test_traces_fade_to_a_third_over_their_spans() -> None:
    trunk = Echo(26, 4, 4, heads=1, memory=8, dropout=0.0, drop_keys=0.0)
    rows = torch.zeros(1, 8, 26)
    rows[0, 0, 3] = 1
    traces = trunk._traces(rows, torch.zeros(1, len(SPANS), 26))
    faded = traces[0, 2, 0, 3] / traces[0, 0, 0, 3]
    assert faded.item() == pytest.approx(0.3679, abs=1e-3), "the first span is two frames"


def test_a_pitch_is_told_of_those_below_it_and_of_none_above() -> None:
    model, features, row = net(EchoChain), torch.randn(2, 26, 8), music(1, 2)[0]
    assert isinstance(model, EchoChain)
    other = row.clone()
    other[:, 13] = 1 - other[:, 13]
    before, after = model.frame(features, row), model.frame(features, other)
    torch.testing.assert_close(before[:, :14], after[:, :14])
    assert not torch.allclose(before[:, 14], after[:, 14])


def test_links_give_the_frame() -> None:
    model, features, row = net(EchoChain), torch.randn(2, 26, 8), music(1, 2)[0]
    assert isinstance(model, EchoChain)
    frame, chain = model.frame(features, row), model.chain(2)
    below = torch.zeros(2, 1, dtype=torch.long)
    for column in range(26):
        logits, *chain = model.link(features[:, column], below, *chain)
        torch.testing.assert_close(logits, frame[:, column])
        below = row[:, column : column + 1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_cannot_be_is_refused(kind: type[EchoRoll] | type[EchoChain]) -> None:
    with pytest.raises(ValueError, match="two symbols a key"):
        kind((3,) * 5, window=8)
    with pytest.raises(ValueError, match="at least 8 frames"):
        kind(SIZES, window=8, memory=3)
