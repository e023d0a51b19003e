"""A training from corpus to bundle: begin or resume, fit, judge against the baselines, ship."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

from segue import bundles
from segue.bundles import Bundle
from segue.data import Corpus
from segue.encodings.base import Rows
from segue.errors import TrainingError
from segue.evaluation.baselines import Baselines, baselines
from segue.models.base import SequenceModel, parameter_count
from segue.recipes import Recipe, build_model
from segue.training.callbacks import Checkpoints, EarlyStop, Limits, MetricsLog, Samples
from segue.training.export import export
from segue.training.folder import RunFolder
from segue.training.module import SequenceModule
from segue.training.progress import ProgressLine
from segue.training.samples import sample_writer
from segue.training.stream import BatchStream, HeldOut, windows_of

OPENINGS = 64
"""Training windows a bundle carries for takes that start from an opening."""


@dataclass(frozen=True)
class Outcome:
    """What a training came to. Losses are nats a row over held-out rows."""

    run: Path
    steps: int
    reason: str
    interrupted: bool
    held_out: dict[str, Any] | None
    bundle: Bundle | None


@dataclass(frozen=True)
class Setup:
    """Everything a run needs, made once from the corpus, the recipe and the seed."""

    folder: RunFolder
    corpus: Corpus
    recipe: Recipe
    seed: int

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

    def model(self) -> SequenceModel:
        """The model, its weights drawn from the seed."""
        return build_model(self.recipe, self.corpus.encoding.layout.sizes, seed=self.seed)

    def columns(self) -> list[str]:
        """The names of the encoding's columns."""
        return [column.name for column in self.corpus.encoding.layout.columns]


def train(
    corpus: Corpus,
    recipe: Recipe,
    out: str | Path,
    *,
    seed: int = 0,
    max_minutes: float | None = None,
    console: Console | None = None,
) -> Outcome:
    """Train `recipe` on `corpus` into the run folder `out`, and make its bundle.

    Raises TrainingError if `out` holds a run, nothing is held out, or the loss diverges.
    """
    setup = Setup(RunFolder(Path(out)), corpus, recipe, seed)
    _ = setup.held_out
    facts = {"root": str(corpus.root.resolve()), **corpus.summary()}
    setup.folder.begin(recipe, facts, seed)
    return _run(setup, None, max_minutes, console or Console(stderr=True))


def resume(
    out: str | Path,
    *,
    max_minutes: float | None = None,
    max_steps: int | None = None,
    console: Console | None = None,
) -> Outcome:
    """Go on with the run in `out` from its last checkpoint, with its own recipe and seed.

    Raises TrainingError if there is nothing to go on from, or the corpus is not the same.
    """
    folder = RunFolder(Path(out))
    recipe = folder.recipe()
    if max_steps is not None:
        changed = recipe.train.model_copy(update={"max_steps": max_steps})
        recipe = recipe.model_copy(update={"train": changed})
    facts = folder.facts("corpus")
    corpus = Corpus.open(facts["root"])
    if corpus.hash != facts["hash"]:
        raise TrainingError(
            f"the corpus at {facts['root']} is not the one this run began with: "
            "prepare that one again, or start a new run."
        )
    seed = int(folder.facts("environment")["seed"])
    checkpoint = folder.last if folder.last.exists() else None
    return _run(
        Setup(folder, corpus, recipe, seed),
        checkpoint,
        max_minutes,
        console or Console(stderr=True),
    )


def _run(
    setup: Setup, checkpoint: Path | None, max_minutes: float | None, console: Console
) -> Outcome:
    floor = _baselines(setup)
    module = SequenceModule(setup.model(), setup.recipe, setup.columns(), setup.seed)
    limits = Limits(max_minutes)
    early = EarlyStop(setup.recipe.train.patience)
    trainer = _trainer(setup, [early, limits], console, floor)
    stream = BatchStream(
        windows_of(setup.corpus, setup.recipe, "train", setup.seed),
        setup.recipe,
        setup.corpus.encoding,
        setup.seed,
        start=_steps_done(checkpoint),
    )
    watched = HeldOut(
        windows_of(setup.corpus, setup.recipe, setup.held_out, setup.seed),
        setup.recipe.train.held_out_limit,
    )
    with warnings.catch_warnings():
        # Lightning advises on loader workers and missing loggers that this loop has no use for.
        warnings.filterwarnings("ignore", module="lightning")
        trainer.fit(module, stream, watched, ckpt_path=checkpoint, weights_only=False)
        if not limits.interrupted and _needs_last_look(trainer, setup):
            trainer.validate(module, watched, verbose=False)
    if limits.interrupted:
        return Outcome(setup.folder.root, trainer.global_step, limits.reason, True, None, None)
    reason = limits.reason or early.reason or f"{trainer.global_step} steps are done"
    held_out = _judge(setup, module, watched, floor)
    bundle = ship(setup, module.model, held_out)
    return Outcome(setup.folder.root, trainer.global_step, reason, False, held_out, bundle)


