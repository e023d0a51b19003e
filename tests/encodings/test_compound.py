import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import get
from segue.encodings.compound import END, REST, START, STEP
from segue.score import (
    CONTROL,
    KEY,
    METRE,
    NOTE,
    TEMPO,
    Score,
    Track,
    events,
    quantise,
    sustain,
    tidy,
)
from strategies import scores

# A violin over a cello and a drum, 120 beats a minute in 3/4 and G major, 96 ticks a beat.
TRIO = Score(
    96,
    events(
        NOTE,
        [
            (0, 96, 0, 74, 80),
            (0, 288, 2, 43, 60),
            (96, 32, 0, 76, 100),  # a triplet eighth
            (96, 24, 1, 36, 127),
            (384, 96, 0, 79, 1),
        ],
    ),
    (Track("Violin", 40), Track("Kit", 0, True), Track("Cello", 42)),
    tempi=events(TEMPO, [(0, 500_000), (288, 600_000)]),
    metres=events(METRE, [(0, 3, 4)]),
    keys=events(KEY, [(0, 1, False)]),
)


def piano(*notes, **fields):
    """A piano piece in 96 ticks a beat from (onset, duration, pitch)."""
    rows = [(onset, duration, 0, pitch, 80) for onset, duration, pitch in notes]
    return Score(96, events(NOTE, rows), (Track("Piano"),), **fields)


