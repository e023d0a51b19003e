"""The end of a run: the best weights judged beside the baselines, and the bundle they go into."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from segue import bundles
from segue.bundles import Bundle
from segue.bundles.bundle import MEMORISATION
from segue.encodings.base import Rows
from segue.evaluation.baselines import Baselines
from segue.judging import memorisation
from segue.models.base import Model, parameter_count
from segue.training.export import export
from segue.training.finetune import merge_low_rank
from segue.training.module import Learner
from segue.training.setup import Setup

OPENINGS = 64
"""Training windows a bundle carries for takes that start from an opening."""


def judge(setup: Setup, module: Learner, floor: Baselines) -> dict[str, Any]:
    """The best checkpoint's held-out loss beside the baselines; `module` keeps its weights."""
    if setup.folder.best.exists():
        saved = torch.load(setup.folder.best, map_location="cpu", weights_only=False)
        module.load_state_dict(saved["state_dict"])
    module.eval().cpu()
    merge_low_rank(module.model)
    sums, rows = np.zeros(len(module.terms)), 0
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(setup.seed)
        for batch in setup.watched():
            sums += module.summed(batch).double().numpy()
            rows += int(batch.mask.sum())
    mean = sums / max(rows, 1)
    return {
        "split": setup.held_out,
        "rows": rows,
        "notes_a_row": setup.notes_a_row(),
        "unit": "nats" if module.model.likelihood else "loss",
        "nats": {
            "model": float(mean.sum()),
            **(floor.as_dict() if module.model.likelihood else {}),
        },
        "columns": dict(zip(module.terms, mean.tolist(), strict=True)),
    }


def ship(setup: Setup, model: Model, held_out: dict[str, Any]) -> Bundle:
    """Write the run's bundle from a trained model."""
    exported = export(model)
    weights = {k: v.detach().contiguous().numpy() for k, v in model.state_dict().items()}
    corpus = setup.corpus
    told = ("source", "hash", "manifest", "segue", "seed")
    summary = corpus.summary()
    return bundles.save(
        setup.folder.bundle,
        recipe=setup.recipe,
        encoding=corpus.encoding,
        weights=weights,
        onnx=exported.onnx,
        state=exported.state,
        openings=openings(setup),
        beside={MEMORISATION: memorisation.packed(memorisation.of_corpus(corpus))},
        facts={
            "plays": model.plays,
            "engine": exported.engine,
            "parameters": parameter_count(model),
            "context": model.window if model.many_to_one else None,
            "header": setup.header,
            "used": used_symbols(setup),
            "held_out": held_out,
            "onnx_max_difference": exported.max_difference,
            "seed": setup.seed,
            "corpus": {
                **{k: summary[k] for k in told},
                **{k: summary["totals"][k] for k in ("pieces", "notes", "seconds")},
                **({"origin": summary["origin"]} if summary.get("origin") else {}),
            },
        },
    )


def used_symbols(setup: Setup) -> list[list[int]]:
    """The symbols of each column that occur in training."""
    sizes = setup.corpus.encoding.layout.sizes
    seen = [np.zeros(size, bool) for size in sizes]
    for piece in setup.corpus.pieces("train"):
        rows = setup.corpus.rows(piece)
        for k, column in enumerate(seen):
            column[rows[:, k]] = True
    return [np.flatnonzero(column).tolist() for column in seen]


def openings(setup: Setup) -> list[Rows]:
    """Windows from the start of training pieces, as many as a bundle carries, drawn by the seed."""
    pieces = setup.corpus.pieces("train")
    rng = np.random.default_rng(setup.seed)
    chosen = sorted(rng.permutation(len(pieces))[:OPENINGS].tolist())
    window = setup.recipe.data.window
    long_enough = [i for i in chosen if pieces[i].rows >= window] or chosen
    return [np.array(setup.corpus.rows(pieces[i])[:window]) for i in long_enough]
