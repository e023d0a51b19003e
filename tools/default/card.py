"""The card of the bundle that ships: whose music it knows, its cost, how good it is, its faults.

Every number is from bundle.json, from the list of pieces, or from the judge's record.
"""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segue.bundles.bundle import bundle_hash
from segue.encodings.base import Encoding
from segue.recipes import Recipe

HOMES = {
    "piano-midi-de": "Classical piano music sequenced by Bernd Krueger, http://www.piano-midi.de",
    "mutopia": "The Mutopia Project, https://www.mutopiaproject.org, engravers as listed",
    "openscore-lieder": "Piano parts of the OpenScore Lieder Corpus, "
    "https://github.com/OpenScore/Lieder",
    "pop909": "POP909, https://github.com/music-x-lab/POP909-Dataset, Copyright (c) 2020 Music X "
    "Lab, MIT licence: without warranty of any kind",
}
_SHORTER = (
    ("Creative Commons ", "CC "),
    ("Attribution-ShareAlike", "BY-SA"),
    ("Attribution", "BY"),
    (" International", ""),
)
_NUMBERED = re.compile(r", Mutopia-[\d/-]+$")


@dataclass(frozen=True)
class Card:
    """Writes the card from the list of pieces and what the judge wrote (empty: nothing yet)."""

    sources: str
    record: Mapping[str, Any]

    def text(self, recipe: Recipe, encoding: Encoding, index: Mapping[str, Any]) -> str:
        """CARD.md."""
        pieces = list(csv.DictReader(io.StringIO(self.sources)))
        judged = self.record if self.record.get("hash") == bundle_hash(index["sha256"]) else {}
        lines = [
            *_head(recipe, index),
            *_licence(index, pieces),
            *_cost(index),
            *_held_out(index),
            *_judged(judged),
            *_memorised(index, judged),
            *_faults(recipe, encoding, judged),
        ]
        return "\n".join(lines) + "\n"


def _said(*sentences: str) -> str:
    return textwrap.fill(" ".join(sentences), 100, break_long_words=False, break_on_hyphens=False)


def _head(recipe: Recipe, index: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"# {recipe.name}", "", f"{recipe.summary}.", "")
    yield from (f"System: {recipe.system}.", "") if recipe.system else ()
    yield _said(
        f"{index['parameters']:,} parameters. `segue generate` plays its graphs, which are in",
        f"int8; `segue train MUSIC --from {recipe.name}` learns on from its weights, which are in",
        "bfloat16.",
    )


def _licence(index: Mapping[str, Any], pieces: list[dict[str, str]]) -> Iterator[str]:
    known = [piece for piece in pieces if piece["split"] != "test"]
    counts = Counter((piece["set"], short(piece["licence"])) for piece in known)
    corpus = index["corpus"]
    yield from ("", "## Licence and sources", "")
    yield _said(
        f"{corpus['licence']}, https://creativecommons.org/licenses/by-sa/4.0/: some of the music",
        "below came on condition that what is made of it is shared alike.",
    )
    yield from ("", "| learned from | licence | pieces |", "|---|---|---|")
    yield from (f"| {name} | {licence} | {n:,} |" for (name, licence), n in sorted(counts.items()))
    yield ""
    for name in sorted({piece["set"] for piece in known} & HOMES.keys()):
        yield f"- {name}: {HOMES[name]}."
    yield ""
    yield _said(
        f"In all {corpus['pieces']:,} pieces with {corpus['notes']:,} notes,",
        f"{corpus['seconds'] / 3600:.0f} hours, {len(pieces) - len(known)} of the pieces held out",
        "of everything. SOURCES.csv names each with composer, title, licence and attribution. The",
        "music was changed: cleaned, laid out in two hands, and in training moved to other keys,",
        "tempi and loudness.",
    )
    people = {
        _NUMBERED.sub("", each["attribution"]) for each in known if "BY" in short(each["licence"])
    }
    if people:
        names = "; ".join(sorted(people, key=str.casefold))
        yield from ("", _said(f"Those whose terms ask for their names: {names}."))


