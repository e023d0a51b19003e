"""Muon inside, AdamW outside, one optimiser to whoever steps it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from music import TINY
from segue import recipes
from segue.data import Corpus
from segue.errors import TrainingError
from segue.training import run as running
from segue.training.muon import MuonAdamW
from segue.training.run import Options, resume, train

MUON = ("train.optimiser=muon", "train.lr=0.01")


class Small(nn.Module):
    """A table, a matrix inside with a bias, and one that gives logits of 7 symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 6)
        self.inner = nn.Linear(6, 5)
        self.out = nn.Linear(5, 7)

    def forward(self, symbols: Tensor) -> Tensor:
        return self.out(self.inner(self.table(symbols)).tanh())


def stepped(model: Small, optimiser: MuonAdamW, steps: int) -> float:
    """The loss after so many steps of telling each symbol's successor."""
    symbols = torch.arange(7)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(symbols), symbols.roll(1))
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return float(loss.detach())


def small(rate: float = 0.02) -> tuple[Small, MuonAdamW]:
    torch.manual_seed(3)
    model = Small()
    return model, MuonAdamW(model, rate, 0.0, (7,))


def test_only_inner_matrices_step_by_orthogonal_matrices() -> None:
    model, optimiser = small(rate=1.0)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    stepped(model, optimiser, 1)
    moved = {name: before[name] - weight.detach() for name, weight in model.named_parameters()}
    values = torch.linalg.svdvals(moved["inner.weight"])
    # Newton and Schulz's five rounds leave singular values near one, scaled by 0.2 x sqrt(6).
    assert values.max() < 1.3 * 0.2 * 6**0.5
    assert values.median() > 0.6 * 0.2 * 6**0.5
    # AdamW's first step is the rate, whatever the gradient.
    for name in ("table.weight", "out.weight", "inner.bias"):
        far = moved[name].abs()
        assert far[far > 0].median() == pytest.approx(1.0, rel=1e-3)


def test_a_schedule_reaches_both_parts_and_a_state_goes_on_as_if_never_left() -> None:
    model, optimiser = small()
    assert stepped(model, optimiser, 60) < 0.5
    again, resumed = small()
    again.load_state_dict(model.state_dict())
    resumed.load_state_dict(deepcopy(optimiser.state_dict()))
    for net, each in ((model, optimiser), (again, resumed)):
        schedule = torch.optim.lr_scheduler.LambdaLR(each, lambda step: 0.5**step)
        stepped(net, each, 1)
        schedule.step()
        assert {group["lr"] for group in each.param_groups} == {0.01}
        stepped(net, each, 3)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    optimiser.param_groups[0]["lr"] = optimiser.param_groups[1]["lr"] = 0.0
    still = [weight.detach().clone() for weight in model.parameters()]
    stepped(model, optimiser, 1)
    assert all(torch.equal(a, b) for a, b in zip(still, model.parameters(), strict=True))


def test_a_run_by_muon_resumes_bit_for_bit(corpus_path: Path, tmp_path: Path) -> None:
    corpus, quiet = Corpus.open(corpus_path), Options(ship=False)
    for name, steps in (("whole", 4), ("half", 2)):
        settings = [*TINY, *MUON, f"train.max_steps={steps}", "train.sample_rows=0"]
        recipe = recipes.load("chorale-lstm", settings)
        train(corpus, recipe, tmp_path / name, seed=1, options=quiet)
    resume(tmp_path / "half", max_steps=4, options=quiet)
    whole, half = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=False)["state_dict"]
        for name in ("whole", "half")
    )
    assert all(torch.equal(whole[name], half[name]) for name in whole)


TWIN = (
    "model.width=16", "model.layers=1", "model.heads_per_layer=2", "data.window=16",
    "train.batch=4", "train.max_steps=2", "train.precision=fp32", "train.sample_rows=0",
    "model.dropout=0",
)  # fmt: skip


def test_compiling_is_for_models_that_gain_by_it(corpus_path: Path, tmp_path: Path) -> None:
    recipe = recipes.load("chorale-lstm", [*TINY, "train.max_steps=1"])
    with pytest.raises(TrainingError, match=r"chorale-lstm is a note-lstm.*without --compile"):
        train(Corpus.open(corpus_path), recipe, tmp_path / "run", options=Options(compiled=True))
    assert not (tmp_path / "run").exists(), "what was refused is in nobody's way"


def test_compiling_asks_for_a_compiler(
    corpus_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    recipe = recipes.load("compound-transformer", TWIN)
    with pytest.raises(TrainingError, match=r"no g\+\+ or clang\+\+.*without --compile"):
        train(Corpus.open(corpus_path), recipe, tmp_path / "run", options=Options(compiled=True))


def test_a_compiled_step_learns_what_a_plain_one_does(
    corpus_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if running.compiler() is None:
        pytest.skip("no C++ compiler: --compile is not tried")
    # Tracing without generating code: what a step is told is tried, and no compiler is waited for.
    plain = torch.compile
    traced = []

    def traced_only(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
        traced.append(f)
        return plain(f, backend="aot_eager")

    monkeypatch.setattr(torch, "compile", traced_only)
    recipe = recipes.load("compound-transformer", TWIN)
    seen = []
    for compiled in (False, True):
        out = tmp_path / f"run-{compiled}"
        options = Options(ship=False, compiled=compiled)
        seen.append(train(Corpus.open(corpus_path), recipe, out, seed=1, options=options).held_out)
    assert traced
    assert seen[0] is not None and seen[1] is not None
    assert seen[1]["nats"]["model"] == pytest.approx(seen[0]["nats"]["model"], rel=1e-4)
