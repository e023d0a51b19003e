"""What velocity-vae promises: latents in use, that carry the notes, and other music for others.

On held-out segments side by side, each from its bar's first row on as the windows fall. Starts of
notes are compared cell by cell: right are pitch and sixteenth together. The picture of an
interpolation is written beside the run, as `interpolation.png`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from bench.systems.case import Case
from bench.systems.checks import Check
from numpy.typing import NDArray

from segue.evaluation.latents import active_units, f1, jaccard, mean_jaccard
from segue.generation.segment_engines import Composer, make_composer

ACTIVE_UNITS = 16
ONSET_F1 = 0.6
ALIKE = 0.5
TAKES = 32
STEPS = 9
SEGMENTS = 1024

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


def measure(case: Case) -> list[Check]:
    model: Any = case.model()
    composer = make_composer(case.bundle)
    rows = held_out(case)
    means, again = through(model, composer, rows)
    real = starts(model, rows)
    active = active_units(means)
    rng = np.random.default_rng(1)
    taken = starts(model, composed(composer, rng.standard_normal(means[:TAKES].shape), rng, 1.0))
    notes = float(taken.sum() / real.sum() * len(real) / len(taken))
    checks = [
        Check(
            "active latents",
            int(active.sum()),
            at_least=ACTIVE_UNITS,
            note=f"variance of the posterior mean over 0.01, of {len(active)}, "
            f"on {len(rows)} segments of {case.held_out}",
        ),
        Check("onset F1 of reconstructions", f1(starts(model, again), real), at_least=ONSET_F1),
        Check("share of notes in common, two takes", mean_jaccard(list(taken)), at_most=ALIKE),
        Check("notes of takes to those of held-out music", notes, at_least=0.67, at_most=1.5),
    ]
    return [*checks, *interpolation(case, composer, model, rows)]


def held_out(case: Case) -> Ints:
    """Segments side by side, (B, T, C), all of them whole, `SEGMENTS` at most."""
    from segue.training.stream import HeldOut, windows_of

    windows = windows_of(case.corpus, case.recipe, case.held_out, 64, 1)
    batches = [b.rows[b.mask.all(1)].numpy() for b in HeldOut(windows, SEGMENTS)]
    return np.concatenate(batches)


def through(model: Any, composer: Composer, rows: Ints) -> tuple[Floats, Ints]:
    """Posterior means, and the likeliest rows that they say."""
    import torch

    means, again = [], []
    rng = np.random.default_rng(0)
    for at in range(0, len(rows), 64):
        some = rows[at : at + 64]
        with torch.no_grad():
            means.append(model.posterior(torch.from_numpy(some))[0].numpy())
        again.append(composed(composer, composer.encode(some), rng, 0.0))
    return np.concatenate(means), np.concatenate(again)


def composed(
    composer: Composer, normal: NDArray[Any], rng: np.random.Generator, heat: float
) -> Ints:
    """Segments that nothing comes before, one for each row of random numbers."""
    facts = composer.facts
    uniform = rng.random((len(normal), facts["uniforms"]), np.float32)
    columns = facts["uniforms"] // facts["window"]
    before = np.zeros((len(normal), facts["window"], columns), np.int64)
    return composer.compose(normal.astype(np.float32), uniform, before, heat)


def starts(model: Any, rows: Ints) -> Bools:
    """Where notes start."""
    return (rows > 0) & (rows <= model.levels)


def interpolation(case: Case, composer: Composer, model: Any, rows: Ints) -> list[Check]:
    """From the fullest bars of one held-out piece to those of another, and its picture."""
    notes = starts(model, rows).sum((1, 2))
    half = len(rows) // 2
    ends = np.array([notes[:half].argmax(), half + notes[half:].argmax()])
    one, other = composer.encode(rows[ends])
    share = np.linspace(0, 1, STEPS)[:, None]
    # Along the arc and not the chord, which would pass through shorter latents than music has.
    angle = np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    path = (np.sin((1 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)
    made = composed(composer, path, np.random.default_rng(0), 0.0)
    rolls = starts(model, made)
    draw(rolls, case.run / "interpolation.png")
    steps = [jaccard(before, after) for before, after in pairwise(rolls)]
    moved = sum(shared < 1 for shared in steps)
    return [
        Check("steps of an interpolation that move", moved, at_least=STEPS - 1),
        Check("notes in common, one step to the next", float(np.mean(steps))),
        Check("notes in common, its two ends", jaccard(rolls[0], rolls[-1]), at_most=ALIKE),
    ]


def draw(rolls: Bools, path: Path) -> None:
    """A picture of a path, a row a step: time to the right, pitch upwards."""
    from matplotlib.figure import Figure

    used = np.flatnonzero(rolls.any((0, 1)))
    low, high = int(used.min(initial=0)), int(used.max(initial=1)) + 1
    figure = Figure(figsize=(8, 1.1 * len(rolls)), layout="constrained")
    for place, roll in enumerate(rolls):
        axes = figure.add_subplot(len(rolls), 1, place + 1)
        axes.imshow(roll.T[low:high], origin="lower", aspect="auto", cmap="Greys")
        axes.set(xticks=[], yticks=[], ylabel=f"{place / (len(rolls) - 1):.0%}")
    figure.savefig(path, dpi=80)
