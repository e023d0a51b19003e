"""What roll-vqvae's codes carry, and how many of them are used."""

from __future__ import annotations

from typing import Any

import numpy as np
from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.checks.whole_segments import whole_segments
from bench.systems.repeats import repeats

from segue.evaluation.latents import f1


def measure(case: Case) -> list[Check]:
    import torch

    model: Any = case.model()
    rows = whole_segments(case)
    with torch.no_grad():
        indices = model.codebook.nearest(model.said(torch.from_numpy(rows)))
        logits = model.unfolded(model.codebook.vectors(indices), len(rows))
    again = logits.argmax(dim=-1).numpy()
    used = [np.bincount(group, minlength=model.codes) for group in indices.flatten(0, 1).T.numpy()]
    nats = case.bundle.index["held_out"]["nats"]
    onset = 1
    return [
        Check(
            "perplexity of codes",
            float(np.mean([_perplexity(counts) for counts in used])),
            at_least=16,
            note=f"the mean over {model.groups} tables of {model.codes}, on {case.held_out}",
        ),
        Check("onset F1 through the codes", f1(again == onset, rows == onset), at_least=0.6),
        Check("nats under the bigram", nats["bigram"] - nats["model"], at_least=0.0),
        Check("share of notes in common, two takes", repeats(case.takes())["alike"], at_most=0.5),
    ]


def _perplexity(counts: Any) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
