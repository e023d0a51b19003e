"""What nes-cascade promises: its voices use their range, where the seed's stayed on a pitch each.

The pitch entropy of a voice is that of the histogram of its notes in one take of eight bars (16 s),
in bits, and the mean over takes in which it plays; of real music, over the openings of held-out
pieces that last as long. The listing that the seed prints, predictions beside what came, is
written to the folder of the run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bench.systems.case import Case
from bench.systems.checks import Check

from segue.evaluation import histograms
from segue.files import write_text
from segue.score.nes_voices import VOICES

TAKES = 24
REAL = 400
BARS = 8
EITHER_WAY = 0.2
FAITHFUL = "lulea-nes-cascade"
LISTED = 40


def measure(case: Case) -> list[Check]:
    takes = case.takes(TAKES, bars=BARS, seed=1)
    real = [score for score in case.real(REAL, bars=BARS) if score.end_bars > BARS - 1]
    other = case.other(FAITHFUL)
    faithful = other.takes(TAKES, bars=BARS, seed=1) if other else []
    found = []
    for voice in VOICES[:3]:
        name = voice.track.name
        mine, wanted, theirs = (
            histograms.pitch_entropy(scores, name) for scores in (takes, real, faithful)
        )
        note = f"bits: takes {_said(mine)}, real {_said(wanted)}"
        note += f", {FAITHFUL} {_said(theirs)}" if other else f"; {FAITHFUL} is not trained here"
        what = f"pitch entropy of {voice.tag} over that of real music"
        reached = mine / wanted if mine and wanted else None
        found.append(Check(what, reached, 1 - EITHER_WAY, 1 + EITHER_WAY, note))
    return [*found, *_events(case), *([_gap(case, other)] if other else [])]


def _said(bits: float | None) -> str:
    return "none, it hardly plays" if bits is None else f"{bits:.2f}"


def _gap(case: Case, other: Case) -> Check:
    mine, theirs = (float(c.bundle.index["held_out"]["nats"]["model"]) for c in (case, other))
    return Check(f"nats an event under {FAITHFUL}", theirs - mine, at_least=0.0)


def _events(case: Case) -> list[Check]:
    """How often the likeliest event is the one that came; the listing of a few."""
    import torch

    model: Any = case.model()
    encoding: Any = case.corpus.encoding
    words = encoding.names()
    right = total = 0
    for number, piece in enumerate(case.corpus.pieces(case.held_out)[:: REAL // 40]):
        rows = torch.from_numpy(case.corpus.rows(piece)[:512].astype(np.int64))[None]
        with torch.no_grad():
            guessed = model(rows[:, :-1], rows[:, 1:])[0].argmax(-1)[0].numpy()
        came = rows[0, 1:, 0].numpy()
        right, total = right + int((guessed == came).sum()), total + len(came)
        if number == 0:
            pairs = [[words[i] for i in each[:LISTED]] for each in (guessed, came)]
            write_text(case.run / "listing.txt", histograms.listing(*pairs))
    note = f"{total:,} events; listing.txt in the run shows {LISTED} of them"
    return [Check("events that are the likeliest one", right / total, note=note)]
