"""ABC notation as text, one character or one word a row.

The representation of S3's ABC examples and of Choi's text LSTMs, which read characters or words
between a START and an END. It is the tune alone that is written, in the narrow ABC of
`abc_words`, not a file's own layout: the same tune is always the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.encodings.abc_read import read
from segue.encodings.abc_words import (
    FOLLOWS,
    LONGEST,
    STEPS_PER_BEAT,
    UNIT,
    alphabet,
    blocks,
    vocabulary,
)
from segue.encodings.abc_write import words
from segue.encodings.base import Block, Closed, Column, Encoded, Grammar, Layout, Rows, checked
from segue.encodings.header import first_pitched
from segue.encodings.kinds import KindGrammar
from segue.encodings.marks import MarkGrammar
from segue.encodings.options import choice
from segue.score import Score

Ints = NDArray[np.int64]

_BAR_STEPS = 4 * STEPS_PER_BEAT


@dataclass(frozen=True)
class AbcText(Closed):
    """A tune as ABC in one column: words with `level` "token", characters with "char".

    Words are metre, key, note, rest, chord brackets, length, tie, bar line and change of metre;
    inside a chord a note is a symbol of its own kind, spelled alike.
    """

    level: str = "token"

    name = "abc_text"
    timed = False
    step_seconds = None
    step_beats = 1 / STEPS_PER_BEAT

    keeps = (
        "pitch, onset and length of the first pitched track to 1/12 of a beat, as one line",
        "bar lines and metre, first key",
        "first tempo, name and program (header)",
    )
    loses = (
        "other tracks and overlapping notes",
        "velocity",
        "changes of key and tempo",
        "pedal, controllers, pitch bends and texts",
        "in ABC files: titles, chord symbols, repeat signs and ornaments",
    )

    def __post_init__(self) -> None:
        choice(self, "level", ("token", "char"))

    # -- layout ------------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        """One column: kinds of words, or START, END and the characters."""
        if self.level == "token":
            return Layout((Column("word", blocks()),))
        marks = (Block("start", 1), Block("end", 1))
        return Layout((Column("character", (*marks, Block("text", len(alphabet())))),))

    def names(self) -> list[str]:
        """What each symbol says; START and END say nothing."""
        if self.level == "token":
            return [word for _, kind in vocabulary() for word in kind]
        return ["", "", *alphabet()]

    @cached_property
    def _symbols(self) -> dict[tuple[str, str], int]:
        places = [(kind, word) for kind, each in vocabulary() for word in each]
        return {place: symbol for symbol, place in enumerate(places)}

    @property
    def _start(self) -> int:
        return self.layout.columns[0].offset("start")

    @property
    def _end(self) -> int:
        return self.layout.columns[0].offset("end")

    # -- the two ways ------------------------------------------------------------------------

    def encode(self, score: Score) -> Encoded:
        """The tune's text between START and END; DataError for one of thousands of pages."""
        found = words(score)
        if self.level == "token":
            symbols = [self._symbols[word] for word in found]
        else:
            character = {c: symbol for symbol, c in enumerate(alphabet(), 2)}
            symbols = [character[c] for _, word in found for c in word]
        rows = np.array([self._start, *symbols, self._end], np.uint16)[:, None]
        track = first_pitched(score)
        tempo = int(score.tempi["microseconds"][0]) if len(score.tempi) else 500_000
        header = {"microseconds": tempo, "track": [track.name, track.program]}
        return Encoded(rows, header)

    def decode(self, rows: Rows, header: Mapping[str, Any] | None = None) -> Score:
        """The tune that the rows' text says, up to END."""
        header = header or {}
        name, program = header.get("track", ("", 0))
        tempo = int(header.get("microseconds", 500_000))
        return read(self._music(rows), tempo, str(name), int(program))

    def text(self, rows: Rows) -> str:
        """The rows as a whole ABC tune, for a file."""
        return f"X:1\nL:1/8\n{self._music(rows)}\n"

    def _music(self, rows: Rows) -> str:
        symbols = checked(rows, self.layout, self.name)[:, 0]
        ends = np.flatnonzero(symbols == self._end)
        names = self.names()
        return "".join(names[s] for s in (symbols[: ends[0]] if len(ends) else symbols).tolist())

    # -- generation --------------------------------------------------------------------------

    def opening(self) -> Rows:
        """START."""
        return np.full((1, 1), self._start, np.uint16)

    def ends(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether a row is END."""
        return np.asarray(rows[:, 0] == self._end)

    def positions(self, rows: Rows) -> Ints:
        """The step at which each word's note starts; of characters, a bar of 4/4 each bar line."""
        symbols = checked(rows, self.layout, self.name)[:, 0]
        if self.level == "char":
            return np.cumsum(symbols == 2 + alphabet().index("|")) * _BAR_STEPS
        # A word's note is over when the next word comes, unless that word is its length.
        before = np.append(0, self._lasts[symbols[:-1]])[: len(symbols)]
        first = self.layout.columns[0].offset("length")
        sized = (symbols >= first) & (symbols < first + LONGEST - 1)
        return np.cumsum(np.where(sized, 0, before))

    @cached_property
    def _lasts(self) -> Ints:
        """Shape (words,): the steps that a note, rest or chord lasts, or that a length says."""
        unit = {"note": UNIT, "rest": UNIT, "close": UNIT}
        lengths = [n for n in range(1, LONGEST + 1) if n != UNIT]
        return np.array(
            [
                steps
                for kind, each in vocabulary()
                for steps in (lengths if kind == "length" else [unit.get(kind, 0)] * len(each))
            ]
        )

    def grammar(self) -> Grammar:
        """Of words: metre, key, then music in its order; of characters: START first."""
        if self.level == "char":
            return MarkGrammar(self.layout.sizes, self._start)
        return KindGrammar(self.layout.columns[0], FOLLOWS)

    def state(self) -> dict[str, Any]:
        """The options."""
        return {"name": self.name, "options": {"level": self.level}}
