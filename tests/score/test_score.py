import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.score import (
    BEND,
    CONTROL,
    KEY,
    METRE,
    NOTE,
    TEMPO,
    Score,
    Text,
    Track,
    events,
    shift,
)
from strategies import scores

# A bar of 4/4 at 120 beats a minute in 480 ticks a beat: C4, E4 and G4 as quarters, C3 held below.
#            onset duration track pitch velocity
MELODY = [(0, 480, 0, 60, 80), (480, 480, 0, 64, 80), (960, 480, 0, 67, 90)]
BASS = [(0, 1920, 1, 48, 70)]
HANDS = (Track("Right hand"), Track("Left hand"))


def small(**changes):
    fields = {"notes": events(NOTE, MELODY + BASS), "tracks": HANDS}
    return Score(480, **{**fields, **changes})


def test_notes_are_kept_by_onset_then_track_then_pitch():
    score = small(notes=events(NOTE, [*BASS, *reversed(MELODY)]))
    assert score.notes["onset"].tolist() == [0, 0, 480, 960]
    assert score.notes["pitch"].tolist() == [60, 48, 64, 67]


def test_the_order_that_notes_came_in_does_not_matter():
    assert small() == small(notes=events(NOTE, BASS + MELODY[::-1]))
    assert hash(small()) == hash(small(notes=events(NOTE, BASS + MELODY[::-1])))


def test_the_order_of_controllers_within_a_tick_does():
    down_up = events(CONTROL, [(0, 0, 64, 127), (0, 0, 64, 0)])
    up_down = events(CONTROL, [(0, 0, 64, 0), (0, 0, 64, 127)])
    assert small(controls=down_up) != small(controls=up_down)


def test_a_score_cannot_be_changed():
    score = small()
    with pytest.raises(ValueError, match="read-only"):
        score.notes["pitch"][0] = 1
    with pytest.raises(AttributeError):
        score.ticks_per_beat = 96


def test_a_table_that_someone_else_can_write_to_is_copied():
    shared = events(NOTE, MELODY)
    score = Score(480, shared[:2], HANDS)
    shared["pitch"] = 0
    assert score.notes["pitch"].tolist() == [60, 64]


def test_the_end_is_where_the_last_note_stops():
    score = small()
    assert (score.end_ticks, score.end_beats, score.end_seconds, score.end_bars) == (1920, 4, 2, 1)


def test_a_score_without_notes_has_no_length():
    empty = Score(480)
    assert (len(empty), empty.end_ticks, empty.end_seconds, empty.end_bars) == (0, 0, 0, 0)


def test_onsets_and_lengths_come_in_beats_and_seconds():
    # 120 beats a minute, then from the third beat on 60.
    score = small(tempi=events(TEMPO, [(0, 500_000), (960, 1_000_000)]))
    assert score.onset_beats().tolist() == [0, 0, 1, 2]
    assert score.onset_seconds().tolist() == [0, 0, 0.5, 1]
    assert score.duration_seconds().tolist() == [0.5, 3, 0.5, 1]


def test_track_notes_are_those_of_one_track():
    assert small().track_notes(1)["pitch"].tolist() == [48]


def test_repr_says_how_much_music_it_is():
    assert repr(small()) == "Score(4 notes, 2 tracks, 4.00 beats, 2.00 s)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracks": HANDS[:1]}, "refer to track 1, but the Score has 1"),
        ({"notes": events(NOTE, [(0, 1, 0, 128, 1)])}, "'pitch'.*0 to 127"),
        ({"notes": events(NOTE, [(0, 1, 0, 60, 0)])}, "'velocity'.*1 to 127"),
        ({"notes": events(NOTE, [(-1, 1, 0, 60, 1)])}, "0 to .* is allowed"),
        ({"notes": events(NOTE, [(1 << 40, 1, 0, 60, 1)])}, "0 to .* is allowed"),
        ({"notes": events(NOTE, [(0, -1, 0, 60, 1)])}, "'duration'"),
        ({"notes": np.zeros(3)}, "float64"),
        ({"controls": events(CONTROL, [(0, 5, 64, 0)])}, "controls refer to track 5"),
        ({"controls": events(CONTROL, [(0, 0, 64, 200)])}, "'value'"),
        ({"bends": events(BEND, [(0, 0, 9000)])}, "'value'"),
        ({"tempi": events(TEMPO, [(0, 0)])}, "'microseconds'"),
        ({"metres": events(METRE, [(0, 4, 0)])}, "'denominator'"),
        ({"keys": events(KEY, [(0, 9, False)])}, "'fifths'"),
        ({"texts": (Text(-5, "early"),)}, "texts start at tick -5"),
        ({"ticks_per_beat": 0}, "1 to 65535"),
    ],
)
def test_what_music_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        small().with_(**changes)


