"""A training from corpus to bundle: begin or resume, fit, judge against the baselines, ship."""

from __future__ import annotations

import logging
import math
import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

from segue import bundles
from segue.bundles import Bundle
from segue.data import Corpus
from segue.errors import TrainingError
from segue.evaluation.baselines import Baselines
from segue.judging.profile import keep_for_run
from segue.models.base import Model
from segue.recipes import Recipe
from segue.training.callbacks import Checkpoints, MetricsLog, Samples
from segue.training.finetune import Tuning, in_encoding_of
from segue.training.folder import RunFolder
from segue.training.module import Learner
from segue.training.progress import ProgressLine
from segue.training.samples import sample_writer
from segue.training.setup import Devices, RunData, Setup, rank
from segue.training.shipping import judge, ship
from segue.training.stops import Diverging, EarlyStop, Limits


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
class Options:
    """How a run is carried out, which does not change what it learns."""

    max_minutes: float | None = None
    devices: Devices = field(default_factory=Devices)
    console: Console | None = None
    callbacks: Sequence[lightning.Callback] = ()
    ship: bool = True
    compiled: bool = False
    """Join a step's operations by `torch.compile`, which needs a C++ compiler."""


def train(
    corpus: Corpus,
    recipe: Recipe,
    out: str | Path,
    *,
    seed: int = 0,
    options: Options | None = None,
    tuning: Tuning | None = None,
) -> Outcome:
    """Train `recipe` on `corpus` into the run folder `out`, and make its bundle.

    With a `tuning` the model starts from a bundle's weights. Raises TrainingError if `out` holds
    a run, nothing is held out, or the loss diverges.
    """
    setup = Setup(RunFolder(Path(out)), corpus, recipe, seed, tuning)
    _ = setup.held_out
    options, model = options or Options(), setup.model(fresh=True)
    _check(options, model, recipe)
    if rank() == 0:
        facts = {"root": str(corpus.root.resolve()), **corpus.summary()}
        setup.folder.begin(recipe, facts, seed, tuning.as_dict() if tuning else None)
    return _run(setup, model, None, options)


def resume(
    out: str | Path, *, max_steps: int | None = None, options: Options | None = None
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
    environment = folder.facts("environment")
    tuning = Tuning(**environment["tuning"]) if environment.get("tuning") else None
    if tuning is not None:
        corpus = in_encoding_of(corpus, bundles.load(tuning.bundle))
    setup = Setup(folder, corpus, recipe, int(environment["seed"]), tuning)
    checkpoint = folder.last if folder.last.exists() else None
    options, model = options or Options(), setup.model(fresh=checkpoint is None)
    _check(options, model, recipe)
    return _run(setup, model, checkpoint, options)


def _run(setup: Setup, model: Model, checkpoint: Path | None, options: Options) -> Outcome:
    floor = setup.baselines()
    module = Learner(model, setup.recipe, setup.columns(), setup.seed, compiled=options.compiled)
    limits = Limits(options.max_minutes)
    early = EarlyStop(setup.recipe.train.patience)
    checkpoints = Checkpoints(setup.folder)
    told = floor if model.likelihood else None
    trainer = _trainer(setup, told, options, [early, limits, checkpoints])
    data = RunData(setup, _steps_done(checkpoint))
    with warnings.catch_warnings():
        # Lightning advises on loader workers and loggers that this loop has no use for.
        warnings.filterwarnings("ignore", module="lightning")
        # torch.compile looks at what lies between the parts of a graph that it has to break.
        warnings.filterwarnings("ignore", message="The .grad attribute of a Tensor that is not")
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=False)
        # Lightning looks once more where it is told to stop, but not at the last step.
        if not limits.interrupted and checkpoints.validated_at < trainer.global_step:
            trainer.validate(module, datamodule=data, verbose=False)
    reason = limits.reason or early.reason or f"{trainer.global_step} steps are done"
    if limits.interrupted or not trainer.is_global_zero:
        return Outcome(
            setup.folder.root, trainer.global_step, reason, limits.interrupted, None, None
        )
    held_out = judge(setup, module, floor)
    bundle = ship(setup, module.model, held_out) if options.ship else None
    if bundle is not None:
        keep_for_run(bundle, setup.corpus)
    return Outcome(setup.folder.root, trainer.global_step, reason, False, held_out, bundle)


