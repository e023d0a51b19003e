"""The grammar of compound rows, beside its rules told symbol by symbol."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue import encodings
from segue.encodings.compound_grammar import CompoundGrammar
from segue.encodings.compound_variants import END, REST, START, STEP

KINDS: list[dict[str, Any]] = [
    {},
    {"pedal": "rows", "tempo": "rows", "max_tracks": 3},
    {"pedal": "shared", "tempo": "rows", "about": True, "bars": True, "ahead": 48,
     "max_tracks": 2, "drums": False},
    {"about": True, "max_tracks": 1, "drums": False},
    {"max_tracks": 1, "pedal": "drop", "tempo": "rows"},
]  # fmt: skip


class Plain:
    """One piece under the rules of `CompoundGrammar`."""

    def __init__(self, grammar: CompoundGrammar) -> None:
        self.grammar = grammar
        self.last: list[int] | None = None
        self.moved = False
        self.blocks = [*grammar.about, grammar.bars, grammar.tempi]
        self.says = sum(grammar.about)
        self.pedals_from = sum(self.blocks)
        self.pitches_from = self.pedals_from + grammar.pedals

    def lowest(self) -> tuple[int, int]:
        """The first place, a track and a code, at the step of the last row."""
        if self.last is None or self.last[0] < STEP:
            return -1, 0
        _, track, code, *_ = self.last
        end = 0
        for size in self.blocks:
            end += size
            if end - size <= code < end:
                return track, end
        return track, code + 1

    def may(self, column: int, chosen: list[int], symbol: int) -> bool:
        """Whether a row that begins with `chosen` may go on with a symbol."""
        if column == 0:
            return self.may_begin(symbol)
        if chosen[0] < STEP:
            return symbol == 0
        track, code = self.lowest() if chosen[0] == STEP else (-1, 0)
        if column == 1:
            is_over = code == self.grammar.sizes[2]
            return track + is_over <= symbol < self.grammar.tracks
        if column == 2:
            too_low = chosen[1] == track and symbol < code
            return not too_low and self.may_say(symbol, chosen[1], chosen[0] > STEP)
        return chosen[2] >= self.pitches_from or symbol == 0

    def may_begin(self, symbol: int) -> bool:
        """Whether it is a first symbol."""
        if self.last is None:
            return symbol == START
        forbidden = {START, END, STEP} if self.last[0] == REST else {START}
        track, code = self.lowest()
        if track + (code == self.grammar.sizes[2]) >= self.grammar.tracks:
            forbidden.add(STEP)
        return symbol not in forbidden

    def may_say(self, code: int, track: int, moves: bool) -> bool:
        """Whether it is a code of a track."""
        if code < self.pedals_from:
            return track == 0 and code >= (self.says if self.moved or moves else 0)
        return code >= self.pitches_from or track < self.grammar.pedal_slots

    def advance(self, row: list[int]) -> None:
        """One more row."""
        self.moved |= row[0] == REST or row[0] > STEP
        self.last = row


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_masks_say_what_the_rules_say(options: dict[str, Any]) -> None:
    encoding = encodings.get("compound", **options)
    grammar: Any = encoding.grammar()
    chance = np.random.default_rng(0)
    takes = 4
    pieces = [Plain(grammar) for _ in range(takes)]
    state = grammar.start(takes)
    reached = np.zeros(3)
    for _ in range(60):
        row = np.zeros((takes, 5), np.int64)
        for column, size in enumerate(grammar.sizes):
            allowed = grammar.allowed(column, row[:, :column], state)
            for take, piece in enumerate(pieces):
                chosen = row[take, :column].tolist()
                expected = [piece.may(column, chosen, symbol) for symbol in range(size)]
                assert allowed[take].tolist() == expected
            # Often the same step, and places that are close to one another.
            weights = allowed * chance.random(allowed.shape) ** chance.choice([1, 8])
            if column == 0:
                weights[:, STEP] *= 1 + 50 * chance.random()
                weights[:, :STEP] *= chance.choice([1, 40], p=[0.8, 0.2])
            row[:, column] = weights.argmax(axis=1)
        reached += [(row[:, 0] == kind).sum() for kind in (END, REST, STEP)]
        state = grammar.advance(state, row)
        for take, piece in enumerate(pieces):
            piece.advance(row[take].tolist())
    assert reached.min() > 2
