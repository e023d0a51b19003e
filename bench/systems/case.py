"""One trained recipe: its run, its corpus and its takes, opened when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.systems.work import Workplace

import segue
from segue import bundles
from segue.bundles import Bundle
from segue.data import Corpus
from segue.recipes import Recipe
from segue.score import Score, slice_ticks, tidy


@dataclass(frozen=True)
class Case:
    """The row `name` of the plan, once its run is there."""

    name: str
    workplace: Workplace

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.workplace.run_of(self.name)

    @cached_property
    def bundle(self) -> Bundle:
        """What the run ships."""
        return bundles.load(self.run)

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return self.bundle.recipe

    @cached_property
    def corpus(self) -> Corpus:
        """What it was trained on."""
        return self.workplace.corpus_of(self.name)

    @property
    def held_out(self) -> str:
        """The split it was not trained on and is scored on."""
        return str(self.bundle.index["held_out"]["split"])

    def model(self) -> Any:
        """The torch model with its trained weights, in evaluation mode."""
        from segue.generation.torch_engine import trained_model

        return trained_model(self.bundle).eval()

    def takes(self, count: int = 4, bars: int = 16, seed: int = 1) -> list[Score]:
        """Takes by `segue generate` with the recipe's own sampling, read back from MIDI."""
        return [segue.read(path) for path in self.workplace.generate(self.name, count, bars, seed)]

    def real(self, count: int = 4, bars: int = 16) -> list[Score]:
        """Openings of held-out pieces, spread evenly, through the encoding as takes are."""
        pieces = self.corpus.pieces(self.held_out)
        step = max(len(pieces) // count, 1)
        scores = []
        for index in range(0, min(count * step, len(pieces)), step):
            piece = pieces[index]
            score = self.corpus.encoding.decode(self.corpus.rows(piece), piece.header)
            scores.append(tidy(slice_ticks(score, 0, int(score.metre_map.ticks(bars)))))
        return scores

    def other(self, name: str) -> Case | None:
        """Another row of the plan, if it was trained here."""
        case = Case(name, self.workplace)
        return case if case.run.joinpath("bundle", "bundle.json").is_file() else None

    def folder(self, name: str) -> Path:
        """A folder below the data."""
        return self.workplace.data / name
