"""Training batches as a function of the step, so that a resumed run sees the same ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from segue.data import Corpus, Windows
from segue.encodings.base import Encoding
from segue.errors import RecipeError
from segue.recipes.schema import Recipe


class TensorBatch(NamedTuple):
    """Rows (B, T, C), targets (B, T, C) or (B, C), and which targets count, (B, T) or (B,)."""

    rows: Tensor
    targets: Tensor
    mask: Tensor


class BatchStream:
    """Endless training batches from `windows`, beginning with that of step `start`.

    Batch number s depends on s and the seed only, so a resumed run needs its step and no more;
    Lightning fetches batches ahead, which is why the stream's own position would not do.
    """

    def __init__(
        self, windows: Windows, recipe: Recipe, encoding: Encoding, seed: int, start: int = 0
    ) -> None:
        self.windows = windows
        self.recipe = recipe
        self.encoding = encoding
        self.seed = seed
        self.start = start
        self._transpose = getattr(encoding, "transpose", None)
        if self._transpose is None and recipe.data.transpose != (0, 0):
            raise RecipeError(
                f"recipe {recipe.name}: data.transpose came as {recipe.data.transpose}, but the "
                f"encoding {encoding.name} cannot be transposed: set it to [0, 0]."
            )

    def __iter__(self) -> Iterator[TensorBatch]:
        for step in itertools.count(self.start):
            yield self.at(step)

    def at(self, step: int) -> TensorBatch:
        """Batch number `step`, augmented as the recipe says."""
        batch = self.windows.batch(step)
        low, high = self.recipe.data.transpose
        if low == high == 0:
            return _tensors(batch.inputs, batch.targets, batch.mask)
        rng = np.random.default_rng((self.seed, step, self.windows.rank))
        semitones = rng.integers(low, high + 1, size=len(batch.inputs))
        # Inputs and targets are moved as one window, so that neither is clipped alone.
        rows = np.concatenate([batch.inputs, batch.targets.reshape(_with_time(batch))], axis=1)
        moved = self._transpose(rows, semitones)
        split = batch.inputs.shape[1]
        targets = moved[:, split:].reshape(batch.targets.shape)
        return _tensors(moved[:, :split], targets, batch.mask)


class HeldOut:
    """The held-out batches of a corpus, the same at each pass; at most `limit` windows."""

    def __init__(self, windows: Windows, limit: int | None) -> None:
        self.windows = windows
        self.limit = limit

    def __iter__(self) -> Iterator[TensorBatch]:
        for batch in self.windows.held_out(self.limit):
            yield _tensors(batch.inputs, batch.targets, batch.mask)


def windows_of(corpus: Corpus, recipe: Recipe, split: str, seed: int) -> Windows:
    """The recipe's windows over one split."""
    return Windows(
        corpus,
        split,
        length=recipe.data.window,
        batch=recipe.train.batch,
        seed=seed,
        objective=recipe.data.objective,
    )


def held_out_split(corpus: Corpus) -> str:
    """The split that training looks at: "valid", which every corpus with two pieces has."""
    return "valid"


def _with_time(batch: Any) -> tuple[int, int, int]:
    return (len(batch.targets), -1, batch.targets.shape[-1])


def _tensors(inputs: Any, targets: Any, mask: Any) -> TensorBatch:
    return TensorBatch(
        torch.from_numpy(inputs.astype(np.int64)),
        torch.from_numpy(targets.astype(np.int64)),
        torch.from_numpy(mask if targets.ndim == inputs.ndim else mask[:, -1]),
    )
