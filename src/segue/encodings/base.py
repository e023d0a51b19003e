"""What every encoding offers: a reversible map between a Score and rows of small integers.

A piece becomes an array of shape (rows, columns): one row a step of the model, one column an
attribute with a vocabulary of its own. What a row cannot hold but the way back needs (tempo,
metre, programs, track names) travels beside it in a small JSON header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segue.score import Score

Rows = NDArray[np.uint16]


@dataclass(frozen=True)
class Block:
    """A run of symbols in a column with one meaning, such as the 128 pitches."""

    name: str
    size: int


@dataclass(frozen=True)
class Column:
    """One attribute of a row: its name and the blocks its vocabulary is laid out in."""

    name: str
    blocks: tuple[Block, ...]

    @cached_property
    def size(self) -> int:
        """How many symbols the column can hold."""
        return sum(block.size for block in self.blocks)

    def offset(self, block: str) -> int:
        """The first symbol of a block, derived from the sizes of those before it."""
        first = 0
        for each in self.blocks:
            if each.name == block:
                return first
            first += each.size
        raise ValueError(f"column {self.name!r} has no block {block!r}.")


@dataclass(frozen=True)
class Layout:
    """The columns of a row, in the order a model predicts them."""

    columns: tuple[Column, ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The vocabulary size of each column."""
        return tuple(column.size for column in self.columns)

    def index(self, name: str) -> int:
        """The position of a column by name."""
        return [column.name for column in self.columns].index(name)


@dataclass(frozen=True)
class Encoded:
    """A piece as rows, shape (rows, columns), and the header that the way back needs."""

    rows: Rows
    header: dict[str, Any] = field(default_factory=dict)


class Grammar(Protocol):
    """Which symbols may come next, for a batch of pieces that are generated side by side.

    The state is an array of shape (batch, n) that `start` makes and `advance` replaces; it
    belongs to the grammar, and a generator only carries it (and copies it to fork a piece).
    """

    def start(self, batch: int) -> NDArray[np.int64]:
        """The state before the first row."""

    def allowed(
        self, column: int, chosen: NDArray[np.int64], state: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Shape (batch, size of `column`): what that column may hold, at least one symbol each.

        `chosen`, shape (batch, column), holds the symbols of this row's columns before it.
        """

    def advance(
        self, state: NDArray[np.int64], rows: NDArray[np.integer[Any]]
    ) -> NDArray[np.int64]:
        """The state after one more row a piece, `rows` of shape (batch, columns)."""


@runtime_checkable
class Encoding(Protocol):
    """A reversible map between a Score and rows.

    `decode(encode(score))` gives back what `keeps` lists, to the resolution it states; `loses`
    lists the rest. Instances are immutable and cheap to pickle, so that workers can hold one.
    """

    @property
    def name(self) -> str:
        """The word for it in recipes and on the command line."""

    @property
    def keeps(self) -> tuple[str, ...]:
        """What `decode(encode(score))` gives back, and to what resolution."""

    @property
    def loses(self) -> tuple[str, ...]:
        """What it cannot give back."""

    @property
    def timed(self) -> bool:
        """Whether `positions` are moments of the music; if not they only count rows."""

    @property
    def step_beats(self) -> float | None:
        """The length of a step of `positions` in beats; None if steps are seconds."""

    @property
    def step_seconds(self) -> float | None:
        """The length of a step of `positions` in seconds; None if steps are beats."""

    @property
    def layout(self) -> Layout:
        """Columns and vocabulary sizes; final once `fit` has been called."""

    def encode(self, score: Score) -> Encoded:
        """A Score as rows in the vocabulary of `layout`.

        That is the whole universe before `fit` and the fitted one after: these rows need no
        `adapt`.
        """

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """Rows as a Score; without a header, the encoding's default tempo, metre and programs."""

    def fit(self, counts: Sequence[NDArray[np.int64]]) -> Encoding:
        """The encoding with its vocabulary closed over what a corpus uses.

        `counts[k][s]` is how often symbol s of the unfitted layout occurs in column k. Encodings
        with a fixed vocabulary return themselves.
        """

    def adapt(self, rows: Rows) -> Rows:
        """Rows of the unfitted universe as rows of the fitted vocabulary (a table look-up)."""

    def state(self) -> dict[str, Any]:
        """Everything `from_state` needs to make the same encoding again, as JSON values."""

    def opening(self) -> Rows:
        """The rows that open every piece and that a generator gives, not draws; may be none."""

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Shape (rows,): whether a row closes the piece."""

    def positions(self, rows: Rows) -> NDArray[np.int64]:
        """Shape (rows,): the step at which each row's music starts, counted from the start of the
        piece or, of a part of its rows, from the last music before them."""

    def grammar(self) -> Grammar | None:
        """What may follow what; None where every symbol may follow every other."""


class Closed:
    """The part of an `Encoding` whose vocabulary is fixed and whose rows all may follow another."""

    def fit(self, counts: Sequence[NDArray[np.int64]]) -> Self:
        """The encoding itself: its vocabulary does not depend on a corpus."""
        return self

    def adapt(self, rows: Rows) -> Rows:
        """The rows themselves."""
        return rows

    def grammar(self) -> Grammar | None:
        """None: every symbol may follow every other."""
        return None


def checked(rows: NDArray[Any], layout: Layout, name: str) -> NDArray[np.int64]:
    """`rows` as int64; ValueError unless they have the columns and symbols of `layout`."""
    values = np.asarray(rows)
    if values.ndim != 2 or values.shape[1] != len(layout.columns):
        raise ValueError(
            f"{name} rows have shape (rows, {len(layout.columns)}); these have {values.shape}."
        )
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name} rows are integers; these are {values.dtype}.")
    values = values.astype(np.int64)
    if len(values):
        low, high = values.min(axis=0), values.max(axis=0)
        wrong = np.flatnonzero((low < 0) | (high >= layout.sizes))
        if len(wrong):
            k, column = int(wrong[0]), layout.columns[wrong[0]]
            raise ValueError(
                f"{name} column {column.name!r} holds symbols {low[k]} to {high[k]}; "
                f"0 to {column.size - 1} is allowed."
            )
    return values