def _steps_done(checkpoint: Path | None) -> int:
    """The step a checkpoint was written after; 0 without one."""
    if checkpoint is None:
        return 0
    saved = torch.load(checkpoint, map_location="cpu", weights_only=False, mmap=True)
    return int(saved["global_step"])


def _needs_last_look(trainer: lightning.Trainer, setup: Setup) -> bool:
    """Whether steps were made after the last validation."""
    return trainer.global_step % setup.recipe.train.validate_every != 0


def _trainer(
    setup: Setup, stops: list[lightning.Callback], console: Console, floor: Baselines
) -> lightning.Trainer:
    table, folder = setup.recipe.train, setup.folder
    folder.last.parent.mkdir(parents=True, exist_ok=True)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    callbacks: list[lightning.Callback] = [
        MetricsLog(folder),
        ProgressLine(console, floor.as_dict()),
    ]
    if table.sample_rows:
        callbacks.append(
            Samples(folder, sample_writer(setup.corpus, setup.recipe, setup.header, setup.seed))
        )
    # Checkpoints come last, so that they hold what the others counted.
    callbacks += [*stops, Checkpoints(folder)]
    # Saturated gates give denormal gradients, which a CPU handles a hundred times slower.
    torch.set_flush_denormal(True)
    return lightning.Trainer(
        precision="bf16-mixed" if use_bf16(table.precision) else "32-true",
        max_steps=table.max_steps,
        max_epochs=-1,
        val_check_interval=table.validate_every,
        check_val_every_n_epoch=None,
        gradient_clip_val=table.clip or None,
        callbacks=callbacks,
        logger=TensorBoardLogger(str(folder.root), name="", version="tensorboard"),
        log_every_n_steps=10,
        accelerator="auto",
        devices=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
    )


def use_bf16(asked: str) -> bool:
    """Whether to multiply in bfloat16: as asked, or where the machine has instructions for it."""
    if asked != "auto":
        return asked == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _baselines(setup: Setup) -> Baselines:
    corpus = setup.corpus
    rows = {
        split: [corpus.rows(piece) for piece in corpus.pieces(split)]
        for split in ("train", setup.held_out)
    }
    return baselines(rows["train"], rows[setup.held_out], corpus.encoding.layout.sizes)


def _judge(
    setup: Setup, module: SequenceModule, watched: HeldOut, floor: Baselines
) -> dict[str, Any]:
    """The best checkpoint's held-out loss beside the baselines; `module` keeps its weights."""
    if setup.folder.best.exists():
        saved = torch.load(setup.folder.best, map_location="cpu", weights_only=False)
        module.load_state_dict(saved["state_dict"])
    module.eval().cpu()
    sums, rows = np.zeros(len(setup.columns())), 0
    with torch.no_grad():
        for batch in watched:
            count = int(batch.mask.sum())
            if count:
                sums += module.losses(batch).double().numpy() * count
                rows += count
    nats = {"model": float(sums.sum() / max(rows, 1)), **floor.as_dict()}
    return {
        "split": setup.held_out,
        "rows": rows,
        "nats": nats,
        "columns": dict(zip(setup.columns(), (sums / max(rows, 1)).tolist(), strict=True)),
    }


def ship(setup: Setup, model: SequenceModel, held_out: dict[str, Any]) -> Bundle:
    """Write the run's bundle from a trained model."""
    exported = export(model)
    weights = {k: v.detach().contiguous().numpy() for k, v in model.state_dict().items()}
    summary = setup.corpus.summary()
    return bundles.save(
        setup.folder.bundle,
        recipe=setup.recipe,
        encoding=setup.corpus.encoding,
        weights=weights,
        onnx=exported.onnx,
        state=exported.state,
        openings=openings(setup),
        facts={
            "parameters": parameter_count(model),
            "context": model.window if model.many_to_one else None,
            "header": setup.header,
            "used": [np.flatnonzero(c).tolist() for c in setup.corpus.counts("train")],
            "held_out": held_out,
            "onnx_max_difference": exported.max_difference,
            "seed": setup.seed,
            "corpus": {k: v for k, v in summary.items() if isinstance(v, str | int | float)},
        },
    )


def openings(setup: Setup) -> list[Rows]:
    """Windows from the start of training pieces, as many as a bundle carries, drawn by the seed."""
    pieces = list(setup.corpus.pieces("train"))
    rng = np.random.default_rng(setup.seed)
    chosen = rng.permutation(len(pieces))[:OPENINGS]
    window = setup.recipe.data.window
    return [np.array(setup.corpus.rows(pieces[i])[:window]) for i in sorted(chosen)]


def typical_header(headers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The header that most pieces share, the first of them where several do."""
    seen: dict[str, int] = {}
    for header in headers:
        seen[repr(header)] = seen.get(repr(header), 0) + 1
    most = max(seen, key=lambda text: seen[text])
    return next(header for header in headers if repr(header) == most)
