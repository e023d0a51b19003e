import numpy as np
import pytest
from hypothesis import given, settings

from segue.encodings import get
from segue.errors import DataError, RecipeError
from segue.score import NOTE, Score, Track, events
from strategies import piano, scores

FLUTE = (Track("Flute", 73),)


def piece(*notes, tracks=FLUTE):
    """100 ticks a beat, 25 a step, from (onset, duration, pitch) or (..., track)."""
    rows = [(on, length, *(rest or [0]), pitch, 80) for on, length, pitch, *rest in notes]
    return Score(100, events(NOTE, rows), tracks)


def line(score, **options):
    """A melody's steps in words: `.` for rest, `-` for hold, else the pitch."""
    encoding = get("melody", **options)
    names = [".", "-", *map(str, range(encoding.lowest, encoding.highest + 1))]
    return " ".join(names[symbol] for symbol in encoding.encode(score).rows[:, 0])


def heard(score):
    return [(int(n["onset"]), int(n["duration"]), int(n["pitch"])) for n in score.notes]


def test_a_step_strikes_holds_or_rests():
    assert line(piece((0, 50, 60), (50, 25, 62), (125, 75, 64))) == "60 - 62 . . 64 - -"


def test_of_notes_together_the_highest_is_heard():
    assert line(piece((0, 100, 60), (0, 50, 67), (0, 75, 64))) == "67 -"


def test_a_note_under_one_that_sounds_is_left_out():
    assert line(piece((0, 100, 72), (50, 100, 60), (125, 25, 65))) == "72 - - - . 65"


def test_a_note_above_one_that_sounds_ends_it_for_good():
    assert line(piece((0, 150, 60), (50, 25, 72))) == "60 - 72"


def test_of_unisons_the_longer_is_heard():
    assert line(piece((0, 25, 60), (0, 75, 60))) == "60 - -"


def test_the_shortest_note_is_a_step():
    assert line(piece((0, 1, 60), (50, 1, 62))) == "60 . 62"


def test_the_first_pitched_track_or_all_are_read():
    tracks = (Track("Kit", 0, True), Track("Flute"), Track("Piccolo"))
    score = piece((0, 25, 100, 0), (0, 50, 60, 1), (25, 50, 84, 2), tracks=tracks)
    assert line(score) == "60 -"
    assert line(score, line="all") == "60 84 -"


def test_notes_out_of_range_are_left_out():
    assert line(piece((0, 25, 59), (25, 25, 60), (50, 25, 73)), lowest=60, highest=72) == ". 60"


def test_it_has_the_symbols_of_its_source():
    encoding = get("melody")
    assert encoding.layout.sizes == (90,)
    assert encoding.layout.columns[0].offset("pitch") == 2
    assert encoding.step_beats == 0.25


def test_a_melody_comes_back_with_its_instrument():
    encoding = get("melody")
    score = piece((0, 50, 60), (50, 25, 62), (125, 75, 62))
    encoded = encoding.encode(score)
    again = encoding.decode(encoded.rows, encoded.header)
    assert heard(again) == heard(score)
    assert again.tracks == score.tracks


def test_a_hold_with_nothing_to_hold_is_silent():
    rows = np.array([[1], [1], [41], [1], [0], [1], [41]], np.uint16)
    assert [(o // 120, d // 120, p) for o, d, p in heard(get("melody").decode(rows))] == [
        (2, 2, 60),
        (6, 1, 60),
    ]


@settings(max_examples=60)
@given(scores(track=piano, most_tracks=1, extras=False))
def test_it_is_what_the_ear_follows(score):
    """Step by step: a new highest note is struck, else the one before sounds or has ended."""
    encoding = get("melody", steps_per_beat=12, lowest=0, highest=127)
    spans = []
    for onset, duration, _, pitch, _ in score.notes.tolist():
        first = round(onset * 12 / score.ticks_per_beat)
        spans.append(
            (first, max(round((onset + duration) * 12 / score.ticks_per_beat), first + 1), pitch)
        )
    expected, until = [], 0
    for step in range(max((last for _, last, _ in spans), default=0)):
        highest = max((p for a, b, p in spans if a <= step < b), default=None)
        ends = [b for a, b, p in spans if a == step and p == highest]
        if ends:
            until = max(ends)
            expected.append(highest + 2)
        else:
            expected.append(1 if step < until else 0)
    while expected and expected[-1] == 0:
        expected.pop()
    assert encoding.encode(score).rows[:, 0].tolist() == expected


def test_windows_are_moved_as_far_as_the_range_goes():
    encoding = get("melody", lowest=60, highest=67)
    rows = encoding.encode(piece((0, 50, 62), (75, 25, 64))).rows
    moved = encoding.transpose(np.stack([rows] * 4), np.array([0, 2, -12, 12]))
    assert moved.dtype == rows.dtype
    assert [window[:, 0].tolist() for window in moved] == [
        [4, 1, 0, 6],
        [6, 1, 0, 8],
        [2, 1, 0, 4],
        [7, 1, 0, 9],
    ]
    silent = np.zeros((1, 4, 1), np.uint16)
    assert not encoding.transpose(silent, np.array([5])).any()


def test_a_piece_of_weeks_is_refused():
    with pytest.raises(DataError, match="cut it into pieces"):
        get("melody").encode(piece((100 * 10**6, 25, 60)))


def test_values_that_make_no_sense_are_refused():
    with pytest.raises(RecipeError, match="'first' or 'all'"):
        get("melody", line="last")
