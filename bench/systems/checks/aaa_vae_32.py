"""The sanity run of the faithful VAE: at 32 by 32 its latents are in use and its takes differ."""

from __future__ import annotations

from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.latents import Latents, alike

from segue.evaluation.latents import f1

ACTIVE_UNITS = 4
ALIKE = 0.7


def measure(case: Case) -> list[Check]:
    latents = Latents(case)
    means = latents.encoded()
    again = latents.composed(means)
    return [
        latents.active(means, at_least=ACTIVE_UNITS),
        Check("F1 of the sounding cells of reconstructions", f1(again > 0, latents.rows > 0)),
        alike(latents.taken() > 0, at_most=ALIKE),
    ]
