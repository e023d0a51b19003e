"""What note-chord-lstm promises: half a nat under the bigram and under every faithful luiss-*.

The faithful recipes predict a symbol alone; this one predicts a symbol, then its length and step.
Compared is the symbol alone, on the rows that both score: not START, not END, and not the first
symbol of a piece. It has one advantage left, that it reads the rhythm of the rows before;
`note-chord-lstm-symbols` does without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bench.systems.case import Case
from bench.systems.checks import Check
from bench.systems.repeats import repeats
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.evaluation.baselines import baselines

WANTED = 0.5
FAITHFUL = ("0", "1", "1b", "1c", "2", "2b", "3", "3b")
LONGEST_RUN = 16
"""A bar of sixteenths: more of one note than that is a model that is stuck."""
TOP_PITCH = 0.25


def measure(case: Case) -> list[Check]:
    mine, rows = symbol_nats(case)
    found = [
        Check("nats a symbol, held out", mine, note=f"{rows:,} rows of {case.held_out}"),
        Check("nats a symbol under the bigram", _bigram(case) - mine, at_least=WANTED),
        *_under_faithful(case, mine),
    ]
    told = repeats(case.takes(4, bars=16, seed=1))
    return [
        *found,
        Check("share of the most frequent pitch in 4 takes", told["top_pitch"], at_most=TOP_PITCH),
        Check("longest run of the same pitches", told["longest_run"], at_most=LONGEST_RUN),
        Check("silent takes of 4", told["silent"], at_most=0),
    ]


def symbol_nats(case: Case) -> tuple[float, int]:
    """Mean nats of the symbol column and the rows it is a mean of, as training scores them."""
    import torch

    from segue.training.stream import HeldOut, windows_of

    model: Any = case.model()
    limit = case.recipe.train.held_out_limit
    windows = windows_of(case.corpus, case.recipe, case.held_out, case.recipe.train.batch, 1)
    marks = torch.from_numpy(_marks(case.corpus.encoding))
    total, rows = 0.0, 0
    with torch.no_grad():
        for batch in HeldOut(windows, limit):
            logits = model(batch.rows, batch.targets)[0].log_softmax(-1)
            symbol = batch.targets[..., :1]
            nats = -logits.gather(-1, symbol)[..., 0]
            marked = torch.isin(symbol[..., 0], marks) | torch.isin(batch.rows[..., 0], marks)
            counts = batch.mask & ~marked
            total += float(nats[counts].double().sum())
            rows += int(counts.sum())
    return total / rows, rows


def _marks(encoding: Encoding) -> NDArray[np.int64]:
    """The symbols that are START or END; none without rhythm."""
    every = np.zeros((encoding.layout.sizes[0], len(encoding.layout.sizes)), np.uint16)
    every[:, 0] = np.arange(len(every))
    start = encoding.opening()[:, 0].astype(np.int64)
    return np.concatenate([start, np.flatnonzero(encoding.ends(every))])


def _bigram(case: Case) -> float:
    """The interpolated bigram of the symbols on the same rows, without START and END."""
    trim = slice(1, -1) if case.recipe.encoding.options.get("rhythm") else slice(None)
    rows = {
        split: [case.corpus.rows(piece)[trim, :1] for piece in case.corpus.pieces(split)]
        for split in ("train", case.held_out)
    }
    sizes = case.corpus.encoding.layout.sizes[:1]
    return baselines(rows["train"], rows[case.held_out], sizes).bigram.nats


def _under_faithful(case: Case, mine: float) -> list[Check]:
    """The gap to the best of the faithful recipes that were trained here."""
    cases = {f"luiss-{model}": case.other(f"luiss-{model}") for model in FAITHFUL}
    trained = {
        name: float(found.bundle.index["held_out"]["nats"]["model"])
        for name, found in cases.items()
        if found is not None
    }
    what = "nats a symbol under the best faithful luiss-*"
    if not trained:
        return [Check(what, None, at_least=WANTED, note="none of them is trained here")]
    best = min(trained, key=lambda name: trained[name])
    note = f"{best} at {trained[best]:.3f}, the best of {len(trained)} trained here"
    return [Check(what, trained[best] - mine, at_least=WANTED, note=note)]
