"""The order in which an ABC tune's bars are played: parts, and repeats inside of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from segue.errors import LimitError
from segue.formats.abc_body import Body
from segue.formats.abc_tune import Tune
from segue.formats.printed import Voice
from segue.formats.repeats import Signs, combined, play_order
from segue.formats.unfolded import unfolded
from segue.score import Score

MOST_PARTS = 2_000


def played(
    tune: Tune,
    body: Body,
    *,
    chords: bool = False,
    unfold: Callable[[Sequence[Signs]], list[int]] = play_order,
) -> Score:
    """The Score of a tune that `body` has read; with `chords`, its chord symbols sound as well.

    `unfold` is how repeats are taken. Raises LimitError for a tune past playing.
    """
    _share_signs(body.voices)
    orders = [_order(tune, body.order, voice, unfold) for voice in body.voices]
    return unfolded(
        body.voices,
        orders,
        tune.label,
        title=tune.value("T"),
        key=body.key,
        tempo=body.tempo,
        chords=chords,
    )


def _share_signs(voices: Sequence[Voice]) -> None:
    """Repeats are often printed in one voice only: equal bar counts take the signs of all."""
    if len({len(voice.bars) for voice in voices}) != 1 or len(voices) < 2:
        return
    for bars in zip(*(voice.bars for voice in voices), strict=True):
        signs = combined(bar.signs for bar in bars)
        for bar in bars:
            bar.signs = signs


# -- parts and repeats --------------------------------------------------------------------------


def _order(
    tune: Tune, order: str, voice: Voice, unfold: Callable[[Sequence[Signs]], list[int]]
) -> list[int]:
    """Bar indices as played: the order of parts, if there is one, and repeats within each part."""
    bars = voice.bars
    sections: dict[str, list[int]] = {}
    for i, bar in enumerate(bars):
        sections.setdefault(bar.part, []).append(i)
    wanted = part_order(order)
    if not wanted or not any(label in sections for label in wanted):
        return unfold([bar.signs for bar in bars])
    missing = sorted({label for label in wanted if label not in sections})
    if missing:
        names = ", ".join(missing)
        tune.repairs.append(f"the order of parts {order!r} names {names}, which the tune lacks")
    if unused := sorted(set(sections) - set(wanted) - {""}):
        tune.repairs.append(f"the order of parts {order!r} never plays {', '.join(unused)}")
    unfolded = {
        label: [section[i] for i in unfold([bars[k].signs for k in section])]
        for label, section in sections.items()
    }
    leading = unfolded.get("", []) if "" in sections and bars[0].part == "" else []
    return leading + [i for label in wanted for i in unfolded.get(label, [])]


def part_order(text: str) -> list[str]:
    """`A(AB)2C3` as labels in order; brackets that do not match are passed over."""
    stack: list[list[str]] = [[]]
    group: list[str] = []  # what a number that follows repeats
    for word in re.findall(r"[A-Za-z]|\d{1,3}|[()]", text):
        if word == "(":
            stack.append([])
            group = []
        elif word == ")" and len(stack) > 1:
            group = stack.pop()
            stack[-1].extend(group)
        elif word.isdigit():
            stack[-1].extend(group * (int(word) - 1))
            group = []
        elif word.isalpha():
            group = [word]
            stack[-1].append(word)
        if sum(map(len, stack)) > MOST_PARTS:
            raise LimitError(f"an order of parts {text[:40]!r} with over {MOST_PARTS} parts.")
    return [label for level in stack for label in level]
