import numpy as np
import pytest
from hypothesis import given, settings

from segue.encodings import get
from segue.errors import DataError, RecipeError
from segue.score import CONTROL, NOTE, Score, Track, events
from strategies import piano, scores


def piece(*notes, **fields):
    """Piano in 100 ticks a beat at 120 beats a minute from (onset, duration, pitch)."""
    rows = [(onset, length, 0, pitch, 80) for onset, length, pitch in notes]
    return Score(100, events(NOTE, rows), (Track("Piano"),), **fields)


def picture(encoding, score, low, high):
    """The rows between two pitches, a string a pitch, from the top."""
    rows = encoding.encode(score).rows[:, low - encoding.lowest : high - encoding.lowest + 1]
    return ["".join(".#="[cell] for cell in column) for column in rows.T[::-1]]


# A beat of D over two of C, then C again at once.
TUNE = piece((0, 100, 62), (0, 200, 60), (200, 100, 60))


def test_a_cell_is_on_while_its_note_sounds():
    roll = get("piano_roll", unit="beats")
    assert picture(roll, TUNE, 60, 62) == ["####........", "............", "############"]


def test_onsets_alone_or_apart_from_what_is_held():
    onsets = get("piano_roll", unit="beats", cells="onsets")
    assert picture(onsets, TUNE, 60, 60) == ["#.......#"]
    both = get("piano_roll", unit="beats", cells="both")
    assert picture(both, TUNE, 60, 60) == ["#=======#==="]


def test_twenty_frames_a_second_and_88_keys_are_the_default():
    roll = get("piano_roll")
    assert roll.layout.sizes == (2,) * 88
    assert (roll.layout.columns[0].name, roll.layout.columns[-1].name) == ("A0", "C8")
    assert roll.encode(TUNE).rows.shape == (30, 88)
    assert roll.step_seconds == 0.05


@pytest.mark.parametrize("cells", ["sustained", "both"])
def test_a_roll_comes_back(cells):
    roll = get("piano_roll", unit="beats", cells=cells)
    encoded = roll.encode(TUNE)
    notes = roll.decode(encoded.rows, encoded.header).notes
    found = sorted((o, d, p) for o, d, _, p, _ in notes.tolist())
    merged = [(0, 300, 60), (0, 100, 62)]
    apart = [(0, 100, 62), (0, 200, 60), (200, 100, 60)]
    assert found == sorted(merged if cells == "sustained" else apart)


def test_an_onset_alone_lasts_a_beat_or_until_the_next():
    roll = get("piano_roll", unit="beats", cells="onsets")
    score = piece((0, 25, 60), (50, 25, 60))
    encoded = roll.encode(score)
    notes = roll.decode(encoded.rows, encoded.header).notes
    assert [(o, d) for o, d, *_ in notes.tolist()] == [(0, 50), (50, 100)]


def test_a_held_cell_without_an_onset_is_a_note_too():
    roll = get("piano_roll", unit="beats", cells="both", lowest=60, highest=60)
    notes = roll.decode(np.array([[2], [2], [0], [1], [1]], np.uint16)).notes
    assert [(o // 120, d // 120) for o, d, *_ in notes.tolist()] == [(0, 2), (3, 1), (4, 1)]


def test_starts_may_tell_their_velocity():
    rows = [(0, 100, 0, 60, 1), (100, 100, 0, 60, 127), (100, 50, 0, 60, 64), (200, 50, 0, 61, 64)]
    score = Score(100, events(NOTE, rows), (Track("Piano"),))
    roll = get("piano_roll", unit="beats", frames_per_beat=2, cells="both", velocity_bins=32)
    encoded = roll.encode(score)
    assert encoded.rows[:, 39].tolist() == [1, 33, 32, 33, 0]
    assert encoded.rows[:, 40].tolist() == [0, 0, 0, 0, 17]
    notes = roll.decode(encoded.rows, encoded.header).notes
    assert [(o, d, v) for o, d, _, p, v in notes.tolist() if p == 60] == [
        (0, 100, 2),
        (100, 100, 126),
    ]
    assert [v for *_, p, v in notes.tolist() if p == 61] == [66]


def test_what_is_held_from_nowhere_has_a_middling_velocity():
    roll = get("piano_roll", cells="both", velocity_bins=4, lowest=60, highest=60)
    notes = roll.decode(np.array([[5], [5], [0], [4]], np.uint16)).notes
    assert notes["velocity"].tolist() == [80, 112]


def test_windows_with_velocities_can_be_louder():
    roll = get("piano_roll", cells="both", velocity_bins=4, lowest=60, highest=62)
    assert roll.variants == ("transpose", "louder")
    windows = np.array([[[0, 1, 5], [4, 2, 0]]] * 2, np.uint16)
    louder = roll.louder(windows, np.array([32, -127]))
    assert louder.tolist() == [[[0, 2, 5], [4, 3, 0]], [[0, 1, 5], [1, 1, 0]]]


def test_a_roll_of_what_sounds_has_no_velocities():
    assert get("piano_roll").variants == ("transpose",)
    with pytest.raises(RecipeError, match="a whole number from 1 to 1 is allowed"):
        get("piano_roll", velocity_bins=32)


def test_notes_out_of_range_and_drums_are_left_out():
    tracks = (Track("Piano"), Track("Kit", 0, True))
    rows = [(0, 100, 0, 20, 80), (0, 100, 0, 109, 80), (0, 100, 1, 60, 80), (0, 100, 0, 21, 80)]
    roll = get("piano_roll")
    found = roll.encode(Score(100, events(NOTE, rows), tracks)).rows
    assert found.sum(axis=0).nonzero()[0].tolist() == [0]


def test_the_shortest_note_fills_a_frame():
    assert get("piano_roll").encode(piece((0, 1, 60))).rows.sum() == 1


def test_the_pedal_holds_notes_unless_told_otherwise():
    pedal = events(CONTROL, [(0, 0, 64, 127), (400, 0, 64, 0)])
    score = piece((0, 100, 60), (500, 100, 62), controls=pedal)
    sums = [get("piano_roll", pedal=p).encode(score).rows[:, 39].sum() for p in ("sustain", "drop")]
    assert sums == [40, 10]


def test_a_long_piece_can_be_cut():
    rows = get("piano_roll", longest=8).encode(TUNE).rows
    assert rows.shape == (8, 88)
    assert np.array_equal(rows, get("piano_roll").encode(TUNE).rows[:8])


def test_a_piece_of_weeks_is_refused():
    with pytest.raises(DataError, match="set `longest`"):
        get("piano_roll").encode(piece((100 * 10**7, 10, 60)))


def test_a_range_upside_down_is_refused():
    with pytest.raises(RecipeError, match="highest = 20"):
        get("piano_roll", lowest=30, highest=20)


@settings(max_examples=40)
@given(scores(track=piano, extras=False))
def test_a_cell_is_on_exactly_where_a_note_sounds(score):
    roll = get("piano_roll", unit="beats", frames_per_beat=12, lowest=0, highest=127)
    rows = roll.encode(score).rows
    expected = np.zeros_like(rows)
    for onset, duration, _, pitch, _ in score.notes.tolist():
        first = round(onset * 12 / score.ticks_per_beat)
        last = max(round((onset + duration) * 12 / score.ticks_per_beat), first + 1)
        expected[first:last, pitch] = 1
    assert np.array_equal(rows, expected)
