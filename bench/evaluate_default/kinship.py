"""(e) Whether a continuation is closer to the true one than to another piece's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench.evaluate_default.examination import Examination, Part
from bench.evaluate_default.hearing import heard
from bench.evaluate_default.held_out import Place, pieces_of, places
from numpy.typing import NDArray

from segue.errors import SegueError
from segue.evaluation.features import pitch_class_histogram
from segue.evaluation.votes import wilson
from segue.score import Score

PROMPT_BARS = BARS = 8
WANTED = 0.8
ASPECTS = ("key", "density", "register", "tempo")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Traits:
    """N pieces of music: `chroma` (N, 12) shares of sounding time by pitch class; (N,) each: log2
    of notes a beat, mean pitch, log2 of the mean seconds from one onset to the next other one."""

    chroma: Floats
    density: Floats
    register: Floats
    tempo: Floats

    @classmethod
    def of(cls, scores: Sequence[Score]) -> Traits:
        """NaN where music has none of it."""
        rows = [_traits(heard(score)) for score in scores]
        table = np.array([row[1:] for row in rows], np.float64).reshape(-1, 3)
        return cls(np.array([row[0] for row in rows]).reshape(-1, 12), *table.T)

    def __getitem__(self, chosen: NDArray[np.int64]) -> Traits:
        return Traits(
            self.chroma[chosen], self.density[chosen], self.register[chosen], self.tempo[chosen]
        )


def _traits(score: Score) -> tuple[Floats, float, float, float]:
    nothing = float("nan")
    onsets = np.unique(score.onset_seconds())
    if len(onsets) < 2:
        return np.full(12, nothing), nothing, nothing, nothing
    beats = score.end_beats - float(score.onset_beats().min())
    return (
        pitch_class_histogram(score),
        float(np.log2(len(score) / max(beats, 1e-3))),
        float(score.notes["pitch"].mean()),
        float(np.log2(np.diff(onsets).mean())),
    )


def apart(one: Traits, other: Traits) -> Floats:
    """(N, 4): how far music i of each is apart in each aspect, not yet to one scale.

    Keys by 1 minus the correlation of the two pitch-class profiles.
    """
    centred = [each.chroma - each.chroma.mean(axis=1, keepdims=True) for each in (one, other)]
    norms = [np.linalg.norm(each, axis=1) for each in centred]
    flat = (norms[0] * norms[1]) < 1e-12
    fit = (centred[0] * centred[1]).sum(axis=1) / np.where(flat, 1, norms[0] * norms[1])
    gaps = [
        np.abs(getattr(one, name) - getattr(other, name))
        for name in ("density", "register", "tempo")
    ]
    return np.stack([1 - np.where(flat, 0.0, fit), *gaps], axis=1)


def scale_of(truth: Traits, works: Sequence[str]) -> Floats:
    """(4,): the root mean square of each aspect over all pairs of true continuations of different
    works: what an aspect is divided by, so that each counts as much."""
    first, second = np.triu_indices(len(works), 1)
    names = np.array(works)
    other = names[first] != names[second]
    if not other.any():
        raise SegueError("all held-out music is of one work: give music of two works or more.")
    found = apart(truth[first[other]], truth[second[other]])
    return np.asarray(np.maximum(np.sqrt(np.nanmean(found**2, axis=0)), 1e-9))


def distance(one: Traits, other: Traits, scale: Floats) -> Floats:
    """(N,): Euclidean over the four scaled aspects; infinite for music without notes."""
    found = np.sqrt(((apart(one, other) / scale) ** 2).sum(axis=1))
    return np.where(np.isnan(found), np.inf, found)


def measure(asked: Examination) -> dict[str, Any]:
    """Continuations of held-out openings, each beside its true continuation and another one."""
    whole = PROMPT_BARS + BARS
    found = places(asked.test, asked.prompts, whole, asked.seed, anywhere=False, prompt=PROMPT_BARS)
    prompts = [place.cut(0, PROMPT_BARS) for place in found]
    seeds = [asked.seed + i for i in range(len(found))]
    takes = asked.own.players.continued(prompts, seeds, BARS, "short")
    truth = Traits.of([place.cut(PROMPT_BARS, whole) for place in found])
    mine, copied = Traits.of([take.new for take in takes]), Traits.of(prompts)
    works = [place.piece.work for place in found]
    scale = scale_of(truth, works)
    others = others_of(found, asked.seed)
    wins = closer(mine, truth, others, scale)
    share = float(wins.mean())
    return {
        "reached": f"{share:.1%} of {len(found)}; the prompt copied: "
        f"{closer(copied, truth, others, scale).mean():.1%}",
        "wanted": f"{WANTED:.0%}",
        "met": share >= WANTED,
        "prompts": len(found),
        "pieces": pieces_of(found),
        "closer": int(wins.sum()),
        "between": list(wilson(int(wins.sum()), len(wins))),
        "copied": float(closer(copied, truth, others, scale).mean()),
        "against_all": against_all(mine, truth, works, scale),
        "copied_against_all": against_all(copied, truth, works, scale),
        "silent": int(np.isnan(mine.density).sum()),
        "aspects": {
            name: {
                "share": float(_by_aspect(mine, truth, others, i).mean()),
                "copied": float(_by_aspect(copied, truth, others, i).mean()),
            }
            for i, name in enumerate(ASPECTS)
        },
        "sets": {
            kind: [int(wins[own].sum()), int(own.sum())]
            for kind in sorted({place.piece.kind for place in found})
            if (own := np.array([place.piece.kind == kind for place in found])).any()
        },
    }


def others_of(found: Sequence[Place], seed: int) -> NDArray[np.int64]:
    """(N,): for each place one of another work, drawn by chance."""
    rng = np.random.default_rng((seed, 1))
    works = np.array([place.piece.work for place in found])
    return np.array([rng.choice(np.flatnonzero(works != work)) for work in works])


def closer(mine: Traits, truth: Traits, others: NDArray[np.int64], scale: Floats) -> Any:
    """(N,): whether music i is closer to truth i than to that of its other piece."""
    return distance(mine, truth, scale) < distance(mine, truth[others], scale)


def _by_aspect(mine: Traits, truth: Traits, others: NDArray[np.int64], i: int) -> Any:
    return apart(mine, truth)[:, i] < apart(mine, truth[others])[:, i]


def against_all(mine: Traits, truth: Traits, works: Sequence[str], scale: Floats) -> float:
    """The same share against every other piece in turn, which leaves the drawing out."""
    names = np.array(works)
    shares = []
    for i in range(len(names)):
        others = np.flatnonzero(names != names[i])
        again = np.full(len(others), i)
        own = distance(mine[again], truth[again], scale)
        shares.append(float((own < distance(mine[again], truth[others], scale)).mean()))
    return float(np.mean(shares))


def tell(found: dict[str, Any]) -> list[str]:
    """The shares, all aspects together and one by one."""
    low, high = found["between"]
    sets = ", ".join(f"{kind} {wins} of {of}" for kind, (wins, of) in found["sets"].items())
    lines = [
        f"{found['prompts']} prompts of {PROMPT_BARS} bars in {found['pieces']} test pieces (the "
        "first bars of each, then later ones), continued by "
        f"{BARS} bars each; compared with the piece's own next {BARS} bars and with those of a "
        "place in another work, drawn by the seed. The distance is Euclidean over four aspects: "
        "*key* (1 minus the correlation of the shares of sounding time of the twelve pitch "
        "classes), *density* (log2 of notes a beat), *register* (mean pitch), *tempo* (log2 of the "
        "mean seconds from one onset to the next), each divided by its root mean square over all "
        "pairs of true continuations of different works. A silent continuation loses "
        f"({found['silent']} did). By set: {sets}.",
        "",
        "| closer to the true one | continuation | the prompt itself, copied |",
        "|---|---:|---:|",
        f"| all four | **{found['closer'] / found['prompts']:.1%}** ({low:.0%} to {high:.0%}) | "
        f"{found['copied']:.1%} |",
    ]
    for name, row in found["aspects"].items():
        lines.append(f"| {name} alone | {row['share']:.1%} | {row['copied']:.1%} |")
    lines.append(
        "| all four, against every other place in turn | "
        f"{found['against_all']:.1%} | {found['copied_against_all']:.1%} |"
    )
    return lines


PART = Part(
    "e",
    "Kinship with the prompt's piece",
    measure,
    tell,
    lambda asked: {"prompts": asked.prompts},
    lambda asked: asked.own.players.store.spent(f"short-{BARS}"),
)
