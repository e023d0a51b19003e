"""Trains a model on whole pieces in segments, with its state carried from one to the next.

A step reads one segment of each of so many pieces; a slot whose piece has ended takes the next of
an endless shuffle and begins from zero. Which pieces, where the first segment ends, how far each is
transposed and what is dropped follow from the seed and the step: a cut run goes on where it was.
The averaged weights that cost least on the valid split are kept; the test split is not read here.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench.published.protocol import carries, measure, nats, read
from bench.published.sets import Set
from torch import Tensor, nn

from segue.files import written_whole
from segue.models.base import Model, parameter_count
from segue.recipes import Recipe, build_model
from segue.training.module import make_optimiser, rate_at

_STRIDE = 1_000_003


@dataclass
class Slots:
    """Pieces that are read side by side, a segment at a time."""

    pieces: Sequence[np.ndarray]
    count: int
    length: int
    transpose: tuple[int, int]
    moved: Callable[[Any, int], Any]
    rng: np.random.Generator
    order: list[int] = field(default_factory=list)
    playing: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each slot the piece, the row it has come to, and how far it is transposed."""
    epochs: int = 0
    moving: float = 1.0
    """The share of new pieces that are transposed."""

    def segment(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, L, C) rows, as many targets, which of these count, and which slots begin anew."""
        rows = np.zeros((self.count, self.length + 1, self.pieces[0].shape[1]), np.int64)
        counts = np.zeros((self.count, self.length), bool)
        fresh = np.zeros(self.count, bool)
        for slot in range(self.count):
            fresh[slot] = self._over(slot)
            if fresh[slot]:
                self._begin(slot)
            number, at, by = self.playing[slot]
            piece = self.pieces[number]
            # The first segment is shorter by chance, so that cuts fall elsewhere in each epoch.
            whole = bool(at) or len(piece) <= self.length
            most = self.length if whole else int(self.rng.integers(self.length // 2, self.length))
            take = min(most, len(piece) - 1 - at)
            rows[slot, : take + 1] = self.moved(piece[at : at + take + 1], by)
            counts[slot, :take] = True
            self.playing[slot] = number, at + take, by
        both = torch.from_numpy(rows)
        return both[:, :-1], both[:, 1:], torch.from_numpy(counts), torch.from_numpy(fresh)

    def place(self) -> dict[str, Any]:
        """Where the slots have come to, to go on from with `go_on`."""
        names = ("order", "playing", "epochs")
        kept = {name: copy.copy(getattr(self, name)) for name in names}
        return {**kept, "chance": self.rng.bit_generator.state}

    def go_on(self, place: dict[str, Any]) -> None:
        """Take up where `place` was told."""
        self.rng.bit_generator.state = place.pop("chance")
        for name, value in place.items():
            setattr(self, name, value)

    def _over(self, slot: int) -> bool:
        if slot >= len(self.playing):
            return True
        number, at, _ = self.playing[slot]
        return at >= len(self.pieces[number]) - 1

    def _begin(self, slot: int) -> None:
        if not self.order:
            self.order = self.rng.permutation(len(self.pieces)).tolist()
            self.epochs += 1
        number = self.order.pop()
        by = int(self.rng.integers(self.transpose[0], self.transpose[1] + 1))
        by *= bool(self.rng.random() < self.moving)
        # A piece that would leave the range anywhere stays where it is, all of it.
        stays = by and self.moved(self.pieces[number], by) is self.pieces[number]
        self.playing[slot : slot + 1] = [(number, 0, 0 if stays else by)]


@dataclass
class Fit:
    """What training left: the model with its best weights, and what that took."""

    model: Any
    parameters: int
    steps: int
    best_step: int
    valid: float
    epochs: int
    seconds: float
    processor_seconds: float


class Training:
    """One training of a recipe on a set, kept in `folder` at each look at the valid split."""

    def __init__(
        self,
        recipe: Recipe,
        kind: Set,
        splits: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
        seed: int,
        folder: Path,
        say: Callable[[str], Any] = print,
    ) -> None:
        self.recipe, self.kind, self.seed = recipe, kind, seed
        self.folder, self.say = folder, say
        self.train, self.valid = splits
        table, data = recipe.train, recipe.data
        self.model: Any = build_model(recipe, kind.sizes, seed=seed)
        self.mean: Any = copy.deepcopy(self.model)
        self.optimiser = make_optimiser(self.model, table)
        self.slots = Slots(
            self.train,
            table.batch,
            data.window,
            data.transpose,
            kind.moved,
            np.random.default_rng(seed),
        )
        self.state: Sequence[Tensor] = self.model.start(table.batch)
        self.done, self.best, self.losses = 0, (float("inf"), 0), list[float]()
        self.spent, self.used = 0.0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "cut.pt").is_file():
            self._go_on()

    def run(self) -> Fit:
        """Train to the recipe's last step; the model with the weights that held out best."""
        table = self.recipe.train
        began, work = time.monotonic() - self.spent, time.process_time() - self.used
        while self.done < table.max_steps:
            self._step()
            if self.done % table.validate_every == 0 or self.done == table.max_steps:
                held_out = measure(self.mean, self.valid).nats
                if held_out < self.best[0]:
                    self.best = held_out, self.done
                    _keep(self.folder / "best.pt", self.mean.state_dict())
                self.spent, self.used = time.monotonic() - began, time.process_time() - work
                self._cut()
                self.say(
                    f"step {self.done}, epoch {self.slots.epochs}, {self.used:.0f} s: train "
                    f"{np.mean(self.losses):.4f}, valid {held_out:.4f} "
                    f"(best {self.best[0]:.4f} at {self.best[1]})"
                )
                self.losses.clear()
        self.mean.load_state_dict(torch.load(self.folder / "best.pt", weights_only=True))
        return Fit(
            self.mean,
            parameter_count(self.mean),
            self.done,
            self.best[1],
            self.best[0],
            self.slots.epochs,
            self.spent,
            self.used,
        )

    def _step(self) -> None:
        table = self.recipe.train
        for group in self.optimiser.param_groups:
            group["lr"] = table.lr * rate_at(self.done, table)
        if self.kind.one_key:
            # What is learned in all keys comes first, what is known of this one last.
            self.slots.moving = 1 - self.done / table.max_steps
        rows, targets, counts, fresh = self.slots.segment()
        torch.manual_seed((self.seed * _STRIDE + self.done) % 2**31)
        self.model.train()
        state = self.state
        if carries(self.model):
            state = [torch.where(fresh.view(-1, *[1] * (s.dim() - 1)), 0, s) for s in state]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=table.precision == "bf16"):
            features, state = read(self.model, rows, state)
            cost = nats(self.model, features, targets)
        loss = (cost * counts).sum() / counts.sum()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if table.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), table.clip)
        self.optimiser.step()
        self.state = [s.detach().float() if s.is_floating_point() else s for s in state]
        self.losses.append(float(loss.detach()))
        self.done += 1
        # At first the average is of few weights, so that it does not remember the first ones.
        _follow(self.mean, self.model, min(table.ema, self.done / (self.done + 9)))

    def _cut(self) -> None:
        """Keep everything, so that a run that is cut loses no more than since the last look."""
        own = ("state", "done", "best", "spent", "used")
        values = {name: getattr(self, name) for name in own}
        nets = {name: getattr(self, name).state_dict() for name in ("model", "mean", "optimiser")}
        _keep(self.folder / "cut.pt", {**values, **nets, "place": self.slots.place()})

    def _go_on(self) -> None:
        kept = torch.load(self.folder / "cut.pt", weights_only=True)
        self.slots.go_on(kept.pop("place"))
        for name in ("model", "mean", "optimiser"):
            getattr(self, name).load_state_dict(kept.pop(name))
        for name, value in kept.items():
            setattr(self, name, value)


@torch.no_grad()
def _follow(mean: Model, model: Model, decay: float) -> None:
    """Move the average towards the model."""
    torch._foreach_lerp_(list(mean.parameters()), list(model.parameters()), 1 - decay)
    for ours, theirs in zip(mean.buffers(), model.buffers(), strict=True):
        ours.copy_(theirs)


def _keep(path: Path, value: Any) -> None:
    with written_whole(path) as part:
        torch.save(value, part)
