"""What velocity-lstm promises: it learns one track by heart, and foretells unseen ones.

Its absolute errors are those of velocity pictures, 0 to 1, as the AAA system's are: what is held is
as loud as it was struck. A frame is foretold from the true frames before it, each window from
silence, as what is likeliest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.rolls import (
    beside_the_baselines,
    greedy,
    held_out,
    of_takes,
    onsets_foretold,
)
from numpy.typing import NDArray

from segue.evaluation.frames import Found, absolute_errors, onsets_found, velocities
from segue.recipes import build_model
from segue.recipes.library import load
from segue.recipes.schema import Recipe
from segue.training.module import rate_at

WINDOWS = 64
BY_HEART, STEPS, LONGEST = 0.98, 300, 1000


def measure(case: Case) -> list[Check]:
    return [
        *_by_heart(case),
        *beside_the_baselines(case),
        *_errors(case),
        *_faithful(case),
        *of_takes(case),
    ]


def by_heart(recipe: Recipe, rows: NDArray[Any], steps: int, seed: int = 1) -> tuple[Found, int]:
    """Train the recipe's model on one track alone; its onsets, and the steps that it took.

    Each step reads the track from its start to its end. Windows from anywhere would do worse: one
    that begins in a held chord cannot tell when the chord was struck.
    """
    sizes = (recipe.encoding.options["velocity_bins"] + 2,) * rows.shape[1]
    model: Any = build_model(recipe, sizes, seed=seed)
    track = torch.from_numpy(rows.astype(np.int64))[None]
    before, after, mask = track[:, :-1], track[:, 1:], torch.ones(1, len(rows) - 1).bool()
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.train.lr)
    schedule = recipe.train.model_copy(update={"max_steps": steps, "schedule": "cosine"})
    found = Found(0, 0, 0)
    torch.manual_seed(seed)
    for step in range(1, steps + 1):
        model.train()
        loss = model.objective(before, after, mask) / len(before[0])
        for group in optimiser.param_groups:
            group["lr"] = recipe.train.lr * rate_at(step, schedule)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 25 == 0:
            model.eval()
            with torch.no_grad():
                told = greedy(model, model.features(before)[0]).numpy()
            found = onsets_found(_struck(told, sizes), _struck(rows[1:], sizes))
            if found.f1 >= BY_HEART:
                return found, step
    return found, steps


def _struck(rows: NDArray[Any], sizes: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray((rows > 0) & (rows < sizes[0] - 1))


def _by_heart(case: Case) -> list[Check]:
    pieces = case.corpus.pieces("train")
    piece = next((p for p in pieces if p.rows >= LONGEST), pieces[0])
    rows = case.corpus.rows(piece)[:LONGEST]
    recipe = load(case.recipe.name, ["model.dropout=0.0"])
    found, steps = by_heart(recipe, rows, STEPS)
    note = f"{found.came} onsets in {len(rows):,} frames of {piece.path}, {steps} steps on it alone"
    return [Check("onset F1 on the one track trained on", found.f1, at_least=BY_HEART, note=note)]


def _errors(case: Case) -> list[Check]:
    """Of windows of unseen pieces; their first frame tells how loud is what is held from before."""
    model, bins = case.model(), case.corpus.encoding.layout.sizes[0] - 2
    totals, cells = dict.fromkeys(("model", "copy-last", "all-zero"), 0.0), 0
    with torch.no_grad():
        for batch in held_out(case, WINDOWS):
            for rows, targets, mask in zip(batch.rows, batch.targets, batch.mask, strict=True):
                kept = int(mask.sum())
                told = greedy(model, model.features(rows[None, :kept])[0]).numpy()
                came = np.concatenate([rows[:1].numpy(), targets[:kept].numpy()])
                errors = absolute_errors(_loud(told, came, bins), _picture(came, bins))
                for name in totals:
                    totals[name] += errors[name] * kept
                cells += kept
    mean = {name: total / cells for name, total in totals.items()}
    found, threshold = onsets_foretold(case, WINDOWS // 2)
    note = (
        f"precision {found.precision:.3f}, recall {found.recall:.3f} of {found.came:,} onsets, "
        f"probability over {threshold:.3f}, the best on training windows"
    )
    return [
        Check("MAE of unseen tracks", mean["model"], note=f"{cells:,} frames, velocity / 127"),
        *(
            Check(
                f"MAE under {name}, in % of it",
                100 * (mean[name] - mean["model"]) / mean[name],
                at_least=0.0,
                note=f"{mean[name]:.5f}",
            )
            for name in ("copy-last", "all-zero")
        ),
        Check("onset F1 on unseen tracks", found.f1, note=note),
    ]


def _picture(rows: NDArray[Any], bins: int) -> NDArray[np.float64]:
    """(T, C) cells to how loudly they sound, 0 to 1."""
    struck = np.where((rows > 0) & (rows <= bins), (rows - 0.5) / bins, 0.0)
    return velocities(struck, rows > bins, unknown=0.5)


def _loud(told: NDArray[Any], came: NDArray[Any], bins: int) -> NDArray[np.float64]:
    """(T - 1, C) cells foretold after the true ones, (T, C): what is held is as loud as it was."""
    before = _picture(came, bins)[:-1]
    struck = (told > 0) & (told <= bins)
    return np.where(struck, (told - 0.5) / bins, np.where(told > bins, before, 0.0))


def _faithful(case: Case) -> list[Check]:
    """The AAA system on its own pictures, whose rows are longer: beside its own copy-last."""
    other = case.other("aaa-lstm")
    if other is None:
        return [Check("MAE of aaa-lstm", None, note="it is not trained here")]
    model, totals, rows = other.model(), np.zeros(3), 0
    with torch.no_grad():
        for batch in held_out(other, WINDOWS):
            told = model.brightness(model.features(batch.rows)).numpy()
            pairs = torch.stack([batch.rows[:, -1], batch.targets], dim=1).numpy() / 127
            for one, frames in zip(told, pairs, strict=True):
                errors = absolute_errors(one[None], frames)
                totals += [errors[name] for name in ("model", "copy-last", "all-zero")]
            rows += len(told)
    mae, copied, zero = totals / rows
    note = f"copy-last {copied:.5f}, all-zero {zero:.5f}, {rows} rows of its pictures"
    return [Check("MAE of aaa-lstm", mae, note=note)]
