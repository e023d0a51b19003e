"""What holds for every encoding; its own test says what the encoding itself keeps."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import ENCODINGS, Encoding, from_state, get, options_of
from segue.errors import DataError, RecipeError
from segue.score import NOTE, Score, Track, events
from strategies import scores

VARIANTS = [
    ("note_chord", {}),
    ("note_chord", {"octaves": True}),
    ("note_chord", {"rhythm": True}),
    ("note_chord", {"rhythm": True, "octaves": True}),
    ("compound", {}),
    ("compound", {"steps_per_beat": 4, "max_tracks": 3, "velocity_bins": 1}),
    ("compound", {"steps_per_beat": 5, "max_tracks": 1, "drums": False, "longest_step": 3}),
    ("compound", {"pedal": "rows", "tempo": "rows"}),
    ("compound", {"unit": "seconds"}),
    ("compound", {"unit": "seconds", "pedal": "rows", "max_tracks": 2}),
    ("compound", {"pedal": "shared", "tempo": "rows", "about": True, "bars": True, "ahead": 48}),
    ("nes_events", {}),
    ("nes_events", {"levels": True, "end": True}),
    ("nes_events", {"split": True}),
    ("nes_events", {"split": True, "levels": True}),
    ("performance", {}),
    ("performance", {"pedal": "rows", "marks": True}),
    ("piano_roll", {}),
    ("piano_roll", {"unit": "beats", "cells": "both", "pedal": "drop"}),
    ("piano_roll", {"cells": "onsets", "lowest": 36, "highest": 96, "longest": 100}),
    ("piano_roll", {"unit": "beats", "cells": "both", "velocity_bins": 32}),
    ("melody", {}),
    ("melody", {"steps_per_beat": 12, "line": "all", "lowest": 36, "highest": 96}),
    ("velocity_image", {}),
    ("velocity_image", {"size": "256"}),
    ("velocity_image", {"row_beats": 0.25}),
    ("note_time", {}),
    ("note_time", {"pedal": "rows"}),
    ("abc_text", {}),
    ("abc_text", {"level": "char"}),
]
# Their notes are read as chords once more, which may join or cut what stood apart in the piece.
SETTLES_LATER = [v for v in VARIANTS if v[0] == "note_chord" and v[1]]

few = settings(max_examples=25)
every = pytest.mark.parametrize(
    ("name", "options"), VARIANTS, ids=[f"{n}{list(o.values())}" for n, o in VARIANTS]
)

TRIAD = Score(
    480,
    events(NOTE, [(0, 480, 0, 60, 80), (0, 480, 0, 64, 80), (480, 480, 0, 67, 90)]),
    (Track("Piano"),),
)


def test_every_encoding_of_the_table_is_tested():
    assert {name for name, _ in VARIANTS} == set(ENCODINGS)


@every
def test_it_has_all_parts_of_an_encoding(name, options):
    encoding = get(name, **options)
    assert isinstance(encoding, Encoding)
    assert encoding.name == name
    assert encoding.keeps
    assert encoding.loses
    assert (encoding.step_beats is None) != (encoding.step_seconds is None)


@every
def test_rows_have_the_shape_and_symbols_of_the_layout(name, options):
    encoding = get(name, **options)
    rows = encoding.encode(TRIAD).rows
    assert rows.dtype == np.uint16
    assert rows.shape[1] == len(encoding.layout.columns)
    assert (rows.max(axis=0) < encoding.layout.sizes).all()


@every
def test_the_layout_gives_each_block_its_place(name, options):
    for column in get(name, **options).layout.columns:
        offsets = [column.offset(block.name) for block in column.blocks]
        sizes = [block.size for block in column.blocks]
        assert offsets == [sum(sizes[:i]) for i in range(len(sizes))]
        assert column.size == sum(sizes)


@every
def test_its_state_makes_it_again(name, options):
    encoding = get(name, **options)
    assert from_state(json.loads(json.dumps(encoding.state()))) == encoding
    assert pickle.loads(pickle.dumps(encoding)) == encoding
    rows = encoding.encode(TRIAD).rows
    counts = [
        np.bincount(rows[:, k], minlength=size) for k, size in enumerate(encoding.layout.sizes)
    ]
    fitted = encoding.fit(counts)
    again = from_state(json.loads(json.dumps(fitted.state())))
    assert again == fitted
    assert again.layout == fitted.layout
    assert np.array_equal(again.adapt(rows), fitted.adapt(rows))


@every
def test_a_fitted_encoding_decodes_what_it_adapts(name, options):
    encoding = get(name, **options)
    encoded = encoding.encode(TRIAD)
    counts = [
        np.bincount(encoded.rows[:, k], minlength=size)
        for k, size in enumerate(encoding.layout.sizes)
    ]
    fitted = encoding.fit(counts)
    rows = fitted.adapt(encoded.rows)
    assert (rows.max(axis=0) < fitted.layout.sizes).all()
    assert fitted.decode(rows, encoded.header) == encoding.decode(encoded.rows, encoded.header)


@every
def test_headers_are_json(name, options):
    header = get(name, **options).encode(TRIAD).header
    assert json.loads(json.dumps(header)) == header


@every
def test_a_piece_opens_as_the_encoding_says_and_ends_once(name, options):
    encoding = get(name, **options)
    rows = encoding.encode(TRIAD).rows
    opening = encoding.opening()
    assert np.array_equal(rows[: len(opening)], opening)
    ends = np.flatnonzero(encoding.ends(rows))
    assert ends.tolist() in ([], [len(rows) - 1])


@every
def test_nothing_is_a_piece_too(name, options):
    encoding = get(name, **options)
    for silent in (Score(480), Score(480, tracks=(Track(),))):
        encoded = encoding.encode(silent)
        assert len(encoding.decode(encoded.rows, encoded.header)) == 0
    assert len(encoding.decode(np.zeros((0, len(encoding.layout.columns)), np.uint16))) == 0


@every
def test_rows_of_another_shape_or_beyond_the_vocabulary_are_refused(name, options):
    encoding = get(name, **options)
    width = len(encoding.layout.columns)
    with pytest.raises(ValueError, match="shape"):
        encoding.decode(np.zeros((3, width + 1), np.uint16))
    with pytest.raises(ValueError, match="is allowed"):
        encoding.decode(np.full((3, width), encoding.layout.sizes[0], np.int64))


@every
@few
@given(score=scores())
def test_reading_again_gives_the_same_rows(name, options, score):
    encoding = get(name, **options)
    last = encoding.encode(score)
    for _ in range(5 if (name, options) in SETTLES_LATER else 1):
        before, last = last, encoding.encode(encoding.decode(last.rows, last.header))
    assert np.array_equal(before.rows, last.rows)
    assert before.header == last.header


@every
@few
@given(score=scores())
def test_decoded_music_is_tidy(name, options, score):
    encoding = get(name, **options)
    encoded = encoding.encode(score)
    notes = encoding.decode(encoded.rows, encoded.header).notes
    assert (notes["duration"] > 0).all()
    order = np.lexsort((notes["onset"], notes["pitch"], notes["track"]))
    notes = notes[order]
    same = (notes["track"][1:] == notes["track"][:-1]) & (notes["pitch"][1:] == notes["pitch"][:-1])
    assert (notes["onset"][1:] >= notes["onset"][:-1] + notes["duration"][:-1])[same].all()


@every
@few
@given(score=scores())
def test_positions_rise(name, options, score):
    encoding = get(name, **options)
    positions = encoding.positions(encoding.encode(score).rows)
    assert positions.dtype == np.int64
    assert (np.diff(positions) >= 0).all()


@every
@few
@given(score=scores())
def test_any_two_rows_tell_the_step_between_them(name, options, score):
    encoding = get(name, **options)
    rows = encoding.encode(score).rows
    steps = [int(np.diff(encoding.positions(rows[i : i + 2]))[0]) for i in range(len(rows) - 1)]
    assert steps == np.diff(encoding.positions(rows)).tolist()


@every
@few
@given(data=st.data())
def test_random_rows_decode_or_are_refused(name, options, data):
    encoding = get(name, **options)
    seed = data.draw(st.integers(0, 2**32 - 1))
    sizes = encoding.layout.sizes
    rows = np.random.default_rng(seed).integers(0, sizes, (30, len(sizes)))
    try:
        score = encoding.decode(rows.astype(np.uint16))
    except ValueError:
        return
    assert isinstance(score, Score)
    encoding.positions(rows.astype(np.uint16))
    encoding.ends(rows.astype(np.uint16))


@every
@few
@given(score=scores())
def test_the_grammar_allows_what_is_written(name, options, score):
    encoding = get(name, **options)
    grammar = encoding.grammar()
    if grammar is None:
        return
    state = grammar.start(1)
    for row in encoding.encode(score).rows[:, None]:
        for column, symbol in enumerate(row[0]):
            assert grammar.allowed(column, row[:, :column].astype(np.int64), state)[0, symbol]
        state = grammar.advance(state, row)


@every
def test_rows_that_follow_the_grammar_are_music(name, options):
    encoding = get(name, **options)
    grammar = encoding.grammar()
    if grammar is None:
        return
    rng = np.random.default_rng(0)
    batch, state, made = 16, grammar.start(16), []
    for _ in range(40):
        row = np.zeros((batch, 0), np.int64)
        for column, size in enumerate(encoding.layout.sizes):
            allowed = grammar.allowed(column, row, state)
            assert allowed.shape == (batch, size)
            assert allowed.any(axis=1).all()
            row = np.append(row, (rng.random((batch, size)) * allowed).argmax(1)[:, None], axis=1)
        state = grammar.advance(state, row)
        made.append(row)
    pieces = np.stack(made, axis=1).astype(np.uint16)
    assert sum(len(encoding.decode(piece)) for piece in pieces) > 0
    for piece in pieces:
        assert np.array_equal(piece[: len(encoding.opening())], encoding.opening())


# -- the table of encodings ------------------------------------------------------------------


def test_an_unknown_encoding_gets_a_suggestion():
    with pytest.raises(RecipeError, match="did you mean 'compound'"):
        get("compund")


def test_an_unknown_option_gets_a_suggestion():
    with pytest.raises(RecipeError, match="did you mean 'max_tracks'"):
        get("compound", max_track=3)


def test_options_are_listed_with_their_defaults():
    assert options_of("note_chord") == {"octaves": False, "rhythm": False}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("compound", {"unit": "bars"}, "'beats' or 'seconds'"),
        ("compound", {"steps_per_beat": 0}, "from 1 to 96"),
        ("compound", {"steps_per_beat": 4.0}, "from 1 to 96"),
        ("compound", {"velocity_bins": True}, "from 1 to 128"),
        ("compound", {"drums": 1}, "true or false"),
        ("compound", {"programs": [200]}, "0 to 127"),
        ("compound", {"unit": "seconds", "tempo": "rows"}, "'header'"),
        ("note_chord", {"octaves": "yes"}, "true or false"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name, options, message):
    with pytest.raises(RecipeError, match=message):
        get(name, **options)


def test_a_silence_of_years_is_refused():
    far = Score(1, events(NOTE, [(2**37, 1, 0, 60, 80)]), (Track(),))
    with pytest.raises(DataError, match="silence"):
        get("compound").encode(far)
