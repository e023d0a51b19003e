"""(c) Takes that hold a memorised run, beside held-out music that holds one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.evaluate_default.examination import BARS, Examination, Part
from bench.evaluate_default.held_out import places
from bench.evaluate_default.likeness import excerpts

from segue.evaluation.memorisation import LONG, Training
from segue.evaluation.memorisation_steps import steps_of
from segue.evaluation.votes import wilson
from segue.judging.memorisation import Judgement, judge, with_baseline

EXCERPTS = 100
"""Valid excerpts that set the limit."""


def training_of(asked: Examination) -> Training:
    """The training music, with a limit from excerpts of the valid split as long as the takes.

    Without a valid split the limit is the least that there is.
    """
    if not any(piece.bars >= BARS for piece in asked.valid):
        return replace(asked.training, held_out=())
    drawn = places(asked.valid, EXCERPTS, BARS, asked.seed, anywhere=True)
    return with_baseline(asked.training, [steps_of(place.cut()) for place in drawn])


def measure(asked: Examination) -> dict[str, Any]:
    """Shares over the limit, of takes and of the held-out excerpts they are compared with."""
    training = training_of(asked)
    takes = asked.own.players.from_nothing(asked.seeds, BARS)
    named = [(f"seed {seed}", take) for seed, take in zip(asked.seeds, takes, strict=True)]
    mine = judge(training, named)
    real = judge(training, [(place.piece.name, place.cut()) for place in excerpts(asked)])
    return {
        "reached": f"{mine.copied_share:.1%} of takes, {real.copied_share:.1%} of real excerpts",
        "wanted": "no more of takes than of real excerpts",
        "met": mine.copied_share <= real.copied_share,
        "training_pieces": len(training.names),
        "limit": training.limit,
        "takes": _told(mine),
        "real": _told(real),
    }


def _told(judged: Judgement) -> dict[str, Any]:
    copies = [each for each in judged.verdicts if each.copied]
    longest = max(
        ((p.notes, each.name, p.piece) for each in judged.verdicts for p in each.passages),
        default=None,
    )
    return {
        "looked_at": len(judged.verdicts),
        "over": len(copies),
        "between": list(wilson(len(copies), len(judged.verdicts))),
        "mean": judged.mean,
        "copies": {each.name: round(each.score, 4) for each in copies},
        "longest": list(longest) if longest else None,
    }


def tell(found: dict[str, Any]) -> list[str]:
    """A table of two rows."""
    lines = [
        f"Both searched in {found['training_pieces']:,} training pieces "
        "([how](evaluation.md#memorisation): passages of "
        f"{LONG} different steps and more, in any key and tempo). A copy is what has more than "
        f"{found['limit']:.1%} of its notes in such passages: no less than 10 %, and no less than "
        f"what 19 of 20 valid excerpts of {BARS} bars stay under.",
        "",
        "| music | looked at | copies | mean share of notes | longest passage |",
        "|---|---:|---:|---:|---|",
    ]
    for name, key in (("takes", "takes"), ("test excerpts", "real")):
        row = found[key]
        low, high = row["between"]
        longest = row["longest"]
        passage = f"{longest[0]} notes of {longest[1]}, in {longest[2]}" if longest else "none"
        share = f"{row['over']} ({low:.0%} to {high:.0%})"
        lines.append(f"| {name} | {row['looked_at']} | {share} | {row['mean']:.2%} | {passage} |")
    return lines


PART = Part(
    "c",
    "Copies of training music",
    measure,
    tell,
    lambda asked: {"takes": asked.takes},
    lambda _: 0.0,  # its takes are those of (b)
)
