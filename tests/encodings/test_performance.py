import numpy as np
import pytest
from hypothesis import given, settings

from segue.encodings import get
from segue.score import CONTROL, NOTE, Score, Track, events, sustain
from strategies import piano, scores

# Symbols: 128 note-ons, 128 note-offs, 100 shifts of 10 ms, 32 velocities, and what options add.
ON, OFF, SHIFT, VELOCITY, PEDAL = 0, 128, 256, 356, 388


def piece(*notes, **fields):
    """Piano at 100 ticks a second from (onset, duration, pitch, velocity)."""
    rows = [(onset, length, 0, pitch, velocity) for onset, length, pitch, velocity in notes]
    return Score(50, events(NOTE, rows), (Track("Piano"),), **fields)


def symbols(encoding, score):
    return encoding.encode(score).rows[:, 0].tolist()


def shift(hundredths):
    return SHIFT + hundredths - 1


def test_there_are_388_symbols_and_more_with_options():
    assert get("performance").layout.sizes == (388,)
    assert get("performance", pedal="rows").layout.sizes == (390,)
    assert get("performance", pedal="rows", marks=True).layout.sizes == (392,)


def test_a_chord_and_a_note_that_follows():
    score = piece((0, 50, 60, 80), (0, 50, 64, 80), (50, 120, 67, 100))
    assert symbols(get("performance"), score) == [
        VELOCITY + 20,  # 80 of 128 is bin 20 of 32
        ON + 60,
        ON + 64,  # as loud as the last, so without a velocity
        shift(50),
        OFF + 60,
        OFF + 64,
        VELOCITY + 25,
        ON + 67,
        shift(100),  # 1.2 seconds are a whole one and a fifth
        shift(20),
        OFF + 67,
    ]


def test_windows_are_transposed_and_stay_on_the_keyboard():
    encoding = get("performance", marks=True)
    rows = encoding.encode(piece((0, 50, 60, 80), (0, 50, 120, 100))).rows
    moved = encoding.transpose(np.stack([rows] * 3), np.array([0, -7, 12]))
    assert moved.dtype == rows.dtype
    notes = [encoding.decode(window).notes for window in moved]
    assert [n["pitch"].tolist() for n in notes] == [[60, 120], [53, 113], [67, 127]]
    assert [n["velocity"].tolist() for n in notes] == [notes[0]["velocity"].tolist()] * 3


def test_a_key_struck_again_is_let_go_first():
    score = piece((0, 100, 60, 80), (50, 100, 60, 80))
    encoding = get("performance")
    assert symbols(encoding, score) == [
        VELOCITY + 20, ON + 60, shift(50), OFF + 60, ON + 60, shift(100), OFF + 60
    ]  # fmt: skip


def test_a_performance_comes_back():
    score = piece((30, 50, 60, 82), (30, 45, 64, 82), (80, 333, 60, 6))
    encoding = get("performance")
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.onset_seconds() == pytest.approx([0.3, 0.3, 0.8], abs=0.005)
    assert back.duration_seconds() == pytest.approx([0.5, 0.45, 3.33], abs=0.01)
    assert back.notes["velocity"].tolist() == [82, 82, 6]
    assert back.tracks == (Track("Piano"),)


def test_the_pedal_holds_notes_or_has_events_of_its_own():
    pedal = events(CONTROL, [(10, 0, 64, 127), (90, 0, 64, 0)])
    score = piece((0, 50, 60, 80), controls=pedal)
    assert symbols(get("performance"), score)[-2:] == [shift(90), OFF + 60]
    encoding = get("performance", pedal="rows")
    assert symbols(encoding, score)[2:] == [
        shift(10), PEDAL + 1, shift(40), OFF + 60, shift(40), PEDAL + 0
    ]  # fmt: skip
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.controls["value"].tolist() == [127, 0]
    assert symbols(get("performance", pedal="drop"), score)[-2:] == [shift(50), OFF + 60]


