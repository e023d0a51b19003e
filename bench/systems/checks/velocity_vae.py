"""What velocity-vae promises: latents in use, that carry the notes, and other music for others.

Starts of notes are compared cell by cell: right are pitch and sixteenth together. The picture of
an interpolation, between the fullest bars of two held-out pieces, is written beside the run as
`interpolation.png`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.latents import STEPS, Latents, alike, moves
from numpy.typing import NDArray

from segue.evaluation.latents import f1
from segue.generation.latent import slerp

ACTIVE_UNITS = 16
ONSET_F1 = 0.6
ALIKE = 0.5


def measure(case: Case) -> list[Check]:
    latents = Latents(case)
    model = latents.model
    with torch.no_grad():
        means = torch.cat(
            [model.posterior(some)[0] for some in torch.from_numpy(latents.rows).split(64)]
        )
    numbers = latents.encoded()
    real, again = starts(model, latents.rows), starts(model, latents.composed(numbers))
    taken = starts(model, latents.taken())
    notes = real.sum((1, 2))
    half = len(notes) // 2
    one, other = numbers[notes[:half].argmax()], numbers[half + notes[half:].argmax()]
    path = slerp(one, other, np.linspace(0, 1, STEPS, dtype=np.float32))
    steps = starts(model, latents.composed(path))
    fuller = float(taken.sum((1, 2)).mean() / notes.mean())
    return [
        latents.active(means.numpy(), at_least=ACTIVE_UNITS),
        Check("onset F1 of reconstructions", f1(again, real), at_least=ONSET_F1),
        alike(taken, at_most=ALIKE),
        Check("notes of takes to those of held-out music", fuller, at_least=0.67, at_most=1.5),
        *moves(steps, case.run / "interpolation.png", ALIKE),
    ]


def starts(model: Any, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where notes start."""
    return (rows > 0) & (rows <= model.levels)