def _check(options: Options, model: Model, recipe: Recipe) -> None:
    """Raises TrainingError where compiling cannot be done, or takes longer than it could save."""
    if not options.compiled:
        return
    if not model.compiles:
        raise TrainingError(
            f"--compile is for Transformers; {recipe.name} is a {recipe.model.name}, which goes "
            "through rows in turn or has its own ways: train it without --compile."
        )
    if compiler() is None:
        raise TrainingError(
            "--compile needs a C++ compiler, and there is no g++ or clang++: install one (on "
            "Debian: apt install g++), or train without --compile."
        )


def compiler() -> str | None:
    """The C++ compiler that `torch.compile` would call, if there is one."""
    asked = os.environ.get("CXX")
    found = map(shutil.which, (asked,) if asked else ("g++", "clang++"))
    return next(filter(None, found), None)


def _steps_done(checkpoint: Path | None) -> int:
    """The step a checkpoint was written after; 0 without one."""
    if checkpoint is None:
        return 0
    saved = torch.load(checkpoint, map_location="cpu", weights_only=False, mmap=True)
    return int(saved["global_step"])


def _trainer(
    setup: Setup, floor: Baselines | None, options: Options, ends: list[lightning.Callback]
) -> lightning.Trainer:
    table, folder, devices = setup.recipe.train, setup.folder, options.devices
    folder.last.parent.mkdir(parents=True, exist_ok=True)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Saturated gates give denormal gradients, which a CPU handles a hundred times slower.
    torch.set_flush_denormal(True)
    strategy = devices.strategy
    if strategy == "auto" and devices.world > 1:
        strategy = "ddp"
    return lightning.Trainer(
        precision="bf16-mixed" if use_bf16(table.precision) else "32-true",
        max_steps=table.max_steps,
        max_epochs=-1,
        val_check_interval=table.validate_every * table.accumulate,
        check_val_every_n_epoch=None,
        accumulate_grad_batches=table.accumulate,
        gradient_clip_val=table.clip or None,
        callbacks=_callbacks(setup, floor, options, ends),
        logger=TensorBoardLogger(str(folder.root), name="", version="tensorboard"),
        log_every_n_steps=10**9,  # MetricsLog logs, once a step and not once a part
        accelerator="auto",
        devices=devices.count,
        num_nodes=devices.nodes,
        strategy=strategy,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
    )


def _callbacks(
    setup: Setup, floor: Baselines | None, options: Options, ends: list[lightning.Callback]
) -> list[lightning.Callback]:
    table, folder = setup.recipe.train, setup.folder
    console = options.console or Console(stderr=True)
    guessing = floor.uniform.nats if floor else math.inf
    callbacks: list[lightning.Callback] = [MetricsLog(folder), Diverging(guessing)]
    if rank() == 0:
        to_beat = floor.as_dict() if floor else {}
        callbacks.append(ProgressLine(console, to_beat, setup.notes_a_row()))
    if table.ema:
        callbacks.append(EMAWeightAveraging(decay=table.ema))
    if table.sample_rows:
        writer = sample_writer(setup.corpus, setup.recipe, setup.header, setup.seed)
        callbacks.append(Samples(folder, writer))
    # Checkpoints, the last of `ends`, hold what the others counted.
    return [*callbacks, *options.callbacks, *ends]


def use_bf16(asked: str) -> bool:
    """Whether to multiply in bfloat16: as asked, or where the machine has instructions for it."""
    if asked != "auto":
        return asked == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