def test_marks_open_and_close_a_piece():
    encoding = get("performance", marks=True)
    rows = encoding.encode(piece((0, 50, 60, 80))).rows
    assert (rows[0, 0], rows[-1, 0]) == (388, 389)
    assert np.array_equal(encoding.opening(), rows[:1])
    assert encoding.decode(np.concatenate([rows, rows])) == encoding.decode(rows)


def test_without_marks_a_performance_has_no_opening():
    encoding = get("performance")
    assert encoding.opening().shape == (0, 1)
    assert encoding.grammar().allowed(0, np.zeros((1, 0), np.int64), encoding.grammar().start(1))[
        0, ON
    ]


def test_only_what_sounds_is_let_go():
    grammar = get("performance", marks=True).grammar()
    state = grammar.start(2)
    for rows in ((388, 388), (ON + 60, ON + 64), (shift(30), shift(30)), (ON + 67, OFF + 64)):
        state = grammar.advance(state, np.array(rows)[:, None])
    mask = grammar.allowed(0, np.zeros((2, 0), np.int64), state)
    assert np.flatnonzero(mask[0, OFF : OFF + 128]).tolist() == [60, 67]
    assert not mask[1, OFF : OFF + 128].any(), "64 was let go"
    assert mask[:, ON : ON + 128].all()
    assert not mask[:, 388].any(), "START comes but once"


def test_a_note_without_velocity_plays_in_the_middle_and_one_never_let_go_to_the_end():
    rows = np.array([[ON + 60], [shift(30)], [VELOCITY + 31], [shift(20)]], np.uint16)
    notes = get("performance").decode(rows)
    assert notes.duration_seconds() == pytest.approx([0.5], abs=0.002)
    assert notes.notes["velocity"].tolist() == [64]


def test_notes_are_let_go_in_time():
    encoding = get("performance", longest=1)
    score = piece((0, 150, 60, 80), (0, 50, 64, 80), (20, 300, 67, 80))
    back = encoding.decode(encoding.encode(score).rows)
    assert back.duration_seconds() == pytest.approx([1.0, 0.5, 1.0], abs=0.002)
    grammar = encoding.grammar()
    state = grammar.start(1)
    for row in (ON + 60, shift(99), ON + 64, shift(1)):
        assert grammar.allowed(0, np.zeros((1, 0), np.int64), state).sum() > 200
        state = grammar.advance(state, np.array([[row]]))
    assert np.flatnonzero(grammar.allowed(0, np.zeros((1, 0), np.int64), state)) == [OFF + 60]


@settings(max_examples=40)
@given(scores(track=piano, most_tracks=2))
def test_what_is_written_let_its_notes_go_in_time(score):
    encoding = get("performance", longest=1, marks=True)
    grammar = encoding.grammar()
    state = grammar.start(1)
    for row in encoding.encode(score).rows:
        assert grammar.allowed(0, np.zeros((1, 0), np.int64), state)[0, row[0]]
        state = grammar.advance(state, row[None])
    assert not state[0, 1:].any(), "nothing sounds at the end"


def test_drums_are_left_out_and_tracks_become_one():
    tracks = (Track("Kit", 0, True), Track("Flute", 73), Track("Bass", 32))
    rows = [(0, 50, track, 50 + track, 80) for track in range(3)]
    encoding = get("performance")
    encoded = encoding.encode(Score(50, events(NOTE, rows), tracks))
    assert encoded.rows[1:3, 0].tolist() == [ON + 51, ON + 52]
    assert encoding.decode(encoded.rows, encoded.header).tracks == (Track("Flute", 73),)


@settings(max_examples=40)
@given(scores(track=piano, most_tracks=1))
def test_every_onset_comes_back_within_ten_milliseconds(score):
    encoding = get("performance")
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    heard = sustain(score)
    for pitch in range(128):
        was = heard.onset_seconds()[heard.notes["pitch"] == pitch]
        now = back.onset_seconds()[back.notes["pitch"] == pitch]
        for onset in was:
            assert np.abs(now - onset).min() <= 0.0101
        assert len(now) <= len(was)
