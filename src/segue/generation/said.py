"""What takes are told before they begin: what the piece is to be like, and its tempo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.encodings import portrait
from segue.encodings.base import Encoding
from segue.encodings.compound import Compound
from segue.encodings.compound_variants import STEP
from segue.encodings.scales import Tempi
from segue.errors import SegueError
from segue.generation.given import CODE, ONSET, Given, bar_lines
from segue.generation.harmony import Harmony
from segue.generation.lengths import Length
from segue.generation.wishes import ANY, Wishes
from segue.score import Score

Ints = NDArray[np.int64]

USUAL_TEMPO = 100.0
"""Beats a minute of music whose length is asked for in seconds, and nothing else of its time."""
_MINOR_THIRD = 3


def refuse_unsaid(bundle: Bundle, wishes: Wishes) -> None:
    """SegueError for a style or a touch that the bundle knows no word for."""
    encoding = bundle.encoding
    asked = {"style": wishes.style, "touch": wishes.touch}
    for kind, name in asked.items():
        if name and not (isinstance(encoding, Compound) and encoding.about):
            raise SegueError(
                f"the {kind} came as {name!r}; {bundle.name} was told of none: leave it out."
            )


def opening_of(bundle: Bundle, wishes: Wishes) -> Ints:
    """The rows that new music of a bundle opens with: what is asked of it is said to the model."""
    encoding = bundle.encoding
    opening = encoding.opening().astype(np.int64)
    refuse_unsaid(bundle, wishes)
    if not isinstance(encoding, Compound) or not encoding.about:
        return opening
    usual = bundle.recipe.generate.say
    return np.concatenate([opening, _rows(encoding, said(wishes, usual))])


def said(wishes: Wishes, usual: dict[str, str] | None = None) -> dict[str, int]:
    """What wishes say of a piece, by kind; `usual` are the words for what they leave open."""
    words = {"style": wishes.style, "touch": wishes.touch}
    words = {kind: name or (usual or {}).get(kind, "") for kind, name in words.items()}
    found = portrait.asked(**{kind: name for kind, name in words.items() if name not in ("", ANY)})
    if wishes.key is not None:
        found["key"] = key_number(wishes.key)
    if wishes.density is not None:
        tempo = 1.0 if wishes.density.unit == "beat" else 60 / (wishes.tempo or 120.0)
        found["density"] = portrait.density(wishes.density.notes * tempo)
    return found


def key_number(key: Harmony) -> int:
    """The number of a key as `score.tonality` counts them: minor where its third is."""
    minor = (key.root + _MINOR_THIRD) % 12 in key.classes
    major = (key.root + _MINOR_THIRD + 1) % 12 in key.classes
    return key.root % 12 + 12 * (minor and not major)


def steady(bundle: Bundle, wishes: Wishes, length: Length) -> Wishes:
    """The wishes, with a tempo for new music of so many seconds whose tempo a model would draw."""
    free = isinstance(bundle.encoding, Compound) and bundle.encoding.tempo == "rows"
    if length.seconds is None or wishes.tempo is not None or not free:
        return wishes
    return replace(wishes, tempo=USUAL_TEMPO)


def _rows(encoding: Compound, about: dict[str, int]) -> Ints:
    rows = encoding.about_rows(about)
    rows[:, ONSET] = STEP
    return rows


def with_said(encoding: Encoding, rows: Ints, wishes: Wishes) -> Ints:
    """The rows of a prompt, with what wishes say of it in place of what its notes say."""
    if not isinstance(encoding, Compound) or not encoding.about:
        return rows
    about = (rows[:, ONSET] >= STEP) & (rows[:, CODE] < portrait.SIZE)
    changes = said(wishes)
    if not changes:
        return rows
    known = portrait.said(rows[about, CODE])
    return np.concatenate([rows[:1], _rows(encoding, known | changes), rows[1:][~about[1:]]])


def given_of(
    encoding: Encoding, takes: int, score: Score, first: int, end: int | None, wishes: Wishes
) -> dict[str, Any]:
    """The arguments of `Steps` that follow from what is given: bar lines, and a tempo asked for.

    Takes go on from step `first` of `score`, from 0 for new music, to step `end`.
    """
    if not isinstance(encoding, Compound) or end is None:
        return {}
    events = [np.zeros((0, 5), np.int64)]
    if encoding.bars:
        events.append(bar_lines(encoding, score, first, end))
    if encoding.tempo == "rows" and wishes.tempo is not None and not first:
        micros = np.array([round(60e6 / wishes.tempo)])
        code = encoding.first_tempo + int(Tempi().symbols(micros)[0])
        events.append(np.array([[0, 0, code, 0, 0]]))
    every = np.concatenate(events)
    if not len(every):
        return {}
    every = every[np.lexsort((every[:, CODE], every[:, 0]))]
    return {"given": Given(encoding, takes, every, every[:, 0])}
