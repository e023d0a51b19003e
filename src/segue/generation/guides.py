"""What may come next: the encoding's grammar, and where the takes are to begin and to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segue.encodings.base import Encoding
from segue.encodings.compound_grammar import CompoundGrammar
from segue.generation.closing import Closing
from segue.generation.density import STALLED, Corridor
from segue.generation.given import Given
from segue.generation.narrowing import narrowed, restricted
from segue.generation.starts import cells_begin, deciding
from segue.generation.symbols import Ends, Moves, probed
from segue.generation.wishes import PitchMasks

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


RESTLESS = 256
"""Rows at one moment after which time has to move on: every key of a keyboard let go and struck."""
STANDSTILL = 2 * RESTLESS
"""Rows at one moment after which a take ends, where its grammar did not let time move on."""
LAST_CHORD = 4
"""Notes that may begin at a close whatever the density."""

_ONE, _ZERO = np.array(1), np.array(0)


class Guide(Protocol):
    """Steers B takes that are played side by side."""

    stuck: Bools
    """(B,): where `allowed` had to let through what it should not, there being nothing else.

    The player clears it, and draws such a row again from its first column.
    """

    def allowed(self, column: int, row: Ints) -> Bools:
        """(B, V): the symbols `column` may hold, given the columns of `row` before it."""

    def settle(self, row: Ints) -> Ints:
        """What is played of a drawn row: itself, or a row that has to come before it."""

    def accept(self, row: Ints) -> tuple[Bools, Bools]:
        """Take one whole row a take: (B,) whether it is kept, (B,) whether the take has ended."""


class Steps:
    """Guides takes by the encoding's grammar from one step to another.

    `prompt` holds the rows already played, shape (rows, columns), the last of them at step
    `position`; no new row starts before step `begin`; takes end at the first row at or after step
    `end`, and not before (the symbols that close a piece wait until then) unless `may_end`.
    Without `end`, takes end after `most_rows` rows. A take that stands still for RESTLESS rows,
    as those of a model that has learned nothing may, has to move on, or ends a little later. `only`
    narrows columns, by index, to the symbols of a mask of shape (V,); `pitches` to the notes that a
    user asks for. `corridor` keeps takes near a density, `closing` leads them to their last chord;
    from step `ends_from` on a take may end itself. Rows that are `given` come when it is their
    time. After `longest_rest` steps without a new note there has to be one.
    """

    def __init__(
        self,
        encoding: Encoding,
        takes: int,
        prompt: Ints,
        *,
        position: int = 0,
        begin: int = 0,
        end: int | None = None,
        most_rows: int | None = None,
        may_end: bool = False,
        only: Mapping[int, Bools] | None = None,
        pitches: PitchMasks | None = None,
        corridor: Corridor | None = None,
        closing: Closing | None = None,
        ends_from: int | None = None,
        given: Given | None = None,
        longest_rest: int | None = None,
    ) -> None:
        self._encoding = encoding
        self._sizes = encoding.layout.sizes
        self._grammar = encoding.grammar()
        self._probes = probed(encoding)
        self._moved = Moves(encoding)
        self._closed = Ends(encoding)
        self._begin, self._end, self._left = begin, end, most_rows
        self._may_end = may_end
        self._may_close = [bool(closes.any()) for _, closes in self._probes]
        self._leads_on = [bool((advance > advance.min()).any()) for advance, _ in self._probes]
        # A mask that leaves everything need not be laid on.
        self._only = {k: mask for k, mask in (only or {}).items() if not mask.all()}
        self._always = [self._narrowings(column, ends_from) for column in range(len(self._sizes))]
        self._ready = self._made_ready()
        self._pitches = pitches
        self.corridor, self.closing = corridor, closing
        self._ends_from = ends_from
        self._given = given
        self._frame: Bools | None = None
        self._longest_rest = longest_rest
        self._counts = bool(corridor or closing or longest_rest)
        self._deciding = deciding(encoding) if self._counts else None
        self._rests: Bools | None = None
        self._is_settled = [self._follows(column) for column in range(len(self._sizes))]
        if longest_rest is not None and self._deciding is not None:
            moves = self._deciding.moves
            # Row n: the symbols that move on by n steps at most.
            self._rests = moves <= np.arange(moves.max() + 1)[:, None]
        self._sounded = np.full(takes, max(position, begin), dtype=np.int64)
        self.own_end = np.zeros(takes, bool)
        """(B,): which takes the model itself has ended."""
        self._over = np.zeros(takes, bool)
        self.stuck = np.zeros(takes, bool)
        self._position = np.full(takes, position, dtype=np.int64)
        self._still = np.zeros(takes, np.int64)
        self._longest_still = 0
        last = prompt[-1] if len(prompt) else np.zeros(len(self._sizes), np.int64)
        self._last = np.repeat(last[None], takes, axis=0)
        self._begun = len(prompt) > 0
        self._state = np.zeros((takes, 0), np.int64)
        if self._grammar is not None:
            state = self._grammar.start(1)
            for row in prompt:
                state = self._grammar.advance(state, row[None])
            self._state = np.repeat(state, takes, axis=0)

    @property
    def position(self) -> Ints:
        """(B,): the step that each take has reached."""
        return self._position

    def allowed(self, column: int, row: Ints) -> Bools:
        """The grammar's symbols, less those that end too early or start before `begin`."""
        mask = self.unsteered(column, row)
        if self.closing is not None and self._deciding is not None:
            near = self._near_the_close(column, row)
            if near is not None:
                self._restrict(mask, near)
        if self.corridor is not None:
            wanted = self.corridor.allowed(column, row, self._position)
            if wanted is not None:
                self._narrow(mask, wanted, row)
        return mask

    def _narrow(self, mask: Bools, wanted: Bools, row: Ints) -> None:
        """As `_restrict`, but what breaks a wall least is good enough; closes may break it."""
        assert self.corridor is not None
        assert self._deciding is not None
        if self.closing is not None:
            reached = self._position[:, None] + self._deciding.moves[None]
            lacking = (self.closing.begun < LAST_CHORD)[:, None]
            wanted = wanted | ((reached == self.closing.at) & lacking)
        narrowed = mask & wanted
        none = ~narrowed.any(axis=1)
        if none.any():
            narrowed[none] = self.corridor.nearest(mask, row, self._position)[none]
        mask[:] = narrowed

    def _near_the_close(self, column: int, row: Ints) -> Bools | None:
        """(B, V): no step past the close before something has begun at it."""
        decides, closing = self._deciding, self.closing
        assert decides is not None
        assert closing is not None
        if column != decides.column:
            return None
        position, moves = self._position[:, None], decides.moves[None]
        begins = decides.begins(row) > 0
        if decides.fixed:
            return begins | (position + 1 != closing.at)
        waiting = (closing.begun == 0)[:, None]
        before = (position < closing.at) & (position + moves <= closing.at)
        stalled = (self._still >= STALLED)[:, None]
        there = (position == closing.at) & (moves == 0) & (begins | ~stalled)
        return np.asarray(before | there | ~waiting | (position > closing.at))

    def cells_begin(self) -> Bools:
        """(B, C, V): which symbols begin notes in the next frame, of a roll."""
        found = cells_begin(self._encoding, self._last)
        assert found is not None
        return found

    def frame_mask(self) -> Bools:
        """(B, C, V) what the columns of a frame may hold, each whatever the others do."""
        row = np.zeros((len(self._last), len(self._sizes)), np.int64)
        if self._pitches is not None or self._frame is None:
            stuck = self.stuck.copy()
            masks = [self.unsteered(column, row) for column in range(len(self._sizes))]
            self.stuck[:] = stuck
            self._frame = np.stack(masks, axis=1)
        return self._frame

    def _narrowings(self, column: int, ends_from: int | None) -> tuple[Bools, ...]:
        """What narrows a column whatever came before, each (V,), and first all of it at once."""
        found = [self._only[column]] if column in self._only else []
        if not self._may_end and self._may_close[column] and ends_from is None:
            found.append(~self._probes[column][1])
        return (np.logical_and.reduce(found), *found) if found else ()

    def _follows(self, column: int) -> bool:
        """Whether what a column may hold follows from the rows before alone, and not from where
        the takes are, but for the two cases that `unsteered` asks about."""
        is_late = self._ends_from is not None and not self._may_end and self._may_close[column]
        rests = self._deciding is not None and column == self._deciding.column
        rests = rests and self._longest_rest is not None
        return self._pitches is None and not is_late and not rests

    def _made_ready(self) -> list[tuple[Bools, Bools | None]]:
        """Of a grammar that has a table of masks for each column: those, narrowed already, (M, V),
        and which of them let through what they should not, (M,), if there are any."""
        if not isinstance(self._grammar, CompoundGrammar):
            return []
        ready = []
        for column, always in enumerate(self._always):
            masks, lacks = self._grammar.masks(column), None
            if always:
                masks, lacks = narrowed(masks, always)
            ready.append((masks, lacks))
        return ready

    def _by_grammar(self, column: int, row: Ints) -> Bools:
        """What may come but for what depends on where the takes are."""
        grammar, always = self._grammar, self._always[column]
        if isinstance(grammar, CompoundGrammar):
            masks, lacks = self._ready[column]
            which = grammar.which(column, row, self._state)
            if lacks is not None:
                lack = lacks.take(which)
                if np.count_nonzero(lack):
                    self.stuck |= lack
            return masks.take(which, axis=0)
        if grammar is not None:
            mask = grammar.allowed(column, row[:, :column], self._state)
        else:
            mask = np.ones((len(row), self._sizes[column]), bool)
        if always:
            mask, lacks = narrowed(mask, always)
            if lacks is not None:
                self.stuck |= lacks
        return mask

    def unsteered(self, column: int, row: Ints) -> Bools:
        """What may come but for the density and the close."""
        mask = self._by_grammar(column, row)
        if self._is_settled[column] and not self._begin and self._longest_still < RESTLESS:
            return mask
        advance, closes = self._probes[column]
        if self._ends_from is not None and not self._may_end and self._may_close[column]:
            late = self._position >= self._ends_from
            self._restrict(mask, ~closes[None] | late[:, None])
        if self._longest_still >= RESTLESS and (advance > 0).any():
            restless = self._still >= RESTLESS
            self._restrict(mask, (advance > 0)[None] | ~restless[:, None])
        if self._begin and self._leads_on[column]:
            late = self._position[:, None] + advance[None] >= self._begin
            # Where nothing reaches that far, the longest way on comes closest.
            late |= ~late.any(axis=1, keepdims=True) & (advance == advance.max())[None]
            self._restrict(mask, late)
        if self._rests is not None:
            self._keep_rests_short(mask, column)
        if self._pitches is not None:
            self._restrict(mask, self._in_harmony(column, row))
        return mask

    def _keep_rests_short(self, mask: Bools, column: int) -> None:
        assert self._rests is not None
        assert self._longest_rest is not None
        assert self._deciding is not None
        if column != self._deciding.column:
            return
        rested = self._position - self._sounded
        if self._longest_rest - rested.item(rested.argmax()) < len(self._rests) - 1:
            left = self._longest_rest - rested
            self._restrict(mask, self._rests.take(left, axis=0, mode="clip"))

    def _restrict(self, mask: Bools, to: Bools) -> None:
        """Take away what is not in `to`, in place, from takes that keep something to choose."""
        lacks = restricted(mask, to)
        if lacks is not None:
            self.stuck |= lacks

    def _in_harmony(self, column: int, row: Ints) -> Bools:
        assert self._pitches is not None
        reached = self._position.copy()
        for k in range(column):
            reached += self._probes[k][0][row[:, k]]
        position = reached[:, None] + self._probes[column][0][None]
        asked = self._pitches.allowed(column, row, self._last, position)
        return np.ones((len(row), self._sizes[column]), bool) if asked is None else asked

    def settle(self, row: Ints) -> Ints:
        """The row itself, or a given one that comes before it."""
        return row if self._given is None else self._given.settle(row, self._position)

    def accept(self, row: Ints) -> tuple[Bools, Bools]:
        """Move each take on to its row."""
        if self._begun:
            moved = self._moved(self._last, row)
        else:
            alone = [self._encoding.positions(each[None])[0] for each in row.astype(np.uint16)]
            moved = np.array(alone, np.int64) - self._position
        self._position = self._position + moved
        if self._begin and (self._position >= self._begin).all():
            self._begin = 0  # nothing goes back
        self._still = (self._still + _ONE) * (moved <= _ZERO)
        # No take can have stood still for longer than there were rows since it was looked.
        self._longest_still += 1
        if self._longest_still >= RESTLESS:
            self._longest_still = int(self._still.max())
        if self._counts:
            self._counted(row)
        self._begun = True
        self._last = row.copy()
        if self._grammar is not None:
            self._state = self._grammar.advance(self._state, row)
        ended = self._ends(row)
        if self._longest_still >= STANDSTILL:
            ended = ended | (self._still >= STANDSTILL)
        if self._end is not None:
            ended = ended | (self._position >= self._end)
        if np.count_nonzero(ended):
            self._over |= ended
        kept = ~ended
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                ended = np.ones_like(ended)
        return kept, ended

    def _ends(self, row: Ints) -> Bools:
        """(B,): which takes end themselves with their row."""
        ended = self._closed(row)
        if np.count_nonzero(ended):
            self.own_end |= ended & ~self._over
        return ended

    def _counted(self, row: Ints) -> None:
        """Take note of what has begun."""
        if self._deciding is not None:
            begun = self._deciding.begun(row)
        else:
            cells = cells_begin(self._encoding, self._last)
            begun = np.zeros(len(row), np.int64)
            if cells is not None:
                begun = np.take_along_axis(cells, row[..., None], axis=2)[..., 0].sum(axis=1)
        self._sounded = np.where(begun > _ZERO, self._position, self._sounded)
        if self.corridor is not None:
            self.corridor.accept(begun, self._position)
        if self.closing is not None:
            self.closing.accept(row, begun, self._position)


def only_known(
    encoding: Encoding, used: Sequence[Sequence[int]], header: Mapping[str, Any]
) -> dict[int, Bools]:
    """Masks for `Steps`: symbols that training used, and tracks that the header names.

    Bar lines are given, never drawn.

    `used[k]` lists the symbols of column k that occur in training: about the others a model knows
    nothing, and a small one would still draw them now and then.
    """
    masks: dict[int, Bools] = {}
    for k, column in enumerate(encoding.layout.columns):
        masks[k] = np.isin(np.arange(column.size), used[k])
        if column.name == "track" and header.get("tracks"):
            slots = [int(track[0]) for track in header["tracks"]]
            masks[k] = np.isin(np.arange(column.size), slots)
    return without(encoding, masks, "bar")


def without(encoding: Encoding, masks: Mapping[int, Bools], *blocks: str) -> dict[int, Bools]:
    """Masks for `Steps` that let no symbol of these blocks be drawn."""
    narrowed = dict(masks)
    for k, column in enumerate(encoding.layout.columns):
        for block in column.blocks:
            if block.name in blocks:
                first = column.offset(block.name)
                narrowed[k] = narrowed[k].copy()
                narrowed[k][first : first + block.size] = False
    return narrowed
