"""What the faithful VAE of pictures comes to by the measures of velocity-vae: no promises."""

from __future__ import annotations

from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.latents import Latents, alike

from segue.evaluation.latents import f1


def measure(case: Case) -> list[Check]:
    latents = Latents(case)
    means = latents.encoded()
    again = latents.composed(means)
    return [
        latents.active(means),
        Check("F1 of the sounding cells of reconstructions", f1(again > 0, latents.rows > 0)),
        alike(latents.taken() > 0),
    ]
