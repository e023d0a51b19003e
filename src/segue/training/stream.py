"""Training batches as a function of the step, so that a resumed run sees the same ones."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segue import models
from segue.data import Augmentation, Augmenter, Batch, Corpus, PackedWindows, Windows
from segue.errors import DataError, RecipeError
from segue.recipes.schema import Recipe


class TensorBatch(NamedTuple):
    """Rows (B, T, C), targets (B, T, C) or (B, C), and which targets count, (B, T) or (B,).

    Where a recipe's objective is "segment" the targets are the rows themselves.
    `total` is the number of targets that count in the whole step, over all ranks and
    accumulated parts; `parts` is how many such parts there are. Where windows hold several
    pieces `segments`, (B, T), numbers them.
    """

    rows: Tensor
    targets: Tensor
    mask: Tensor
    total: int
    parts: int
    segments: Tensor | None = None


class BatchStream:
    """Endless training batches, beginning with those of step `start`.

    A step takes `train.batch` windows in all: each of `world` ranks takes its share, in
    `train.accumulate` parts. Which windows a step takes, and how they are augmented, depends on
    its number and the seed only, however many ranks and parts there are; a resumed run needs
    its step and no more. (Lightning fetches batches ahead, so the stream's position would not do.)
    """

    def __init__(
        self,
        corpus: Corpus,
        recipe: Recipe,
        seed: int,
        *,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.recipe, self.seed, self.start = recipe, seed, start
        parts_a_rank = recipe.train.accumulate
        self.parts = world * parts_a_rank
        self.share, left = divmod(recipe.train.batch, self.parts)
        if left or not self.share:
            raise RecipeError(
                f"a step of {recipe.train.batch} windows (train.batch) cannot be divided among "
                f"{world} processes in {parts_a_rank} parts each (train.accumulate): "
                f"set train.batch to a multiple of {self.parts}."
            )
        self._whole = windows_of(corpus, recipe, "train", recipe.train.batch, seed)
        self._mine = {
            part: windows_of(corpus, recipe, "train", self.share, seed, rank=part, world=self.parts)
            for part in range(rank * parts_a_rank, (rank + 1) * parts_a_rank)
        }
        self._augment = augmenter_of(corpus, recipe, seed)
        self._augmented: tuple[int, Batch] | None = None

    def __iter__(self) -> Iterator[TensorBatch]:
        for step in itertools.count(self.start):
            for part in self._mine:
                yield self.at(step, part)

    def at(self, step: int, part: int = 0) -> TensorBatch:
        """One part of a step, augmented as the recipe says."""
        first = part * self.share
        if not self._augment.lays:
            batch = self._augment(self._mine[part].batch(step), step, first)
            return _tensors(batch, self._whole.targets(step), self.parts)
        # How many targets count is known only once the whole step is augmented.
        if self._augmented is None or self._augmented[0] != step:
            self._augmented = step, self._augment(self._whole.batch(step), step)
        whole = self._augmented[1]
        batch = whole.part(slice(first, first + self.share))
        return _tensors(batch, max(int(whole.mask.sum()), 1), self.parts)


class HeldOut:
    """The held-out batches of a corpus, the same at each pass; at most `limit` windows."""

    def __init__(self, windows: Windows, limit: int | None) -> None:
        self.windows = windows
        self.limit = limit

    def __iter__(self) -> Iterator[TensorBatch]:
        for batch in self.windows.held_out(self.limit):
            yield _tensors(batch, 0, 1)


def augmenter_of(corpus: Corpus, recipe: Recipe, seed: int) -> Augmenter:
    """What the recipe changes in training windows; RecipeError for what cannot be done."""
    table = recipe.data
    names = [field.name for field in dataclasses.fields(Augmentation)]
    try:
        how = Augmentation(**{name: getattr(table, name) for name in names})
        return Augmenter(how, corpus.encoding, seed, recipe.train.batch, table.objective)
    except DataError as error:
        raise RecipeError(f"recipe {recipe.name}: [data] {error}") from None


def windows_of(
    corpus: Corpus,
    recipe: Recipe,
    split: str,
    batch: int,
    seed: int,
    *,
    rank: int = 0,
    world: int = 1,
) -> Windows:
    """The recipe's windows over one split; RecipeError for what these cannot be."""
    table = recipe.data
    objective, align = table.objective, table.align
    if align != 1 and objective == "last":
        raise RecipeError(
            f"recipe {recipe.name}: data.align came as {align} with data.objective "
            '"last", which takes windows from every row: leave data.align out.'
        )
    if objective == "every" and table.window % align:
        raise RecipeError(
            f"recipe {recipe.name}: data.window came as {table.window}, no multiple of "
            f"data.align, {align}: choose one, such as {-(-table.window // align) * align}."
        )
    if table.pack:
        _refuse_unpackable(recipe)
        return PackedWindows(corpus, split, table.window, batch, seed, rank=rank, world=world)
    return Windows(
        corpus,
        split,
        length=table.window,
        batch=batch,
        seed=seed,
        objective=objective,
        align=align,
        rank=rank,
        world=world,
    )


def _refuse_unpackable(recipe: Recipe) -> None:
    table = recipe.data
    reasons = {
        f"data.objective {table.objective!r} takes each window from one piece": (
            table.objective != "every"
        ),
        f"data.align {table.align} starts windows at bars": table.align != 1,
        f"the model {recipe.model.name} does not tell the pieces of a window apart": (
            not models.find(recipe.model.name).packs
        ),
    }
    for reason, holds in reasons.items():
        if holds:
            raise RecipeError(
                f"recipe {recipe.name}: data.pack came as true, but {reason}: leave data.pack out."
            )


def _tensors(batch: Batch, total: int, parts: int) -> TensorBatch:
    one_target = batch.targets.ndim < batch.inputs.ndim
    rows = torch.from_numpy(batch.inputs.astype(np.int64))
    same = batch.targets is batch.inputs
    return TensorBatch(
        rows,
        rows if same else torch.from_numpy(batch.targets.astype(np.int64)),
        torch.from_numpy(batch.mask[:, -1] if one_target else batch.mask),
        total,
        parts,
        None if batch.segments is None else torch.from_numpy(batch.segments.astype(np.int64)),
    )
