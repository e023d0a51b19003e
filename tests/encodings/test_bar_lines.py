"""Bar lines among the rows."""

import numpy as np
import pytest

from segue.encodings import bar_lines, get
from segue.encodings.compound import REST, STEP
from segue.errors import DataError, RecipeError
from segue.score import METRE, NOTE, Score, Track, events


def piece(notes, metres=()):
    rows = [(onset, 90, 0, 60, 80) for onset in notes]
    return Score(96, events(NOTE, rows), (Track("Piano"),), metres=events(METRE, metres))


def bars_of(score, **options):
    encoding = get("compound", bars=True, **options)
    encoded = encoding.encode(score)
    rows = encoded.rows.astype(np.int64)
    is_bar = (rows[:, 0] >= STEP) & (rows[:, 2] < bar_lines.SIZE)
    at = encoding.positions(encoded.rows)
    assert encoding.decode(encoded.rows, encoded.header).onset_beats().tolist() == (
        score.onset_beats().tolist()
    )
    return list(zip(at[is_bar].tolist(), rows[is_bar, 2].tolist(), strict=True))


def test_each_bar_begins_with_its_metre():
    waltz = piece([0, 288, 504], [(0, 3, 4), (576, 6, 8)])
    assert bars_of(waltz) == [(0, 1), (36, 1)]
    assert bars_of(piece([0, 600], [(0, 3, 4), (576, 6, 8)])) == [(0, 1), (36, 1), (72, 3)]
    assert bars_of(piece([0, 384])) == [(0, 2), (48, 2)]
    assert bars_of(piece([0], [(0, 7, 16)])) == [(0, bar_lines.OTHER)]


def test_a_metre_that_begins_late_follows_common_time():
    assert bars_of(piece([0, 800], [(384, 3, 4)])) == [(0, 2), (48, 1), (84, 1)]


def test_a_bar_line_stands_in_for_a_rest():
    encoding = get("compound", bars=True)
    rows = encoding.encode(piece([0, 96 * 17])).rows
    assert REST not in rows[:, 0]
    assert len(rows) == 2 + 2 + 5


def test_a_silence_of_months_is_refused():
    with pytest.raises(DataError, match="steps of silence"):
        get("compound", bars=True).encode(piece([0, 96 * 1_000_000]))


def test_seconds_have_no_bar_lines():
    with pytest.raises(RecipeError, match="bars = True; false with steps of seconds"):
        get("compound", bars=True, unit="seconds")


def test_the_grammar_lets_one_open_a_step_and_no_second():
    encoding = get("compound", bars=True)
    grammar = encoding.grammar()
    state = grammar.advance(grammar.start(1), np.zeros((1, 5), np.int64))
    row = np.array([[STEP, 0, 2, 0, 0]])
    assert grammar.allowed(2, row[:, :2], state)[0, 2]
    state = grammar.advance(state, row)
    allowed = grammar.allowed(2, row[:, :2], state)[0]
    assert not allowed[: bar_lines.SIZE].any()
    assert allowed[bar_lines.SIZE :].all()
