"""How fast training is: targets a second, beside the seeds' scheme, fp32, and a bare PyTorch loop.

    python bench/train.py [--threads 2] [--write bench/results/train.json]

Four comparisons, each in one run, medians of steps after a warm-up:
the 2 x 1024 LSTM of S4 (256 steps, batch 64) trained at every step of the sequence beside the
seeds' many windows to one in plain PyTorch; the same in bf16 beside fp32; a 10M Transformer (512
rows, batch 8) in bf16 beside fp32; and a whole Lightning step of Segue beside a bare loop of the
same model. The share of a step that its batch takes to load is printed too.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import numpy as np
import torch
from torch import Tensor, nn

import segue
from segue import encodings, recipes
from segue.data import Corpus, prepare
from segue.files import write_json
from segue.models.base import SequenceModel, parameter_count, summed_loss
from segue.models.note_lstm import NoteLSTM
from segue.models.note_transformer import NoteTransformer
from segue.score import NOTE, Score, Track, events
from segue.training.module import make_optimiser
from segue.training.setup import Setup
from segue.training.stream import BatchStream

KEYS, STEPS, BATCH, HIDDEN = 128, 256, 64, 1024
VOCABULARY = 352
WARM_UP = 1


class Seeds(nn.Module):
    """S4's network as it was: frames of 128 keys in, the frame after the window out."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(KEYS, HIDDEN, num_layers=2, batch_first=True)
        self.out = nn.Linear(HIDDEN, KEYS)

    def forward(self, frames: Tensor) -> Tensor:
        features, _ = self.lstm(frames)
        return torch.relu(self.out(features[:, -1]))


def seconds_a_step(step: Callable[[], Any], repeats: int) -> float:
    """The median of `repeats` steps."""
    for _ in range(WARM_UP):
        step()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def seeds_step() -> Callable[[], None]:
    model = Seeds()
    optimiser = torch.optim.Adam(model.parameters())
    frames, target = torch.rand(BATCH, STEPS, KEYS), torch.rand(BATCH, KEYS)

    def step() -> None:
        optimiser.zero_grad()
        (model(frames) - target).abs().mean().backward()
        optimiser.step()

    return step


