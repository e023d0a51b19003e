"""`loop`: music whose end leads into its start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation.sampling import Sampling
from segue.generation.scoring import Likelihood, likelihoods
from segue.generation.take import Take, checks, signed
from segue.generation.timing import steps_at
from segue.generation.ways import generate
from segue.generation.wishes import Wishes
from segue.score import Score, join, tidy

CANDIDATES = 8


def loop(
    bundle: Bundle,
    *,
    takes: int = 1,
    bars: int = 4,
    seed: int = 0,
    sampling: Sampling | None = None,
    engine: str = "auto",
    wishes: Wishes | None = None,
    candidates: int = CANDIDATES,
    on_row: Callable[[int], None] | None = None,
) -> list[Take]:
    """Takes of exactly `bars` bars to be played over and over.

    Of `candidates` takes that is kept whose first bar the model finds likeliest right after its
    last one, which is how a loop sounds. No note sounds past the end. Take i is chosen among
    those of the seeds from seed + i * candidates on. Raises SegueError for bundles that make whole
    segments: they have no likelihood to choose by.
    """
    if candidates < 1:
        raise SegueError(f"candidates came as {candidates}; at least 1 is allowed.")
    made = []
    for i in range(takes):
        tried = generate(
            bundle, takes=candidates, bars=bars, seed=seed + i * candidates, sampling=sampling,
            engine=engine, wishes=wishes, on_row=on_row,
        )  # fmt: skip
        with_notes = [take for take in tried if len(take.score)]
        if not with_notes:
            made.append(tried[0])
            continue
        seams = take_seams(bundle, with_notes, bars, engine)
        best = int(np.argmin(seams))
        made.append(looped(with_notes[best], seams[best], bars))
    return made


def take_seam(bundle: Bundle, take: Take, bars: int, engine: str) -> float:
    """Nats a row of the take's first bar, heard right after its last."""
    return take_seams(bundle, [take], bars, engine)[0]


def take_seams(bundle: Bundle, takes: Sequence[Take], bars: int, engine: str) -> list[float]:
    """As `take_seam`, of takes side by side."""
    twice = []
    for take in takes:
        end = int(take.score.metre_map.ticks(bars))
        twice.append(join(_plain(take.score), _plain(take.score), end))
    told = likelihoods(bundle, twice, engine=engine)
    return [_seam(bundle, *each, bars) for each in zip(told, twice, strict=True)]


def _seam(bundle: Bundle, told: Likelihood, twice: Score, bars: int) -> float:
    if bundle.encoding.timed:
        encoding = bundle.encoding
        low, high = (
            steps_at(encoding, twice, int(twice.metre_map.ticks(b))) for b in (bars, bars + 1)
        )
        inside = (told.positions >= low) & (told.positions < high)
    else:
        half = len(told.nats) // 2
        inside = np.arange(len(told.nats)) >= half
    return float(told.nats[inside].mean()) if inside.any() else float("inf")


def _plain(score: Score) -> Score:
    return score.with_(texts=())


def looped(take: Take, seam: float, bars: int) -> Take:
    """The take, lasting exactly its bars, with a receipt that says how well it closes."""
    score = take.score
    end = int(score.metre_map.ticks(bars))
    notes = score.notes.copy()
    notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    settings = {**take.receipt["settings"], "way": "loop"}
    receipt = {**take.receipt, "settings": settings}
    cut = tidy(_plain(score).with_(notes=notes))
    receipt["checks"] = {**take.receipt["checks"], **checks(cut), "seam_nats": round(seam, 4)}
    return Take(signed(cut, receipt), receipt)
