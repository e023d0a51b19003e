import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.encodings.chords import first_part, groups, leaders, on_grid
from segue.score import NOTE, Score, Track, events

BEAT = 480
CLOSE = BEAT // 16
PIANO = (Track("Piano"),)


def piece(*notes, tracks=PIANO):
    """A Score from (onset, duration, track, pitch) rows."""
    return Score(BEAT, events(NOTE, [(*note, 80) for note in notes]), tracks)


def sizes(score):
    return groups(score).size.tolist()


def test_notes_that_start_and_end_together_are_a_chord():
    # Within a sixteenth of a beat counts as together.
    assert sizes(piece((0, BEAT, 0, 60), (CLOSE, BEAT, 0, 64))) == [2]
    assert sizes(piece((0, BEAT, 0, 60), (CLOSE + 1, BEAT, 0, 64))) == [1, 1]


def test_a_note_that_ends_at_another_time_stands_alone():
    assert sizes(piece((0, BEAT, 0, 60), (0, BEAT, 0, 67), (0, 2 * BEAT, 0, 48))) == [1, 2]


def test_the_first_note_gathers_and_what_it_gathered_does_not():
    # The third starts close to the second, but the second is in the first one's chord already.
    score = piece((0, BEAT, 0, 60), (CLOSE, BEAT, 0, 64), (2 * CLOSE, BEAT, 0, 67))
    assert sizes(score) == [2, 1]


def test_hands_on_tracks_of_their_own_make_chords_of_their_own():
    both = (Track("Right"), Track("Left"))
    score = piece((0, BEAT, 0, 60), (0, BEAT, 0, 64), (0, BEAT, 1, 48), tracks=both)
    found = groups(score)
    assert found.size.tolist() == [2, 1]
    assert found.lowest.tolist() == [60, 48]


def test_tracks_of_one_name_are_one_staff():
    channels = (Track("Piano"), Track("Piano"))
    assert sizes(piece((0, BEAT, 0, 60), (0, BEAT, 1, 48), tracks=channels)) == [2]


def test_only_the_program_of_the_first_pitched_track_counts():
    tracks = (Track("Kit", 0, True), Track("Right"), Track("Bass", 32), Track("Left"))
    score = piece(*((0, BEAT, t, 50 + 7 * t) for t in range(4)), tracks=tracks)
    assert [staff["pitch"].tolist() for staff in first_part(score)] == [[57], [71]]


def test_an_echo_is_left_out():
    tracks = (Track("Piano"), Track("Echo"))
    tune = [(i * BEAT, BEAT // 2, 0, 60 + i) for i in range(10)]
    echo = [(onset + 30, length, 1, pitch) for onset, length, _, pitch in tune]
    assert sizes(piece(*tune, *echo, tracks=tracks)) == [1] * 10


def test_a_second_voice_is_no_echo():
    tracks = (Track("Piano"), Track("Left"))
    tune = [(i * BEAT, BEAT // 2, 0, 60 + i) for i in range(10)]
    thirds = [(onset, length, 1, pitch - 4) for onset, length, _, pitch in tune]
    assert sizes(piece(*tune, *thirds, tracks=tracks)) == [1] * 20


def test_a_unison_is_one_note_the_longest_of_the_first_staff():
    tracks = (Track("Right"), Track("Left"))
    score = piece((0, 100, 0, 60), (0, 200, 0, 60), (0, 900, 1, 60), (0, 900, 1, 40), tracks=tracks)
    assert [staff["duration"].tolist() for staff in first_part(score)] == [[200], [900]]


def test_a_chord_knows_its_tones_and_its_time():
    found = groups(piece((5, BEAT, 0, 76), (0, BEAT, 0, 60), (0, BEAT, 0, 67)))
    assert found.mask.tolist() == [1 << 0 | 1 << 4 | 1 << 7]
    assert (found.onset.tolist(), found.duration.tolist()) == ([0], [BEAT + 5])
    assert found.notes["pitch"].tolist() == [60, 67, 76]


def test_onsets_snap_to_the_nearer_of_sixteenths_and_triplets():
    beats = np.array([0, 0.1, 0.25, 0.3, 1 / 3, 0.48, 2 / 3, 0.72, 1.0])
    assert on_grid(np.rint(beats * 960).astype(np.int64), 960).tolist() == [
        0, 0, 3, 4, 4, 6, 8, 9, 12,
    ]  # fmt: skip


def test_no_notes_make_no_groups():
    assert sizes(Score(BEAT)) == []
    assert sizes(piece((0, 1, 0, 36), tracks=(Track("Kit", 0, True),))) == []


def one_by_one(onset, end, tolerance):
    """The rule as it is told, a note at a time."""
    lead = [-1] * len(onset)
    for i in range(len(onset)):
        if lead[i] < 0:
            lead[i] = i
            for j in range(i + 1, len(onset)):
                near = onset[j] - onset[i] <= tolerance and abs(end[j] - end[i]) <= tolerance
                if lead[j] < 0 and near:
                    lead[j] = i
    return lead


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=40),
    st.sampled_from([0, 1, 2.5, 5, 30]),
)
def test_many_clusters_at_once_or_note_by_note_lead_to_the_same(notes, tolerance):
    notes.sort()
    onset = np.array([o for o, _ in notes], np.int64)
    end = onset + np.array([d for _, d in notes], np.int64)
    assert leaders(onset, end, tolerance).tolist() == one_by_one(onset, end, tolerance)


def test_a_chain_as_no_music_has_it_is_settled_too():
    onset = np.arange(1000)
    end = onset + 50 + 100 * (onset % 997)
    assert leaders(onset, end, 30).tolist() == one_by_one(onset, end, 30)
