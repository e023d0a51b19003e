"""The roll VQ-VAE: a codebook that follows, a prior that plays what it scores, a bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from segue.models.roll_vqvae import Codebook, RollVQVAE
from segue.training.export import export

COLUMNS = 5


def twin(**options: object) -> RollVQVAE:
    torch.manual_seed(0)
    sizes = {"window": 16, "width": 12, "hop": 4, "groups": 2, "codes": 7, "code_width": 4}
    asked = {**sizes, "prior": 10, "soft": 0, "dropout": 0.0, **options}
    return RollVQVAE((3,) * COLUMNS, **asked)  # type: ignore[arg-type]


def windows(count: int = 6, rows: int = 16) -> tuple[Tensor, Tensor]:
    return torch.randint(0, 3, (count, rows, COLUMNS)), torch.ones(count, rows, dtype=torch.bool)


@pytest.fixture
def model() -> RollVQVAE:
    return twin().eval()


# -- the codebook ------------------------------------------------------------------------------


def test_the_nearest_code_is_the_nearest() -> None:
    torch.manual_seed(0)
    book = Codebook(groups=3, codes=11, width=4, decay=0.9, dead=0.0)
    said = torch.randn(20, 3, 4)
    for g in range(3):
        apart = torch.cdist(said[:, g], book.table[g])
        assert torch.equal(book.nearest(said)[:, g], apart.argmin(dim=1))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(book.nearest(said), book.nearest(said.float()))
    assert torch.equal(
        book.vectors(book.nearest(said))[3, 1], book.table[1, book.nearest(said)[3, 1]]
    )


def test_codes_move_to_the_mean_of_what_they_stand_for() -> None:
    torch.manual_seed(0)
    book = Codebook(groups=1, codes=2, width=2, decay=0.5, dead=0.0)
    book.table.copy_(torch.tensor([[[0.0, 0.0], [10.0, 10.0]]]))
    said = torch.tensor([[[1.0, 1.0]], [[3.0, 1.0]], [[9.0, 9.0]]])
    for _ in range(40):
        book.follow(said, book.nearest(said))
    torch.testing.assert_close(book.table, torch.tensor([[[2.0, 1.0], [9.0, 9.0]]]))
    assert book.perplexity().item() == pytest.approx(np.exp(np.log(3) - 2 / 3 * np.log(2)))


def test_codes_that_nothing_is_near_begin_anew() -> None:
    torch.manual_seed(0)
    book = Codebook(groups=2, codes=8, width=3, decay=0.9, dead=0.1)
    book.table[:, 1:] += 1000  # seven that nothing is near
    said = torch.randn(400, 2, 3)
    assert (book.nearest(said) == 0).all()
    for _ in range(30):
        book.follow(said, book.nearest(said))
    assert (book.perplexity() > 5).all()
    assert all(len(book.nearest(said)[:, g].unique()) == 8 for g in range(2))


def test_nothing_moves_but_in_training(model: RollVQVAE) -> None:
    rows, mask = windows()
    before = model.codebook.table.clone()
    model.scores(rows, rows, mask)
    model.objective(rows, rows, mask)
    assert torch.equal(before, model.codebook.table)
    model.train().objective(rows, rows, mask)
    assert not torch.equal(before, model.codebook.table)


# -- learning ----------------------------------------------------------------------------------


def test_gradients_of_rows_and_of_codes_do_not_meet(model: RollVQVAE) -> None:
    rows, mask = windows()
    model.train()
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    weights = [p for p in model.parameters() if p.requires_grad]
    indices = model.codebook.nearest(model.said(rows))
    grads = torch.autograd.grad(model._code_nats(indices, mask), weights, allow_unused=True)
    moved = {n.split(".")[0] for n, g in zip(names, grads, strict=True) if g is not None}
    assert moved == {"prior"}
    grads = torch.autograd.grad(model.objective(rows, rows, mask), weights, allow_unused=True)
    assert all(g is not None for g in grads)


def test_what_lies_past_a_piece_costs_nothing(model: RollVQVAE) -> None:
    rows, mask = windows()
    mask[:, 12:] = False
    indices = torch.randint(0, 7, (12, 2, 2))
    other = indices.clone()
    other[1::2, 1] = 0  # codes of the last hop of each window
    torch.testing.assert_close(model._code_nats(indices, mask), model._code_nats(other, mask))
    assert model._code_nats(indices, mask) < model._code_nats(indices, torch.ones_like(mask))
    assert model.scores(rows, rows, torch.zeros_like(mask)).tolist() == [0, 0]


def test_a_segment_is_coded_by_itself(model: RollVQVAE) -> None:
    rows, _ = windows()
    whole = model.said(rows).reshape(6, 2, 2, 2, 4)
    torch.testing.assert_close(whole[:, 1], model.said(rows[:, 8:]))


def test_the_prior_knows_no_code_before_its_time(model: RollVQVAE) -> None:
    codes = torch.randint(0, 7, (3, 2, 4))
    known = model.prior(codes)
    for at in range(8):
        other = codes.flatten(1).clone()
        other[:, at] = (other[:, at] + 1) % 7
        same = (model.prior(other.reshape(3, 2, 4)) == known).all(dim=-1).all(dim=0)
        assert same.tolist() == [t <= at for t in range(8)]


def test_at_first_positions_are_not_coded() -> None:
    model = twin(soft=4, commitment=0.0)
    shares = []
    for step in (0, 1, 3, 9):
        model.begin_step(step)
        shares.append(model._coded)
    assert shares == [0.25, 0.5, 1.0, 1.0]


def test_one_batch_can_be_learned_by_heart() -> None:
    model = twin(width=24, codes=16, prior=24, soft=40).train()
    rows, mask = windows(4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(200):
        model.begin_step(step)
        optimiser.zero_grad()
        (model.objective(rows, rows, mask) / mask.sum()).backward()
        optimiser.step()
    nats = model.eval().scores(rows, rows, mask).sum() / mask.sum()
    assert nats < 1.0  # of 5.5 that cells of chance have


# -- playing -----------------------------------------------------------------------------------


def test_it_draws_what_the_prior_expects(model: RollVQVAE) -> None:
    """The codes drawn at no heat are the likeliest after those before, by teacher forcing."""
    before, uniform, cold = torch.randint(0, 7, (3, 4)), torch.rand(3, 4), torch.zeros(1)
    drawn = model.prior.draw(before, torch.zeros(3, dtype=torch.bool), uniform, cold)
    after = model.prior(torch.stack([before, drawn], dim=1))[:, 4:]
    assert torch.equal(after.argmax(dim=-1), drawn)
    first = model.prior.draw(before, torch.ones(3, dtype=torch.bool), uniform, cold)
    alone = model.prior(first[:, None])
    assert torch.equal(alone.argmax(dim=-1), first)


def test_numbers_decide_what_is_composed(model: RollVQVAE) -> None:
    torch.nn.init.normal_(model.decoder[-1].weight, std=1.0)  # type: ignore[arg-type]
    before, none, heat = torch.zeros(8, 8, COLUMNS).long(), torch.zeros(8, 0), torch.ones(1)
    uniform = torch.rand(8, model.uniforms)
    made = model.compose(none, uniform, before, heat)
    assert made.shape == (8, 8, COLUMNS)
    assert torch.equal(made, model.compose(none, uniform, before, heat))
    assert len({tuple(each.flatten().tolist()) for each in made}) > 1
    cold = model.compose(none, uniform, before, 0 * heat)
    assert (cold == cold[:1]).all()


def test_its_graph_agrees_with_torch_after_music_too(model: RollVQVAE) -> None:
    import onnxruntime

    exported = export(model)
    assert exported.max_difference == 0
    session = onnxruntime.InferenceSession(exported.onnx["model.onnx"])
    before = torch.randint(0, 3, (5, 8, COLUMNS))
    before[2] = 0
    drawn = {
        "normal": torch.zeros(5, 0),
        "uniform": torch.rand(5, model.uniforms),
        "before": before,
        "heat": torch.ones(1),
    }
    (rows,) = session.run(None, {name: each.numpy() for name, each in drawn.items()})
    assert np.array_equal(rows, model.compose(**drawn).numpy())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hop": 3}, "hop came as 3; 2, 4, 8"),
        ({"window": 20}, "window came as 20; it holds two segments of whole hops of 4"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        twin(**options)


def test_columns_of_several_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="columns of one size"):
        RollVQVAE((2, 3), window=16)


def test_only_what_would_be_silent_is_drawn(model: RollVQVAE) -> None:
    last = model.decoder[-1]
    bias = last.bias.detach().view(model.columns, model.symbols)
    with torch.no_grad():
        last.weight.zero_()
        bias[:] = torch.tensor([1.0] + [0.0] * (model.symbols - 1))
    none = torch.zeros(2, 0)
    before = torch.zeros(2, model.window, model.columns, dtype=torch.long)
    uniform = torch.rand(2, model.uniforms, generator=torch.Generator().manual_seed(1))
    made = model.compose(none, uniform, before, torch.ones(1))
    assert 0 < (made > 0).float().mean() < 1, "no cell is likelier to sound than not"
    with torch.no_grad():
        bias[0, 1] = 2.0
    made = model.compose(none, uniform, before, torch.ones(1))
    assert (made[..., 0] == 1).all()
    assert not made[..., 1:].any(), "what sounds by itself is left as it is"
