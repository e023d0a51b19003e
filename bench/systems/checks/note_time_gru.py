"""What note-time-gru promises: the rhythm of real music, and keys that are left as real pieces do.

Takes here go on from the first eight bars of held-out pieces for eight bars, and are measured
beside what the pieces themselves go on with. Inter-onset intervals are compared as histograms in
quarter octaves from a 64th of a second to four seconds, by their 1-Wasserstein distance as a
share of that range. A key is left for the share of sounding time outside the major key, or its
relative minor, that fits the eight bars best.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.systems.case import Case
from bench.systems.checks import Check

from segue import generation
from segue.evaluation import histograms
from segue.score import Score, slice_bars, tidy

BARS = 8
PROMPTS = 24
EACH = 3
LEAST_NOTES = 16
AWAY = 0.05
EITHER_WAY = 0.25
FAITHFUL = "lulea-note-time"


def measure(case: Case) -> list[Check]:
    prompts, real = _prompts(case)
    takes = continuations(case, prompts)
    note = f"{len(takes)} takes of {BARS} bars, {EACH} after each opening of {BARS} bars"
    free = case.takes(PROMPTS, bars=2 * BARS, seed=1)
    every = case.real(PROMPTS, bars=2 * BARS)
    return [
        Check("inter-onset intervals, Wasserstein", _away(takes, real), at_most=AWAY, note=note),
        Check(
            "the same of takes that go on from no opening of theirs",
            _away(free, every),
            note=f"{PROMPTS} pieces of the training music are {_away(_training(case), every):.3f} "
            "from the held-out ones themselves",
        ),
        *_faithful(case, prompts, real),
        *_keys(prompts, takes, real),
        Check("notes a second over those of real music", _pace(takes) / _pace(real)),
    ]


def _training(case: Case) -> list[Score]:
    """Openings of training pieces, spread evenly, as `Case.real` has them of held-out ones."""
    pieces = case.corpus.pieces("train")
    chosen = pieces[:: max(len(pieces) // PROMPTS, 1)][:PROMPTS]
    wholes = [case.corpus.encoding.decode(case.corpus.rows(p), p.header) for p in chosen]
    return [tidy(slice_bars(whole, 0, 2 * BARS)) for whole in wholes]


def _prompts(case: Case) -> tuple[list[Score], list[Score]]:
    """Openings of held-out pieces, and what comes after each, both through the encoding."""
    prompts, after = [], []
    for whole in case.real(PROMPTS, bars=2 * BARS):
        first, rest = tidy(slice_bars(whole, 0, BARS)), tidy(slice_bars(whole, BARS, 2 * BARS))
        if min(len(first), len(rest)) >= LEAST_NOTES:
            prompts.append(first)
            after.append(rest)
    return prompts, after


def continuations(case: Case, prompts: Sequence[Score]) -> list[Score]:
    """What the recipe's run goes on with, EACH times after each prompt, by its own sampling."""
    found = []
    for number, prompt in enumerate(prompts):
        for take in generation.continue_(
            case.bundle, prompt, takes=EACH, bars=BARS, seed=number * EACH
        ):
            new = take.score.notes[take.score.notes["onset"] >= (take.prompt_end or 0)]
            found.append(take.score.with_(notes=new))
    return found


def _away(takes: Sequence[Score], real: Sequence[Score]) -> float:
    return histograms.wasserstein(
        histograms.interval_histogram(takes), histograms.interval_histogram(real)
    )


def _faithful(case: Case, prompts: Sequence[Score], real: Sequence[Score]) -> list[Check]:
    what = f"the same of {FAITHFUL}"
    other = case.other(FAITHFUL)
    if other is None:
        return [Check(what, None, at_least=AWAY, note="it is not trained here")]
    return [Check(what, _away(continuations(other, prompts), real), at_least=AWAY)]


def _keys(prompts: Sequence[Score], takes: Sequence[Score], real: Sequence[Score]) -> list[Check]:
    asked = [prompt for prompt in prompts for _ in range(EACH)]
    shares = [_foreign(asked, takes), _foreign(prompts, real)]
    return [
        Check(
            "time outside the prompt's key, over that of real music",
            shares[0] / shares[1],
            at_least=1 - EITHER_WAY,
            at_most=1 + EITHER_WAY,
            note=f"{shares[0]:.1%} of takes, {shares[1]:.1%} of real continuations",
        )
    ]


def _foreign(prompts: Sequence[Score], after: Sequence[Score]) -> float:
    """The mean share of time outside the prompt's key, over the scores that have notes."""
    shares = [
        histograms.foreign_share(score, histograms.collection(prompt))
        for prompt, score in zip(prompts, after, strict=True)
    ]
    known = [share for share in shares if share is not None]
    return sum(known) / max(len(known), 1)


def _pace(scores: Sequence[Score]) -> float:
    """Notes a second from the first onset to the last."""
    seconds = sum(float(histograms.intervals(score).sum()) for score in scores)
    return sum(len(score) for score in scores) / max(seconds, 1e-9)
