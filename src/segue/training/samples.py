"""The take a training writes at each validation."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segue import formats
from segue.data import Corpus
from segue.generation.engine import IntRows
from segue.generation.guides import Steps
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.segments import lay
from segue.generation.take import Take
from segue.generation.torch_engine import TorchComposer, TorchEngine
from segue.models.segments import SegmentModel
from segue.recipes.schema import Recipe
from segue.score import Score, tidy

SAMPLE_RATE = 22_050


def sample_writer(
    corpus: Corpus, recipe: Recipe, header: dict[str, Any], seed: int
) -> Callable[[Any, Path, Any, int], None]:
    """A function that plays a model and writes take.mid and take.png into a folder.

    It is given the model, the folder, a TensorBoard writer or None, which gets the picture and
    the sound, and the step.

    Rows are counted: a model that has learned little may not end by itself.
    """
    encoding = corpus.encoding
    how = recipe.generate
    opened = how.start == "opening"
    first = corpus.rows(corpus.pieces("train")[0])[: recipe.data.window]
    prompt = (first if opened else encoding.opening()).astype(np.int64)
    sampling = Sampling(how.temperature, how.top_k, how.top_p, how.min_p)
    most = recipe.train.sample_rows

    def play(model: Any) -> IntRows:
        if isinstance(model, SegmentModel):
            count = -(-most // model.window)
            composer, columns = TorchComposer(model), len(model.sizes)
            return lay(composer, [seed], count, columns, heat=how.temperature, walk=how.walk)[
                0
            ].rows
        player = Player(TorchEngine(model), sampling)
        guide = Steps(encoding, 1, prompt, most_rows=most, may_end=True)
        rows = player.play(player.read(prompt), guide, [seed])[0]
        return rows if opened else np.concatenate([prompt, rows])

    def write(model: Any, folder: Path, board: Any, step: int) -> None:
        device = next(model.parameters()).device
        rows = play(model.cpu())
        score = tidy(encoding.decode(rows.astype(np.uint16), header))
        model.to(device)
        if len(score):
            Take(score).save(folder / "take", (".mid", ".png"))
            if board is not None:
                _show(board, score, folder / "take.png", step)

    return write


def _show(board: Any, score: Score, picture: Path, step: int) -> None:
    """Put a take's picture and sound on a TensorBoard."""
    import matplotlib.image
    import soundfile

    board.add_image("take", matplotlib.image.imread(picture)[..., :3], step, dataformats="HWC")
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "take.wav"
        formats.write(score, sound, sample_rate=SAMPLE_RATE)
        samples, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    board.add_audio("take", samples.mean(axis=1, keepdims=True).T, step, sample_rate=rate)
