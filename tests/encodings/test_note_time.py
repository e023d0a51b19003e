import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import get
from segue.encodings.note_time import _steps, _symbols
from segue.score import CONTROL, NOTE, Score, Track, events, sustain
from strategies import piano, scores


def piece(*notes, **fields):
    """Piano in 250 ticks a second, as the steps are, from (onset, duration, pitch, velocity)."""
    rows = [(onset, length, 0, pitch, velocity) for onset, length, pitch, velocity in notes]
    return Score(125, events(NOTE, rows), (Track("Piano"),), **fields)


def test_a_note_vector_is_216_wide_and_time_has_225_symbols():
    assert get("note_time").layout.sizes == (88, 128, 225)
    assert get("note_time", pedal="rows").layout.sizes == (90, 128, 225)


def test_a_row_is_a_key_a_velocity_and_the_time_since_the_row_before():
    score = piece((0, 100, 60, 80), (0, 50, 64, 70), (100, 20, 60, 90))
    assert get("note_time").encode(score).rows.tolist() == [
        [39, 80, 0],
        [43, 70, 0],
        [43, 0, 50],
        [39, 0, 50],  # let go before it is struck again
        [39, 90, 0],
        [39, 0, 20],
    ]


def test_times_have_values_in_seconds():
    seconds = get("note_time").seconds
    assert seconds[[0, 1, 128]].tolist() == [0, 0.004, 0.512]
    assert seconds[-1] == pytest.approx(32.768)


def test_messages_come_back_as_notes():
    score = piece((7, 100, 60, 80), (7, 50, 64, 70), (107, 20, 60, 90))
    encoding = get("note_time")
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.onset_seconds() == pytest.approx([0.028, 0.028, 0.428], abs=0.002)
    assert back.duration_seconds() == pytest.approx([0.4, 0.2, 0.08], abs=0.004)
    assert back.notes["velocity"].tolist() == [80, 70, 90]


def test_the_pedal_has_two_keys_of_its_own_or_holds_notes():
    pedal = events(CONTROL, [(10, 0, 64, 127), (90, 0, 64, 0)])
    score = piece((0, 50, 60, 80), controls=pedal)
    rows = get("note_time", pedal="rows").encode(score).rows
    assert rows.tolist() == [[39, 80, 0], [89, 0, 10], [39, 0, 40], [88, 0, 40]]
    assert get("note_time").encode(score).rows.tolist() == [[39, 80, 0], [39, 0, 90]]
    encoding = get("note_time", pedal="rows")
    assert encoding.decode(rows).controls["value"].tolist() == [127, 0]


def test_notes_beyond_the_keyboard_are_left_out():
    assert len(get("note_time").encode(piece((0, 9, 20, 80), (0, 9, 109, 80))).rows) == 0


def test_a_long_gap_is_rounded_and_the_next_makes_it_good():
    # 1,003 steps round to 992; the 11 that are missing go to the next gap.
    symbols = _symbols(np.array([1003, 0, 20]))
    assert _steps(symbols).tolist() == [992, 0, 31]


def test_what_starts_together_stays_together_and_what_does_not_stays_apart():
    # 1,010 rounds up to 1,024, 14 too many, of which the next gaps give back what they can.
    symbols = _symbols(np.array([1010, 0, 5, 0, 3, 30]))
    assert _steps(symbols).tolist() == [1024, 0, 1, 0, 1, 22]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 8000), max_size=30))
def test_time_does_not_drift(gaps):
    gaps = np.array(gaps, np.int64)
    steps = _steps(_symbols(gaps))
    assert ((steps == 0) == (gaps == 0)).all()
    drift = np.abs(np.cumsum(steps) - np.cumsum(gaps))
    # A gap's own rounding, half a symbol, at the most; a wait for gaps to make it good.
    assert (drift <= 8192 / 64 + len(gaps)).all()
    assert np.array_equal(_symbols(steps), _symbols(gaps))


@settings(max_examples=40)
@given(scores(track=piano, most_tracks=1, beats=8))
def test_keys_and_velocities_come_back(score):
    encoding = get("note_time")
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    heard = sustain(score).notes
    kept = heard[(heard["pitch"] >= 21) & (heard["pitch"] <= 108)]
    assert set(back.notes["pitch"].tolist()) == set(kept["pitch"].tolist())
    assert set(back.notes[["pitch", "velocity"]].tolist()) <= set(
        kept[["pitch", "velocity"]].tolist()
    )