def test_equal_scores_hash_alike_whatever_made_their_flags():
    plain, numpy_made = (
        small(tracks=(Track("Drums", 0, flag), HANDS[1])) for flag in (True, np.True_)
    )
    assert plain == numpy_made
    assert plain.content_hash() == numpy_made.content_hash()


def test_a_copy_from_another_process_is_the_same_and_read_only():
    score = small()
    copy = pickle.loads(pickle.dumps(score))
    assert copy == score
    assert not copy.notes.flags.writeable


def test_a_score_equals_only_scores():
    assert small() != "a score"


def test_the_music_hash_hears_only_the_music():
    score = small()
    renamed = score.with_(tracks=(Track("A"), Track("B", 40)))
    swapped = score.with_(
        notes=events(NOTE, [(o, d, 1 - t, p, v) for o, d, t, p, v in MELODY + BASS])
    )
    twice = events(NOTE, [(2 * o, 2 * d, t, p, v) for o, d, t, p, v in MELODY + BASS])
    finer = score.with_(ticks_per_beat=960, notes=twice)
    for same in (renamed, swapped, finer, shift(score, 77)):
        assert same.music_hash() == score.music_hash()
    for column, value in (("pitch", 61), ("velocity", 81), ("duration", 481), ("onset", 961)):
        notes = score.notes.copy()
        notes[column][-1] = value
        assert score.with_(notes=notes).music_hash() != score.music_hash()


def test_drums_are_other_music():
    drums = small(tracks=(Track("Kit", 0, True), HANDS[1]))
    assert drums.music_hash() != small().music_hash()


@given(scores(), st.randoms())
def test_a_score_does_not_depend_on_the_order_of_its_notes(score, random):
    order = list(range(len(score)))
    random.shuffle(order)
    again = score.with_(notes=score.notes[np.array(order, np.int64)])
    assert again == score
    assert again.content_hash() == score.content_hash()
    assert again.music_hash() == score.music_hash()


@given(scores())
def test_a_score_survives_pickling(score):
    assert pickle.loads(pickle.dumps(score)) == score


@given(scores(), scores())
def test_scores_are_equal_when_their_hashes_are(one, other):
    assert (one == other) == (one.content_hash() == other.content_hash())


@given(scores(), st.integers(1, 10_000))
def test_leading_silence_is_not_music(score, ticks):
    assert shift(score, ticks).music_hash() == score.music_hash()


def test_a_copy_tells_the_time_by_its_own_tables():
    score = small()
    assert (score.end_ticks, score.end_seconds, score.end_bars) == (1920, 2, 1)
    assert score.with_(tempi=events(TEMPO, [(0, 1_000_000)])).end_seconds == 4
    assert score.with_(metres=events(METRE, [(0, 2, 4)])).end_bars == 2
    assert score.with_(ticks_per_beat=960).end_seconds == 1
    shorter = score.with_(notes=score.notes[:1])
    assert (shorter.end_ticks, shorter.end_seconds, shorter.end_bars) == (480, 0.5, 0.25)
    assert score.with_(texts=(Text(0, "named"),)).tempo_map is score.tempo_map


def test_a_copy_is_refused_what_a_score_has_not():
    with pytest.raises(TypeError, match="no 'chords'"):
        small().with_(chords=())


def test_tables_that_are_vouched_for_are_put_in_order_and_read_only():
    notes = events(NOTE, [*BASS, *reversed(MELODY)])
    score = small(notes=events(NOTE, MELODY)).vouched(notes=notes)
    assert score == small()
    assert not score.notes.flags.writeable
    with pytest.raises(ValueError, match="is allowed"):
        small().vouched(notes=events(NOTE, [(1 << 40, 1, 0, 60, 1)]))
