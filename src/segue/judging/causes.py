"""From a symptom to its likely cause and the next thing to try.

A row of `CAUSES` is a cause: the symptoms it may explain, when it does (with the reason in words),
and the commands to try. The first row that applies is the likely one: what is certain (the training
music has the same fault, the take was drawn at temperature 0) stands before what is probable.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from segue.evaluation.doctor import Finding
from segue.evaluation.measures.keys import global_key
from segue.judging.facts import Facts
from segue.score import Score

STUCK = ("few", "one-note", "loop", "narrow", "silence", "ends-early", "thins")
WILD = ("wander", "clutter", "thickens", "hanging", "drift", "fades")
LATE = ("loop", "one-note", "thins", "thickens", "drift", "fades", "silence")
EVERY = (*STUCK, *WILD)

COLD, HOT = 0.7, 1.15
FEW_PIECES = 20
DATA_SHARE = 0.1
"""The share of training pieces with the same symptom from which on it was learned from them."""

Reason = Callable[[Facts, Finding, Score], str | None]
Tries = Callable[[Facts, Finding, Score], tuple[str, ...]]


@dataclass(frozen=True)
class Cause:
    """A row of the table."""

    name: str
    symptoms: tuple[str, ...]
    reason: Reason
    tries: Tries


@dataclass(frozen=True)
class Diagnosis:
    """A finding with its likely cause, why that is likely, and commands to try.

    `also` are other causes that apply, with their reasons: what is to be tried when the first
    commands did not help.
    """

    finding: Finding
    cause: str
    reason: str
    tries: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()


def explain(facts: Facts, finding: Finding, score: Score) -> Diagnosis:
    """The likely cause of a finding, and what else may be."""
    told = [
        (cause, reason)
        for cause in CAUSES
        if finding.symptom in cause.symptoms
        and (reason := cause.reason(facts, finding, score)) is not None
    ]
    # The last row explains everything, and is told only where no other does.
    cause, reason = told[0]
    also = tuple((other.name, why) for other, why in told[1:-1])
    tries = cause.tries(facts, finding, score)
    return Diagnosis(finding, cause.name, reason, tries, also)


# -- reasons -------------------------------------------------------------------------------------


def _no_take(facts: Facts, _finding: Finding, _score: Score) -> str | None:
    return None if facts.made else "it carries no receipt, so that what made it is not known"


def _data(facts: Facts, finding: Finding, _score: Score) -> str | None:
    share = facts.training_faults.get(finding.symptom, 0.0)
    if share < DATA_SHARE:
        return None
    return f"{share:.0%} of the training pieces looked at have it too"


def _argmax(facts: Facts, _finding: Finding, _score: Score) -> str | None:
    if facts.temperature != 0:
        return None
    return "always the likeliest symbol was taken (temperature 0), which ends in loops"


def never_learned(facts: Facts) -> str | None:
    """Why it can be said that the model has learned nothing; None if it cannot."""
    nats = facts.held_out
    if not {"model", "unigram"} <= set(nats) or nats["model"] < nats["unigram"]:
        return None
    return (
        f"its held-out loss, {nats['model']:.2f} nats a row, is not under the "
        f"{nats['unigram']:.2f} of a unigram, which knows only how frequent each symbol is"
    )


def overfit(facts: Facts) -> str | None:
    """Why it can be said that it has learned its music by heart; None if it cannot."""
    risen, lowest = facts.curve.risen, facts.curve.lowest
    if risen is None or lowest is None:
        return None
    return f"its held-out loss has risen by {risen:.1%} since step {lowest[0]}"


def little_data(facts: Facts) -> str | None:
    """Why its music is too little; None if it is not."""
    pieces = facts.corpus.get("pieces")
    if isinstance(pieces, int) and pieces < FEW_PIECES:
        return f"it learned from {pieces} pieces"
    return overfit(facts)


def under_trained(facts: Facts) -> str | None:
    """Why more steps would help; None if nothing says so."""
    falling, looks, nats = facts.curve.falling, facts.curve.looks, facts.held_out
    if never_learned(facts):
        return None
    if falling is not None:
        return f"its held-out loss still fell by {falling:.1%} when training ended"
    if {"model", "bigram"} <= set(nats) and nats["model"] >= nats["bigram"]:
        return (
            f"its held-out loss, {nats['model']:.2f} nats a row, is not under the "
            f"{nats['bigram']:.2f} of a bigram, which knows only the row before"
        )
    if len(looks) == 1:
        return f"it was trained for {looks[0][0]} steps and looked at once"
    return None


def _cold(facts: Facts, _finding: Finding, _score: Score) -> str | None:
    heat = facts.temperature
    if heat is not None and 0 < heat < COLD:
        return f"a temperature of {heat:g} takes likely symbols only"
    kept = facts.settings.get("top_k")
    if isinstance(kept, int) and 0 < kept <= 3:
        return f"only the {kept} likeliest symbols were kept"
    share = facts.settings.get("top_p")
    if isinstance(share, float) and share < 0.5:
        return f"only symbols that hold {share:g} of the probability were kept"
    return None


def _hot(facts: Facts, _finding: Finding, _score: Score) -> str | None:
    heat = facts.temperature
    if heat is None or heat <= HOT:
        return None
    return f"a temperature of {heat:g} takes unlikely symbols often"


def _context(facts: Facts, finding: Finding, score: Score) -> str | None:
    seen = facts.bars_seen(score)
    if seen is None or finding.bars[0] - 1 < seen:
        return None
    return (
        f"it begins in bar {finding.bars[0]}, and training showed the model {seen:.0f} bars at once"
    )


def _luck(_facts: Facts, _finding: Finding, _score: Score) -> str | None:
    return "nothing known of model and settings explains it: a draw like any other"


def _of_facts(reason: Callable[[Facts], str | None]) -> Reason:
    return lambda facts, _finding, _score: reason(facts)


# -- what to try ---------------------------------------------------------------------------------

_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def key_name(score: Score) -> str:
    """The key that a piece is nearest to, as `--key` takes it."""
    key = global_key(score) or 0
    return f"{_NAMES[key % 12]} {'minor' if key >= 12 else 'major'}"


def _options(finding: Finding, score: Score) -> tuple[str, ...]:
    """What playing can be asked for against a symptom."""
    return {
        "loop": ("--loop-beats", "8"),
        "one-note": ("--loop-beats", "4"),
        "wander": ("--key", key_name(score)),
        "clutter": ("--polyphony", "8"),
        "hanging": ("--polyphony", "6"),
        "drift": ("--lowest", "C2", "--highest", "C6"),
    }.get(finding.symptom, ())


def _look_inside(_facts: Facts, _finding: Finding, _score: Score) -> tuple[str, ...]:
    return ("segue inspect FILE", "segue doctor FILE --bundle BUNDLE")


def _clean(facts: Facts, _finding: Finding, _score: Score) -> tuple[str, ...]:
    source = shlex.quote(facts.source())
    return (f"segue doctor {source}", f"segue prepare {source} --out CORPUS --dry-run")


def _warm(facts: Facts, _finding: Finding, _score: Score) -> tuple[str, ...]:
    return (facts.play("--temperature", "1", "--top-p", "0.95"),)


def _cool(facts: Facts, finding: Finding, score: Score) -> tuple[str, ...]:
    options = _options(finding, score)
    also = (facts.play(*options),) if options else ()
    return (facts.play("--temperature", "1", "--top-p", "0.95"), *also)


def learn_something(facts: Facts) -> tuple[str, ...]:
    """Go on if the last look was the best, with smaller steps if it was not."""
    looks = facts.curve.looks
    if len(looks) < 2 or facts.curve.lowest == looks[-1]:
        return (facts.train_on(),)
    lr = facts.recipe.train.lr / 3 if facts.recipe else 3e-4
    return (facts.train_anew("--set", f"train.lr={lr:.1g}"), "segue recipes ls")


def more_data(facts: Facts) -> tuple[str, ...]:
    """More music, or the same in other keys."""
    tries: list[str] = []
    if facts.recipe is not None and facts.recipe.data.transpose == (0, 0):
        tries.append(facts.train_anew("--set", "data.transpose=[-5, 6]"))
    return (*tries, "segue corpora ls", facts.train_anew("--from", "BUNDLE"))


def train_longer(facts: Facts) -> tuple[str, ...]:
    """Go on with the run."""
    return (facts.train_on(),)


def _see_more(facts: Facts, finding: Finding, _score: Score) -> tuple[str, ...]:
    window = 2 * (facts.recipe.data.window if facts.recipe else 128)
    bars = max(1, finding.bars[0] - 1)
    again = facts.play("--bars", str(bars))
    return (again, facts.train_anew("--set", f"data.window={window}"))


def _again(facts: Facts, finding: Finding, score: Score) -> tuple[str, ...]:
    options = _options(finding, score)
    return (facts.play("--takes", "8"), *((facts.play(*options),) if options else ()))


def _tries_of(tries: Callable[[Facts], tuple[str, ...]]) -> Tries:
    return lambda facts, _finding, _score: tries(facts)


CAUSES: tuple[Cause, ...] = (
    Cause("unknown", EVERY, _no_take, _look_inside),
    Cause("data fault", EVERY, _data, _clean),
    Cause("argmax", STUCK, _argmax, _warm),
    Cause("never learned", EVERY, _of_facts(never_learned), _tries_of(learn_something)),
    Cause("temperature too low", STUCK, _cold, _warm),
    Cause("temperature too high", WILD, _hot, _cool),
    Cause("too little data", EVERY, _of_facts(little_data), _tries_of(more_data)),
    Cause("under-trained", EVERY, _of_facts(under_trained), _tries_of(train_longer)),
    Cause("context too short", LATE, _context, _see_more),
    Cause("chance", EVERY, _luck, _again),
)
