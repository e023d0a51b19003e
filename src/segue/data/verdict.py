"""The verdict on a corpus, in sentences: what was kept, what was not, and what it can feed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segue.data.corpus import Corpus

# Hoffmann et al. 2022, "Training compute-optimal large language models": about 20 tokens a
# parameter. Muennighoff et al. 2023, "Scaling data-constrained language models": up to 4 passes
# over the same tokens are worth about as much as new ones.
TOKENS_A_PARAMETER = 20
WORTHWHILE_PASSES = 4
# Pitch, time, length and loudness: what a note is in every event encoding of the field.
SYMBOLS_A_NOTE = 4
# What a published comparison of position encodings (DaRoPE, 2026) gave its models, with dropout:
# 85 million parameters for MAESTRO's 5.7 million training notes (229 chorales got 3.6 million).
PARAMETERS_A_NOTE = 15


def parameters_fed(facts: Mapping[str, Any]) -> tuple[int, int]:
    """How many parameters the training split can feed: without further care, and at most.

    The first is tokens * 4 passes / 20 tokens a parameter, where tokens are the symbols that the
    model predicts, but at most 4 a note (a piano roll's empty cells teach little): the size up
    to which all of it is used, by rules that come from text. The second is 15 a note: what
    published models of music of known size had, with dropout and early stopping against learning
    by heart. Both are first guesses; sources are with the constants above.
    """
    train = facts["splits"]["train"]
    tokens = min(train["rows"] * len(facts["columns"]), train["notes"] * SYMBOLS_A_NOTE)
    outright = int(tokens * WORTHWHILE_PASSES / TOKENS_A_PARAMETER)
    return outright, max(train["notes"] * PARAMETERS_A_NOTE, outright)


def verdict(corpus: Corpus) -> list[str]:
    """What was kept, what was dropped and why, how much music that is, what model it can feed."""
    return sentences(corpus.summary())


def sentences(facts: Mapping[str, Any]) -> list[str]:
    """The verdict on the facts of a `corpus.json`."""
    totals = facts["totals"]
    sentences = [_kept(totals)]
    if facts["refusals"]:
        kinds = "; ".join(f"{count:,} x {kind}" for kind, count in facts["refusals"].items())
        sentences.append(f"Left out: {kinds}.")
    sentences += [_music(totals), _split(facts), *_alike(facts)]
    outright, most = map(_round, parameters_fed(facts))
    sentences.append(
        f"That can feed a model of about {outright} parameters "
        f"({WORTHWHILE_PASSES} passes, {TOKENS_A_PARAMETER} symbols a parameter); with dropout "
        f"and early stopping one of up to about {most} ({PARAMETERS_A_NOTE} a note)."
    )
    return sentences


def _kept(totals: dict[str, Any]) -> str:
    repaired = f", {totals['repaired']:,} of them repaired" if totals["repaired"] else ""
    files = f"{totals['files']:,} {'file' if totals['files'] == 1 else 'files'}"
    if totals["found"] != totals["files"]:
        files = f"{totals['found']:,} pieces in {files}"
    return f"Kept {totals['kept']:,} of {files}{repaired}."


def _alike(facts: Mapping[str, Any]) -> list[str]:
    """What was found alike, and what that led to."""
    found = facts["near_duplicates"]
    if not found.get("families"):
        return []
    return [
        f"Alike: {found['near_pairs']:,} pairs of near duplicates and {found['kin_pairs']:,} of "
        f"kin, in {found['families']:,} families of up to {found['largest_family']:,} pieces; "
        "each family is in one split."
    ]


def _music(totals: dict[str, Any]) -> str:
    hours = totals["seconds"] / 3600
    long = f"{hours:,.1f} hours" if hours >= 1 else f"{totals['seconds'] / 60:,.1f} minutes"
    return (
        f"That is {long} of music: {totals['notes']:,} notes in {totals['bars']:,.0f} bars, "
        f"{totals['rows']:,} rows."
    )


def _split(facts: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{part['pieces']:,} {name}" for name, part in facts["splits"].items())
    rules = " and ".join(f"{rule['rule']} ({rule['source']})" for rule in facts["split_rules"])
    return f"Split by {rules}: {parts}."


def _round(parameters: int) -> str:
    """Two significant digits, with a unit."""
    if parameters < 1000:
        return str(max(parameters, 1))
    power = min(int(math.log10(parameters)) // 3, 3)
    value = parameters / 1000**power
    shown = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return f"{shown} {('', 'thousand', 'million', 'billion')[power]}"