def test_a_row_is_a_step_a_track_a_pitch_a_length_and_a_loudness():
    rows = get("compound").encode(TRIO).rows
    assert rows.tolist() == [
        [START, 0, 0, 0, 0],
        [STEP, 0, 74, 12 - 1, 80 // 4],
        [STEP, 1, 43, 36 - 1, 60 // 4],  # with the violin, in the second slot
        [STEP + 12, 0, 76, 4 - 1, 100 // 4],
        [STEP, 15, 36, 3 - 1, 127 // 4],  # drums in the last slot
        [STEP + 36, 0, 79, 12 - 1, 0],
        [END, 0, 0, 0, 0],
    ]


def test_what_rows_cannot_hold_travels_in_the_header():
    assert get("compound").encode(TRIO).header == {
        "ticks_per_beat": 96,
        "tempi": [[0, 500_000], [288, 600_000]],
        "metres": [[0, 3, 4]],
        "keys": [[0, 1, False]],
        "tracks": [[0, "Violin", 40, False], [1, "Cello", 42, False], [15, "Kit", 0, True]],
    }


def test_a_score_comes_back_but_for_its_track_order_and_exact_velocity():
    encoded = get("compound", velocity_bins=128).encode(TRIO)
    back = get("compound", velocity_bins=128).decode(encoded.rows, encoded.header)
    assert back.tracks == (Track("Violin", 40), Track("Cello", 42), Track("Kit", 0, True))
    assert back.music_hash() == TRIO.music_hash()
    for name in ("tempi", "metres", "keys", "ticks_per_beat"):
        assert np.array_equal(getattr(back, name), getattr(TRIO, name))


def test_without_a_header_it_is_piano_at_120_in_four_four_or_the_programs_given():
    encoded = get("compound").encode(TRIO)
    plain = get("compound").decode(encoded.rows)
    assert [(t.program, t.is_drum) for t in plain.tracks] == [(0, False), (0, False), (0, True)]
    assert plain.tempo_map.seconds(plain.ticks_per_beat) == 0.5
    strings = get("compound", programs=[40, 42]).decode(encoded.rows)
    assert [(t.program, t.is_drum) for t in strings.tracks] == [(40, False), (42, False), (0, True)]


def test_gaps_longer_than_a_step_are_filled_with_rests():
    encoding = get("compound", longest_step=12)
    rows = encoding.encode(piano((0, 96, 60), (3 * 96, 96, 62), (4 * 96 + 8, 96, 64))).rows
    assert rows[:, 0].tolist() == [START, STEP, REST, REST, STEP + 12, REST, STEP + 1, END]
    assert rows[rows[:, 0] == REST, 1:].tolist() == [[0, 0, 0, 0]] * 3
    assert encoding.positions(rows).tolist() == [0, 0, 12, 24, 36, 48, 49, 49]


def test_silence_before_the_first_note_is_kept():
    encoding = get("compound")
    encoded = encoding.encode(piano((960, 96, 60)))
    assert encoding.decode(encoded.rows, encoded.header).notes["onset"].tolist() == [960]


def test_notes_of_one_track_pitch_and_step_become_the_longest_of_them():
    rows = get("compound").encode(piano((0, 48, 60), (1, 95, 60), (2, 30, 60))).rows
    assert rows[1:-1].tolist() == [[STEP, 0, 60, 12 - 1, 20]]


def test_a_note_ends_where_its_pitch_starts_again():
    rows = get("compound").encode(piano((0, 500, 60), (96, 96, 60))).rows
    assert (rows[1:-1, 3] + 1).tolist() == [12, 12]


def test_rounding_a_long_note_never_makes_it_overlap_the_next():
    # 53 steps would round to 54, past the next note; 51 does not.
    encoding = get("compound")
    score = piano((0, 8 * 53, 60), (8 * 53, 96, 60), (0, 8 * 53, 64))
    rows = encoding.encode(score).rows
    lengths = encoding.decode(rows).notes["duration"] // 40
    assert lengths.tolist() == [51, 54, 12]


def test_four_steps_a_beat_are_sixteenths():
    encoding = get("compound", steps_per_beat=4)
    assert encoding.step_beats == 0.25
    rows = encoding.encode(piano((0, 96, 60), (24, 24, 62))).rows
    assert rows[1:-1, 0].tolist() == [STEP, STEP + 1]


def test_in_seconds_a_step_is_ten_milliseconds_at_any_tempo():
    encoding = get("compound", unit="seconds")
    assert (encoding.step_beats, encoding.step_seconds) == (None, 0.01)
    # A beat at 60 a minute, then one at 240.
    score = piano(
        (0, 96, 60), (96, 96, 62), (192, 96, 64), tempi=events(TEMPO, [(0, 10**6), (96, 250_000)])
    )
    encoded = encoding.encode(score)
    assert encoding.positions(encoded.rows)[1:-1].tolist() == [0, 100, 125]
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.onset_seconds() == pytest.approx([0, 1, 1.25], abs=0.005)
    assert back.onset_beats() == pytest.approx([0, 1, 2], abs=0.02)
    plain = encoding.decode(encoded.rows)
    assert plain.onset_seconds() == pytest.approx([0, 1, 1.25], abs=0.005)


PEDALLED = piano(
    (0, 48, 60),
    (192, 96, 62),
    controls=events(CONTROL, [(24, 0, 64, 127), (120, 0, 64, 0), (120, 0, 7, 99)]),
)


def test_the_pedal_becomes_length_unless_told_otherwise():
    def lengths(pedal):
        return (get("compound", pedal=pedal).encode(PEDALLED).rows[1:, 3] + 1)[:1].tolist()

    assert (lengths("sustain"), lengths("drop")) == ([15], [6])


def test_the_pedal_can_have_rows_of_its_own():
    encoding = get("compound", pedal="rows")
    up, down = 0, 1
    encoded = encoding.encode(PEDALLED)
    assert encoded.rows[1:-1, :4].tolist() == [
        [STEP, 0, 2 + 60, 6 - 1],
        [STEP + 3, 0, down, 0],
        [STEP + 12, 0, up, 0],
        [STEP + 9, 0, 2 + 62, 12 - 1],
    ]
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.controls.tolist() == [(24, 0, 64, 127), (120, 0, 64, 0)]


def test_tempo_can_have_rows_of_its_own():
    encoding = get("compound", tempo="rows")
    encoded = encoding.encode(TRIO)
    assert "tempi" not in encoded.header
    tempo = encoded.rows[(encoded.rows[:, 0] >= STEP) & (encoded.rows[:, 2] < 64)]
    assert tempo[:, 0].tolist() == [STEP, STEP + 24]
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.tempi["onset"].tolist() == [0, 288]
    assert back.tempi["microseconds"] == pytest.approx([500_000, 600_000], rel=0.03)


def test_what_follows_end_is_not_played():
    encoding = get("compound")
    rows = encoding.encode(TRIO).rows
    assert encoding.decode(np.concatenate([rows, rows])) == encoding.decode(rows)


def test_too_many_tracks_share_slots():
    encoded = get("compound", max_tracks=2).encode(TRIO)
    assert encoded.header["tracks"] == [[0, "Violin", 40, False], [1, "Kit", 0, True]]
    assert encoded.rows[1:-1, 1].tolist() == [0, 0, 0, 1, 0]


def test_it_says_what_it_keeps_in_its_own_terms():
    kept = " ".join(get("compound").keeps)
    assert "onset to 1/12 of a beat" in kept
    assert "within 3.0 %" in kept
    assert "down or up" not in kept
    assert "drums" in " ".join(get("compound", drums=False).loses)


# -- the grammar -----------------------------------------------------------------------------


def allowed(encoding, rows, chosen=()):
    """Which symbols the next column may hold after `rows` and the columns `chosen`."""
    grammar = encoding.grammar()
    state = grammar.start(1)
    for row in rows:
        state = grammar.advance(state, np.array([row]))
    mask = grammar.allowed(len(chosen), np.array([chosen], np.int64).reshape(1, -1), state)
    return np.flatnonzero(mask[0]).tolist()


def test_a_piece_begins_with_start_and_never_comes_back_to_it():
    encoding = get("compound", longest_step=2)
    assert allowed(encoding, []) == [START]
    after = [[START, 0, 0, 0, 0]]
    assert allowed(encoding, after) == [END, REST, STEP, STEP + 1, STEP + 2]


def test_after_a_rest_comes_a_step_or_another_rest():
    encoding = get("compound", longest_step=2)
    rows = [[START, 0, 0, 0, 0], [REST, 0, 0, 0, 0]]
    assert allowed(encoding, rows) == [REST, STEP + 1, STEP + 2]


@pytest.mark.parametrize("special", [START, END, REST])
def test_after_start_end_and_rest_the_columns_say_nothing(special):
    encoding = get("compound")
    for chosen in ([special], [special, 0], [special, 0, 0], [special, 0, 0, 0]):
        assert allowed(encoding, [], chosen) == [0]


def test_at_one_step_rows_rise_by_track_and_pitch():
    encoding = get("compound", max_tracks=3)
    rows = [[START, 0, 0, 0, 0], [STEP, 1, 100, 5, 5]]
    assert allowed(encoding, rows, [STEP]) == [1, 2]
    assert allowed(encoding, rows, [STEP, 1]) == list(range(101, 128))
    assert allowed(encoding, rows, [STEP, 2]) == list(range(128))
    assert allowed(encoding, rows, [STEP + 1]) == [0, 1, 2]
    assert allowed(encoding, rows, [STEP + 1, 1]) == list(range(128))


def test_after_the_highest_note_of_the_last_track_time_moves_on():
    encoding = get("compound", max_tracks=2, longest_step=2)
    rows = [[START, 0, 0, 0, 0], [STEP, 1, 127, 0, 0]]
    assert STEP not in allowed(encoding, rows)


def test_pedal_and_tempo_rows_have_their_tracks_and_no_length():
    encoding = get("compound", pedal="rows", tempo="rows", max_tracks=3)
    start = [[START, 0, 0, 0, 0]]
    assert allowed(encoding, start, [STEP, 0]) == list(range(194))
    assert allowed(encoding, start, [STEP, 1]) == list(range(64, 194))
    assert allowed(encoding, start, [STEP, 2]) == list(range(66, 194))  # drums have no pedal
    assert allowed(encoding, start, [STEP, 0, 3]) == [0]
    assert allowed(encoding, start, [STEP, 0, 64]) == [0]
    assert len(allowed(encoding, start, [STEP, 0, 66])) == 96
    tempo = [*start, [STEP, 0, 10, 0, 0]]
    assert allowed(encoding, tempo, [STEP, 0]) == list(range(64, 194))


# -- what it keeps ---------------------------------------------------------------------------


@settings(max_examples=50)
@given(scores(), st.sampled_from([4, 5, 12, 24]))
def test_beats_keep_what_they_say(score, steps_per_beat):
    encoding = get("compound", steps_per_beat=steps_per_beat, max_tracks=5)
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    heard = sustain(score)
    sounding = sorted(
        {
            (t.name, t.program)
            for i, t in enumerate(score.tracks)
            if not t.is_drum and len(score.track_notes(i))
        }
    )
    assert sorted({(t.name, t.program) for t in back.tracks if not t.is_drum}) == sounding
    assert np.array_equal(back.tempi["microseconds"], score.tempi["microseconds"])
    was = {round(float(b) * steps_per_beat) for b in heard.onset_beats()}
    now = (back.onset_beats() * steps_per_beat).round(6)
    assert {int(n) for n in now} == was
    assert (now == now.astype(int)).all()
    pitches = set(score.notes["pitch"].tolist())
    assert set(back.notes["pitch"].tolist()) == pitches


@settings(max_examples=50)
@given(scores(track=st.just(Track("Piano")), most_tracks=1))
def test_seconds_keep_what_they_say(score):
    encoding = get("compound", unit="seconds", velocity_bins=128, max_tracks=1, drums=False)
    encoded = encoding.encode(score)
    back = encoding.decode(encoded.rows, encoded.header)
    was, now = sustain(score).onset_seconds(), back.onset_seconds()
    for onset in now:
        assert np.abs(was - onset).min() <= 0.0101
    for onset in was:
        assert np.abs(now - onset).min() <= 0.0101


@settings(max_examples=50)
@given(scores(extras=False, resolutions=(480,), beats=8))
def test_lengths_on_the_grid_are_exact_up_to_four_beats(score):
    score = tidy(quantise(tidy(score), 12))
    score = score.with_(notes=score.notes[score.notes["duration"] <= 4 * 480])
    encoding = get("compound", velocity_bins=128, max_tracks=5)
    if sum(t.is_drum for t in score.tracks) > 1:
        return
    encoded = encoding.encode(score)
    assert encoding.decode(encoded.rows, encoded.header).music_hash() == score.music_hash()
