"""What a run is made from: its folder, corpus, recipe and seed, and what follows from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightning
import torch

from segue.data import Corpus
from segue.errors import TrainingError
from segue.evaluation.baselines import Baselines, baselines
from segue.models.base import Model
from segue.recipes import Recipe, build_model
from segue.training.finetune import Tuning, tune
from segue.training.folder import RunFolder
from segue.training.stream import BatchStream, HeldOut, windows_of


@dataclass(frozen=True)
class Devices:
    """How many processes share a run: `count` on each of `nodes` machines, by `strategy`."""

    count: int = 1
    nodes: int = 1
    strategy: str = "auto"

    @property
    def world(self) -> int:
        """All of them."""
        return self.count * self.nodes


def rank() -> int:
    """This process's number among those of a run, as torchrun or Lightning tells it."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))


@dataclass(frozen=True)
class Setup:
    """Everything a run needs, made once from the corpus, the recipe and the seed."""

    folder: RunFolder
    corpus: Corpus
    recipe: Recipe
    seed: int
    tuning: Tuning | None = None

    @property
    def held_out(self) -> str:
        """The split whose loss is watched."""
        for split in ("valid", "test"):
            if self.corpus.splits.get(split):
                return split
        raise TrainingError(
            f"{self.corpus.root} holds no piece out, so nothing could be told from a loss: "
            "prepare it again from at least two pieces, or with a valid/ folder."
        )

    @cached_property
    def header(self) -> dict[str, Any]:
        """The tempo, metre and instruments that most training pieces share."""
        return typical_header([piece.header for piece in self.corpus.pieces("train")])

    def model(self, *, fresh: bool) -> Model:
        """The model; a `fresh` one has the weights it starts with, drawn from the seed or tuned."""
        model = build_model(self.recipe, self.corpus.encoding.layout.sizes, seed=self.seed)
        if self.tuning is not None:
            with torch.random.fork_rng():
                torch.manual_seed(self.seed)
                tune(model, self.tuning, load=fresh)
        return model

    def columns(self) -> list[str]:
        """The names of the encoding's columns."""
        return [column.name for column in self.corpus.encoding.layout.columns]

    def notes_a_row(self) -> float:
        """How many notes a held-out row stands for, to turn nats a row into nats a note."""
        pieces = self.corpus.split_index(self.held_out)
        return float(pieces["notes"].sum() / max(int(pieces["rows"].sum()), 1))

    def baselines(self) -> Baselines:
        """What the model has to beat, on the rows it is scored on."""
        rows = {
            split: [self.corpus.rows(piece) for piece in self.corpus.pieces(split)]
            for split in ("train", self.held_out)
        }
        sizes = self.corpus.encoding.layout.sizes
        return baselines(rows["train"], rows[self.held_out], sizes)

    def watched(self, rank: int = 0, world: int = 1) -> HeldOut:
        """The held-out batches of one rank."""
        table = self.recipe.train
        share = max(table.batch // (world * table.accumulate), 1)
        windows = windows_of(
            self.corpus, self.recipe, self.held_out, share, self.seed, rank=rank, world=world
        )
        return HeldOut(windows, table.held_out_limit)


class RunData(lightning.LightningDataModule):
    """Training and held-out batches, once Lightning knows which rank this process is."""

    def __init__(self, setup: Setup, start: int) -> None:
        super().__init__()
        self.setup_ = setup
        self.start = start

    def train_dataloader(self) -> BatchStream:
        """This rank's share of the steps from `start` on."""
        trainer = self.trainer
        assert trainer is not None
        return BatchStream(
            self.setup_.corpus,
            self.setup_.recipe,
            self.setup_.seed,
            start=self.start,
            rank=trainer.global_rank,
            world=trainer.world_size,
        )

    def val_dataloader(self) -> HeldOut:
        """This rank's share of the held-out windows."""
        trainer = self.trainer
        assert trainer is not None
        return self.setup_.watched(trainer.global_rank, trainer.world_size)


def typical_header(headers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The header that most pieces share, the first of them where several do."""
    seen: dict[str, int] = {}
    for header in headers:
        seen[repr(header)] = seen.get(repr(header), 0) + 1
    most = max(seen, key=lambda text: seen[text])
    return next(header for header in headers if repr(header) == most)
