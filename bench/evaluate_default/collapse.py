"""(d) Whether long continuations collapse: the doctor's findings, and their last quarters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import comb
from typing import Any

import numpy as np
from bench.evaluate_default.examination import Examination, Part
from bench.evaluate_default.hearing import heard
from bench.evaluate_default.held_out import Place, pieces_of, places
from bench.evaluate_default.playing import Continued
from numpy.typing import NDArray

from segue.evaluation.bootstrap import interval
from segue.evaluation.doctor import examine
from segue.evaluation.measures import measure as measured
from segue.evaluation.votes import wilson
from segue.judging.doctor import findings
from segue.judging.facts import Facts
from segue.score import Score

PROMPT_BARS, BARS = 4, 64
QUARTER = BARS // 4
CLEAN = 0.95
LEVEL = 0.95
"""Of held-out last quarters lie so many in the interval."""

Floats = NDArray[np.float64]


def _density(score: Score) -> float:
    """Notes a bar of a quarter, silent bars counted."""
    return len(score) / QUARTER


LOOKS: dict[str, tuple[str, Callable[[Score], float]]] = {
    "entropy": (
        "`pitch_class_entropy`, bits",
        lambda score: measured(score, ["pitch_class_entropy"])["pitch_class_entropy"],
    ),
    "density": ("notes a bar", _density),
    "self-similarity": (
        "`structure_short`, fitness",
        lambda score: measured(score, ["structure_short"])["structure_short"],
    ),
}


def measure(asked: Examination) -> dict[str, Any]:
    """Continuations of the first bars of pieces long enough to have a true one."""
    whole = PROMPT_BARS + BARS
    found = places(asked.test, asked.takes, whole, asked.seed, anywhere=False, prompt=PROMPT_BARS)
    prompts = [found[i % len(found)] for i in range(asked.takes)]
    takes = asked.own.players.continued(
        [place.cut(0, PROMPT_BARS) for place in prompts], asked.seeds, BARS, "long"
    )
    ill = [[each.symptom for each in findings(t.score, Facts(settings=t.settings))] for t in takes]
    real_ill = [
        [each.symptom for each in examine(place.cut(PROMPT_BARS, PROMPT_BARS + BARS))]
        for place in found
    ]
    looks = _looks(takes, found)
    clean = sum(not each for each in ill)
    needed = fewest(len(takes))
    short = [name for name, row in looks.items() if not row["met"]]
    reached = f"{clean} of {len(takes)} clean; last quarters inside: " + ", ".join(
        f"{name} {row['inside']}" for name, row in looks.items()
    )
    return {
        "reached": reached,
        "wanted": f"{CLEAN:.0%} clean; of each of the three, the median and {needed} of "
        f"{len(takes)} inside",
        "met": clean >= CLEAN * len(takes) and not short,
        "takes": len(takes),
        "prompts": len(found),
        "pieces": pieces_of(found),
        "clean": clean,
        "clean_between": list(wilson(clean, len(takes))),
        "symptoms": dict(Counter(name for each in ill for name in each)),
        "ill_seeds": {str(s): each for s, each in zip(asked.seeds, ill, strict=True) if each},
        "real_clean": sum(not each for each in real_ill),
        "real_symptoms": dict(Counter(name for each in real_ill for name in each)),
        "needed": needed,
        "looks": looks,
    }


def _looks(takes: Sequence[Continued], found: Sequence[Place]) -> dict[str, dict[str, Any]]:
    """Of each look the held-out interval, and how many of the takes' last quarters lie in it."""
    mine = [heard(take.last(QUARTER)) for take in takes]
    end = PROMPT_BARS + BARS
    real = [heard(place.cut(end - QUARTER, end)) for place in found]
    told = {}
    for name, (_, look) in LOOKS.items():
        values, theirs = _values(look, mine), _values(look, real)
        low, high = between(theirs)
        inside = int(((values >= low) & (values <= high)).sum())
        median = float(np.nanmedian(values)) if not np.isnan(values).all() else None
        mean_low, mean_high = interval(values)
        held = median is not None and low <= median <= high
        told[name] = {
            "low": low,
            "high": high,
            "real_median": float(np.nanmedian(theirs)),
            "median": median,
            "mean_between": [_number(mean_low), _number(mean_high)],
            "inside": inside,
            "met": bool(held and inside >= fewest(len(takes))),
        }
    return told


def _values(look: Callable[[Score], float], scores: Sequence[Score]) -> Floats:
    """A silent quarter has no entropy and no form: NaN, which lies in no interval."""
    return np.array([look(score) if len(score) else _silent(look) for score in scores])


def _silent(look: Callable[[Score], float]) -> float:
    return 0.0 if look is _density else float("nan")


def between(real: Floats) -> tuple[float, float]:
    """The interval of held-out values: from their 2.5th to their 97.5th percentile.

    Linear between neighbours; NaNs do not count.
    """
    low, high = np.nanquantile(real, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def fewest(count: int) -> int:
    """How many of `count` pieces of real music lie in the interval at least, in 39 of 40 draws.

    The 2.5th percentile of the binomial distribution of `count` draws at 95 %: 90 of 100.
    """
    chances = (comb(count, k) * LEVEL**k * (1 - LEVEL) ** (count - k) for k in range(count + 1))
    return next(k for k, under in enumerate(accumulate(chances)) if under >= (1 - LEVEL) / 2)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def tell(found: dict[str, Any]) -> list[str]:
    """What the doctor says, and the table of last quarters."""
    low, high = found["clean_between"]
    lines = [
        f"{found['takes']} takes of {BARS} bars that continue the first {PROMPT_BARS} bars of "
        f"{found['prompts']} places in {found['pieces']} test pieces, taken in turn. "
        f"[The doctor](evaluation.md#doctor) finds {found['clean']} clean "
        f"({low:.0%} to {high:.0%}); of the true {BARS} bars {found['real_clean']} of "
        f"{found['prompts']}. Symptoms of takes: {_listed(found['symptoms'])}; of the true bars: "
        f"{_listed(found['real_symptoms'])}.",
        "",
        f"The last quarter is the last {QUARTER} bars, as heard from one piano. The interval "
        "reaches from the 2.5th to the 97.5th percentile of the true last quarters of the same "
        "places (linear between neighbours). Met if the takes' median lies in it and at least "
        f"{found['needed']} of the takes do, which is what as many fresh pieces of real music "
        "would reach in 39 of 40 draws (the binomial's 2.5th percentile at 95 %). A silent "
        "quarter is outside.",
        "",
        "| last quarter | true interval | true median | takes' median | takes inside | met |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name, (unit, _) in LOOKS.items():
        row = found["looks"][name]
        median = "-" if row["median"] is None else f"{row['median']:.3g}"
        lines.append(
            f"| {name} ({unit}) | {row['low']:.3g} to {row['high']:.3g} | "
            f"{row['real_median']:.3g} | {median} | {row['inside']} of {found['takes']} | "
            f"{'yes' if row['met'] else 'no'} |"
        )
    return lines


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


PART = Part(
    "d",
    "Long continuations",
    measure,
    tell,
    lambda asked: {"takes": asked.takes},
    lambda asked: asked.own.players.store.spent(f"long-{BARS}"),
)