def rows_step(model: SequenceModel, batch: int, bf16: bool) -> Callable[[], None]:
    """A training step of `model` on random rows of its own window, loss at every row."""
    table = recipes.load("chorale-lstm").train
    optimiser = make_optimiser(model.train(), table)
    columns = [torch.randint(0, v, (batch, model.window + 1)) for v in model.sizes]
    rows = torch.stack(columns, dim=-1)
    inputs, targets = rows[:, :-1], rows[:, 1:]
    mask = torch.ones(targets.shape[:-1], dtype=torch.bool)

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(inputs, targets)
        (summed_loss(logits, targets, mask).sum() / mask.sum()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return step


def transformer() -> NoteTransformer:
    """The 10M size: six blocks of 384."""
    return NoteTransformer((VOCABULARY,), 512, width=384, layers=6, heads_per_layer=6, dropout=0.0)


def recurrent(repeats: int) -> Iterator[dict[str, Any]]:
    """S4's size, each target a second."""
    seeds = BATCH / seconds_a_step(seeds_step(), max(repeats // 2, 1))
    yield {"what": "2 x 1024 LSTM, many windows to one, plain PyTorch fp32", "rate": seeds}
    rates = {}
    for bf16 in (False, True):
        torch.manual_seed(0)
        model = NoteLSTM((VOCABULARY,), STEPS, embedding=KEYS, hidden=HIDDEN, dropout=0.2)
        rates[bf16] = BATCH * STEPS / seconds_a_step(rows_step(model, BATCH, bf16), repeats)
        ratio = f"{rates[bf16] / seeds:,.0f} x the seeds' scheme"
        if bf16:
            ratio += f", {rates[True] / rates[False]:.2f} x fp32"
        kind = "bf16" if bf16 else "fp32"
        yield {
            "what": f"2 x 1024 LSTM, loss at every step, {kind}",
            "rate": rates[bf16],
            "ratio": ratio,
        }


def attention(repeats: int) -> Iterator[dict[str, Any]]:
    """The 10M Transformer."""
    rates = {}
    for bf16 in (False, True):
        torch.manual_seed(0)
        model = transformer()
        rates[bf16] = 8 * 512 / seconds_a_step(rows_step(model, 8, bf16), repeats)
        size = f"{parameter_count(model) / 1e6:.1f}M"
        yield {
            "what": f"{size} Transformer, 8 x 512, {'bf16' if bf16 else 'fp32'}",
            "rate": rates[bf16],
            "ratio": f"{rates[True] / rates[False]:.2f} x fp32" if bf16 else "",
        }


def made_up_corpus(folder: Path) -> Corpus:
    """Forty pieces of a thousand notes, enough for the loader to have something to choose from."""
    rng = np.random.default_rng(0)
    (folder / "music").mkdir()
    for piece in range(40):
        onsets = np.sort(rng.integers(0, 480 * 400, 1000))
        rows = [(int(t), 240, 0, int(rng.integers(40, 90)), 80) for t in onsets]
        score = Score(480, events(NOTE, rows), (Track("Piano"),))
        segue.write(score, folder / "music" / f"{piece}.mid")
    return prepare(folder / "music", folder / "corpus", encodings.get("note_chord"), workers=0)


def overhead(repeats: int) -> Iterator[dict[str, Any]]:
    """A step of Segue's own loop beside a bare one: the same model, batches and precision."""
    import lightning

    from segue.training.run import Options, train

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = made_up_corpus(folder)
        settings = [
            "encoding.name=note_chord",
            "data.window=512",
            "data.transpose=[0, 0]",
            "train.batch=8",
            "train.schedule=constant",
            f"train.max_steps={repeats + WARM_UP + 1}",
            f"train.validate_every={repeats + WARM_UP + 1}",
            "train.sample_rows=0",
            "train.held_out_limit=1",
            "model.name=note-transformer",
            "model.width=384",
            "model.layers=6",
            "model.heads_per_layer=6",
            "model.dropout=0.0",
        ]
        base = recipes.load("chorale-lstm").model_dump(mode="json", exclude_none=True)
        base["encoding"], base["model"] = {"name": "note_chord"}, {"name": "note-transformer"}
        recipe = recipes.resolve(base, settings)

        class Clock(lightning.Callback):
            def __init__(self) -> None:
                self.at: list[float] = []

            def on_train_batch_start(self, *args: Any) -> None:
                self.at.append(time.perf_counter())

        clock = Clock()
        options = Options(callbacks=[clock], ship=False)
        train(corpus, recipe, folder / "run", seed=0, options=options)
        ours = statistics.median(np.diff(clock.at)[WARM_UP:])

        setup = Setup(None, corpus, recipe, 0)  # type: ignore[arg-type]
        model = setup.model(fresh=True).train()
        optimiser = make_optimiser(model, recipe.train)
        stream = BatchStream(corpus, recipe, 0)
        steps = iter(range(10**9))
        loading: list[float] = []

        def bare() -> None:
            began = time.perf_counter()
            batch = stream.at(next(steps))
            loading.append(time.perf_counter() - began)
            optimiser.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(batch.rows, batch.targets)
            (summed_loss(logits, batch.targets, batch.mask).sum() / batch.total).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

        theirs = seconds_a_step(bare, repeats)
        yield {
            "what": "bare PyTorch step of the Transformer, bf16, seconds",
            "rate": theirs,
        }
        yield {
            "what": "Segue's step (Lightning), seconds",
            "rate": ours,
            "ratio": f"{100 * (ours / theirs - 1):+.1f} % over the bare loop",
        }
        share = statistics.median(loading) / theirs
        yield {
            "what": "of which loading the batch, seconds",
            "rate": statistics.median(loading),
            "ratio": f"{100 * share:.2f} % of a step",
        }


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    torch.set_flush_denormal(True)
    machine = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": given.threads,
        "load": os.getloadavg()[0],
        "versions": {p: metadata.version(p) for p in ("torch", "lightning", "numpy")},
    }
    print(", ".join(f"{k} {v}" for k, v in machine.items()))
    rows = []
    for part in (attention, recurrent, overhead):
        for row in part(given.repeats):
            rows.append(row)
            print(f"{row['rate']:>12,.3f}  {row['what']}  {row.get('ratio', '')}", flush=True)
    if given.write:
        write_json(given.write, {**machine, "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
