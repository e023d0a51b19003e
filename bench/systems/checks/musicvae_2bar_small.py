"""musicvae at a size that two cores can train: latents in use, that carry the tune.

On held-out segments side by side. Symbols are compared step by step: teacher-forced, each after the
true ones before it; from the vector alone, each after the likeliest ones before it.
"""

from __future__ import annotations

from typing import Any

from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.whole_segments import whole_segments
from bench.systems.repeats import repeats

from segue.evaluation.latents import active_units


def measure(case: Case) -> list[Check]:
    import torch

    model: Any = case.model()
    rows = torch.from_numpy(whole_segments(case))
    with torch.no_grad():
        means = model.encode(rows)
        told = model.teacher_forced(means, rows).argmax(dim=-1)
        uniform = torch.zeros(len(rows), model.uniforms)
        alone = model.compose(means, uniform, rows, torch.zeros(1))[..., 0]
    active = active_units(means.numpy())
    struck = rows[..., 0] > 1
    note = f"on {len(rows)} segments of {case.held_out}"
    return [
        Check("active latents", int(active.sum()), note=f"of {len(active)}, {note}"),
        Check("symbols right, teacher-forced", _right(told, rows[..., 0])),
        Check("symbols right, from the vector alone", _right(alone, rows[..., 0])),
        Check(
            "struck pitches right, from the vector alone", _right(alone[struck], rows[struck][:, 0])
        ),
        Check("share of notes in common, two takes", repeats(case.takes())["alike"], at_most=0.5),
    ]


def _right(found: Any, wanted: Any) -> float:
    return float((found == wanted).float().mean())