def short(licence: str) -> str:
    """A licence by its usual letters: "CC BY-SA 4.0"."""
    for words, letters in _SHORTER:
        licence = licence.replace(words, letters)
    return licence


def _cost(index: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## What training cost", "")
    yield "| | steps | rows read | hours | optimiser and rate | machine |"
    yield "|---|---|---|---|---|---|"
    for number, run in enumerate(index["training"], 1):
        rate = f"{run['optimiser']}, {run['learning_rate']:g}, {run['schedule']}"
        machine = f"{run['cores']} cores, torch {run['torch']}"
        cells = (f"{run['steps']:,}", f"{run['rows']:,}", f"{run['hours']:g}", rate, machine)
        yield f"| run {number} | {' | '.join(cells)} |"


def _held_out(index: Mapping[str, Any]) -> Iterator[str]:
    held, kinds = index["held_out"], index["beside_fp32"]
    notes = held["notes_a_row"]
    yield from ("", "## Held-out loss", "")
    yield from (f"| {held['split']} split | nats a row | nats a note |", "|---|---|---|")
    for name, value in held["nats"].items():
        yield f"| {name} | {value:.4f} | {value / notes:.3f} |"
    yield ""
    yield _said(
        f"Over {held['rows']:,} rows in windows as in training. What ships, on {kinds['rows']:,}",
        f"rows: fp32 {kinds['fp32']:.4f} nats a row, the weights in bfloat16 {kinds['bf16']:.4f},",
        f"the int8 graphs {kinds['int8']:.4f} ({kinds['int8'] / kinds['fp32'] - 1:+.2%}).",
    )


def _judged(judged: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Judged", "")
    if not judged:
        yield "Not yet: `make evaluate-default` does it."
        return
    yield _said(
        f"On the {judged['music']['test_pieces']} pieces of the test split, which it was neither",
        "trained nor chosen on; docs/models.md says how.",
    )
    yield from ("", "| | what | wanted | reached | |", "|---|---|---|---|---|")
    for letter, part in sorted(judged["parts"].items()):
        met = {True: "met", False: "**missed**", None: "not judged"}[part["met"]]
        yield f"| {letter} | {part['title']} | {part['wanted']} | {part['reached']} | {met} |"


def _memorised(index: Mapping[str, Any], judged: Mapping[str, Any]) -> Iterator[str]:
    known = index.get("memorisation")
    if known is None:
        return
    yield from ("", "## What it knows by heart", "")
    copied = judged.get("parts", {}).get("c")
    yield _said(
        f"The steps of {known['pieces']:,} training pieces are in memorisation.npz, and takes are",
        f"searched for them. Of real music that was held out, {known['held_out_mean']:.2%} of the",
        f"notes stand in passages that a training piece has too; a take over {known['limit']:.1%}",
        f"is called a copy. Of its takes: {copied['reached']}." if copied else "is called a copy.",
        "`segue generate --novel` refuses copies.",
    )


def _faults(recipe: Recipe, encoding: Encoding, judged: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Known faults", "")
    faults = [
        f"It looks back over {recipe.data.window} rows, a row a note: a theme that is longer ago "
        "is forgotten, and no plan reaches over a whole piece.",
        "It has learned from composers of the eighteenth to the early twentieth century, and from "
        "pop songs of one country: other music it continues in their manner.",
        "Much of what it learned from was written, not performed: loudness is level there, and "
        "time strict.",
        *(
            f"{part['title']}: {part['reached']}, where {part['wanted']} was wanted."
            for _, part in sorted(judged.get("parts", {}).items())
            if part["met"] is False
        ),
    ]
    yield from (_said(f"- {fault}") for fault in faults)
    yield from ("", "It keeps of music:", "", *[f"- {kept}" for kept in encoding.keeps])
    yield from ("", "and loses:", "", *[f"- {lost}" for lost in encoding.loses])
