"""The take a training writes at each validation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segue.data import Corpus
from segue.generation.guides import Steps
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.take import Take
from segue.generation.torch_engine import TorchEngine
from segue.recipes.schema import Recipe
from segue.score import tidy


def sample_writer(
    corpus: Corpus, recipe: Recipe, header: dict[str, Any], seed: int
) -> Callable[[Any, Path], None]:
    """A function that plays a model and writes take.mid and take.png into a folder.

    Rows are counted: a model that has learned little may not end by itself.
    """
    encoding = corpus.encoding
    how = recipe.generate
    opened = how.start == "opening"
    first = corpus.rows(corpus.pieces("train")[0])[: recipe.data.window]
    prompt = (first if opened else encoding.opening()).astype(np.int64)
    sampling = Sampling(how.temperature, how.top_k, how.top_p, how.min_p)

    def write(model: Any, folder: Path) -> None:
        device = next(model.parameters()).device
        player = Player(TorchEngine(model.cpu()), sampling)
        guide = Steps(encoding, 1, prompt, most_rows=recipe.train.sample_rows, may_end=True)
        rows = player.play(player.read(prompt), guide, [seed])[0]
        whole = rows if opened else np.concatenate([prompt, rows])
        score = tidy(encoding.decode(whole.astype(np.uint16), header))
        if len(score):
            Take(score).save(folder / "take", (".mid", ".png"))
        model.to(device)

    return write
