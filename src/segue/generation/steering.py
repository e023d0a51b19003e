"""Everything that leads takes to what is asked of them, and what is done where one misses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segue.bundles import Bundle
from segue.encodings.base import Encoding
from segue.errors import SegueError
from segue.generation.closing import OWN_FROM
from segue.generation.engine import IntRows
from segue.generation.guides import Steps
from segue.generation.player import Player
from segue.generation.starts import deciding
from segue.generation.steered import Steered
from segue.generation.take import Take
from segue.generation.timing import closing_of, corridor_of, pitch_masks, steps_at
from segue.generation.wishes import Wishes
from segue.score import Score

MOST_DRAWN = 16
"""How often a take is drawn that does not come out with the density asked for."""


def steering(
    wishes: Wishes,
    encoding: Encoding,
    score: Score,
    span: tuple[int, int],
    takes: int,
    longest_rest: float = 0.0,
) -> dict[str, Any]:
    """The arguments of `Steps` that follow from the wishes, for new music in `span`, in ticks of
    `score`, without a rest of more beats than `longest_rest` (0: any)."""
    begin, last = span
    since = 0 if encoding.timed else begin
    closing = closing_of(wishes, encoding, score, span, takes)
    end = steps_at(encoding, score, last - since)
    told: dict[str, Any] = {
        "pitches": pitch_masks(wishes, encoding, score, begin, closing),
        "corridor": corridor_of(wishes, encoding, score, span, takes),
        "closing": closing,
        "end": end if closing is None else min(closing.at + 1, end),
    }
    if longest_rest and wishes.density is None:
        ticks = round(longest_rest * score.ticks_per_beat)
        told["longest_rest"] = max(steps_at(encoding, score, ticks), 1)
    if wishes.ending == "own":
        early = begin + round(OWN_FROM * (last - begin)) - since
        told["ends_from"] = steps_at(encoding, score, early)
    return told


def steered(player: Player, guide: Steps) -> Player:
    """The player whose engine leans to the density that the guide keeps, if it keeps one."""
    if guide.corridor is None:
        return player
    heat = player.sampling.temperature
    engine: Any = Steered(player.engine, guide, guide.corridor, heat)
    return replace(player, engine=engine)


def until_kept(
    bundle: Bundle,
    seeds: Sequence[int],
    wishes: Wishes,
    make: Callable[[Sequence[int], Sequence[int]], list[Take]],
) -> list[Take]:
    """Takes that have the density asked for: one that misses it is drawn again.

    `make(seeds, drawn)` gives takes of `seeds` that draw their chance from `drawn`, which are the
    seeds themselves at first. Raises SegueError for one that misses it MOST_DRAWN times.
    """
    if wishes.density is None:
        return make(seeds, seeds)
    done: dict[int, Take] = {}
    left = list(range(len(seeds)))
    for number in range(MOST_DRAWN):
        own = [seeds[i] for i in left]
        made = make(own, [_other(seed, number) for seed in own])
        done |= dict(zip(left, made, strict=True))
        left = [i for i in left if not done[i].receipt["checks"]["density"]["kept"]]
        if not left:
            return [done[i] for i in range(len(seeds))]
    found = done[left[0]].receipt["checks"]["density"]["found"]
    raise SegueError(
        f"{bundle.name} does not come to {wishes.density.name}: after {MOST_DRAWN} tries seed "
        f"{seeds[left[0]]} has {found:g}; ask for a density nearer to that, or for a longer take."
    )


def _other(seed: int, number: int) -> int:
    """The seed that is drawn from the `number`th time."""
    if not number:
        return seed
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def with_room(encoding: Encoding, rows: IntRows) -> IntRows:
    """The rows and one that moves time on, where notes sound only until the last row comes."""
    if encoding.name not in ("performance", "nes_events", "note_time") or not len(rows):
        return rows
    decides = deciding(encoding)
    if decides is None:
        return rows
    last = np.zeros((1, rows.shape[1]), rows.dtype)
    last[0, decides.column] = int(decides.moves.argmax())
    return np.concatenate([rows, last])
