import numpy as np
import pytest
from hypothesis import given, settings

from segue.encodings import get
from segue.errors import RecipeError
from segue.score import NOTE, TEMPO, Score, Track, events
from strategies import piano, scores

# 1,024 beats in 10 ticks a beat, so that a row is a beat.
LONG = Score(
    10,
    events(
        NOTE,
        [(0, 30, 0, 60, 80), (50, 1, 0, 62, 127), (20, 40, 0, 60, 100), (10_200, 40, 0, 72, 1)],
    ),
    (Track("Piano"),),
    tempi=events(TEMPO, [(0, 400_000)]),
)


def test_a_cell_holds_the_velocity_that_sounds_and_the_loudest_where_notes_meet():
    image = get("velocity_image").encode(LONG).rows
    assert image.shape == (1024, 128)
    assert image[:8, 60].tolist() == [80, 80, 100, 100, 100, 100, 0, 0]
    assert image[1018:, 72].tolist() == [0, 0, 1, 1, 1, 1]


def test_a_note_shorter_than_a_row_still_fills_one():
    assert get("velocity_image").encode(LONG).rows[:, 62].nonzero()[0].tolist() == [5]


@pytest.mark.parametrize("size", ["256", "512", "1024"])
def test_squares_stretch_pitch_and_time(size):
    encoding, side = get("velocity_image", size=size), int(size)
    rows = encoding.encode(LONG).rows
    assert rows.shape == (side, side)
    assert encoding.layout.sizes == (128,) * side
    each = side // 128
    first = rows.sum(axis=0).nonzero()[0][0]
    assert first == 60 * each
    assert (rows[:, 60 * each : 61 * each] == rows[:, [60 * each]]).all()


def test_the_way_back_keeps_length_and_tempo():
    encoding = get("velocity_image")
    encoded = encoding.encode(LONG)
    back = encoding.decode(encoded.rows, encoded.header)
    assert (back.end_beats, back.end_seconds) == (LONG.end_beats, LONG.end_seconds)
    beats = [(o / 10, d / 10, p, v) for o, d, _, p, v in back.notes.tolist()]
    assert beats == [(0, 2, 60, 80), (2, 4, 60, 100), (5, 1, 62, 127), (1020, 4, 72, 1)]


def test_without_a_header_an_image_lasts_as_long_as_told():
    rows = get("velocity_image").encode(LONG).rows
    assert get("velocity_image", beats=64).decode(rows).end_beats == 64


def test_columns_of_one_pitch_are_averaged():
    rows = np.zeros((256, 256), np.uint16)
    rows[0, 120:122] = 60, 80
    notes = get("velocity_image", size="256").decode(rows).notes
    assert notes[["pitch", "velocity"]].tolist() == [(60, 70)]


def test_a_short_piece_gets_ticks_fine_enough_for_every_row():
    short = Score(1, events(NOTE, [(0, 1, 0, 60, 80)]), (Track(),))
    encoded = get("velocity_image").encode(short)
    assert encoded.header["length"] >= 2048
    assert get("velocity_image").decode(encoded.rows, encoded.header).end_beats == 1


@settings(max_examples=40)
@given(scores(track=piano, extras=False))
def test_every_pitch_is_somewhere_in_the_image_and_nothing_else(score):
    encoding = get("velocity_image")
    rows = encoding.encode(score).rows
    assert rows.any(axis=0).nonzero()[0].tolist() == sorted(set(score.notes["pitch"].tolist()))
    assert set(rows[rows > 0].tolist()) <= set(score.notes["velocity"].tolist())


def test_at_the_pace_of_another_piece_rows_last_as_long_as_its_own():
    encoding = get("velocity_image")
    # LONG's rows last a beat; of a piece of two and a half beats that makes three.
    paced = encoding.paced(encoding.encode(LONG).header)
    assert paced.step_beats == 1
    short = Score(100, events(NOTE, [(0, 60, 0, 60, 80), (150, 100, 0, 62, 90)]), (Track("Piano"),))
    encoded = paced.encode(short)
    assert encoded.rows.shape == (3, 128)
    assert encoded.rows[:, [60, 62]].tolist() == [[80, 0], [0, 0], [0, 90]]
    assert paced.decode(np.repeat(encoded.rows, 2, axis=0), encoded.header).end_beats == 6


def test_a_pace_is_a_number_of_beats():
    with pytest.raises(RecipeError, match="row_beats = -1; a number from 0 to 4096"):
        get("velocity_image", row_beats=-1)
