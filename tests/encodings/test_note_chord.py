import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import get
from segue.errors import RecipeError
from segue.score import NOTE, Score, Track, events
from strategies import piano, scores

BEAT = 480
PIANO = (Track("Piano"),)


def piece(*notes, tracks=PIANO):
    """A Score from (onset in beats, length in beats, pitches) rows."""
    rows = [
        (round(onset * BEAT), round(length * BEAT), 0, pitch, 80)
        for onset, length, pitches in notes
        for pitch in pitches
    ]
    return Score(BEAT, events(NOTE, rows), tracks)


# E-flat 5, then A and E together, then a rest, then C major spread over three octaves.
TUNE = piece((0, 1, [75]), (1, 0.5, [57, 64]), (3, 2, [36, 55, 64, 76]))


def words(encoding, rows):
    names = encoding.names()
    return [names[s] for s in rows[:, 0]]


def fitted(encoding, *scores):
    rows = np.concatenate([encoding.encode(s).rows for s in scores])
    sizes = encoding.layout.sizes
    return encoding.fit([np.bincount(rows[:, k], minlength=s) for k, s in enumerate(sizes)])


def played(score):
    """(onset in beats, length in beats, pitches) of notes that start together."""
    onsets = np.unique(score.notes["onset"])
    found = []
    for onset in onsets.tolist():
        notes = score.notes[score.notes["onset"] == onset]
        lengths = {d / score.ticks_per_beat for d in notes["duration"].tolist()}
        found.append((onset / score.ticks_per_beat, lengths, notes["pitch"].tolist()))
    return found


def test_notes_and_chords_are_named_as_music21_names_them():
    encoding = get("note_chord")
    assert words(encoding, encoding.encode(TUNE).rows) == ["E-5", "4.9", "0.4.7"]


def test_played_back_each_row_comes_half_a_beat_on_and_lasts_a_beat():
    encoding = get("note_chord")
    score = encoding.decode(encoding.encode(TUNE).rows)
    # E is in both chords, so the first ends where the second begins.
    assert played(score) == [(0, {1}, [75]), (0.5, {0.5}, [64, 69]), (1, {1}, [60, 64, 67])]
    assert score.tempi.tolist() == [(0, 500_000)]
    assert set(score.notes["velocity"].tolist()) == {90}


def test_chord_tones_land_in_octave_4():
    encoding = get("note_chord")
    symbols = 128 + np.arange(1, 4096)
    score = encoding.decode(symbols[np.bitwise_count(symbols - 128) > 1, None].astype(np.uint16))
    assert (score.notes["pitch"].min(), score.notes["pitch"].max()) == (60, 71)


def test_an_octave_is_a_chord_of_one_pitch_class_and_sounds_as_an_octave():
    encoding = get("note_chord")
    rows = encoding.encode(piece((0, 1, [40, 52]))).rows
    assert words(encoding, rows) == ["4"]
    assert played(encoding.decode(rows)) == [(0, {1}, [64, 76])]


def test_the_vocabulary_is_what_the_corpus_uses_sorted_by_name():
    encoding = fitted(get("note_chord"), TUNE, piece((0, 1, [46, 50, 53]), (1, 1, [46])))
    # As strings: "10" comes before "4", and chords before letters.
    assert encoding.names() == ["0.4.7", "10.2.5", "4.9", "B-2", "E-5"]
    assert encoding.layout.sizes == (5,)
    assert [block.name for block in encoding.layout.columns[0].blocks] == ["chord", "note"]


def test_transposed_notes_move_and_chords_turn():
    encoding = get("note_chord")
    rows = encoding.encode(TUNE).rows
    up, down = encoding.transpose(np.stack([rows, rows]), np.array([3, -2]))
    assert words(encoding, up) == ["F#5", "7.0", "3.7.10"]
    assert words(encoding, down) == ["C#5", "2.7", "10.2.5"]
    again = encoding.transpose(up[None], np.array([-3]))[0]
    np.testing.assert_array_equal(again, rows)


def test_transposition_stays_in_the_vocabulary():
    encoding = fitted(get("note_chord"), TUNE, piece((0, 1, [76])))
    rows = encoding.encode(TUNE).rows
    up = encoding.transpose(rows[None], np.array([1]))[0]
    assert words(encoding, up) == ["E5", "4.9", "4.9"], "no chord there shares a tone: the smallest"


def test_transposition_stays_on_the_keyboard():
    encoding = get("note_chord")
    rows = encoding.encode(piece((0, 1, [2]), (1, 1, [125]))).rows
    down, up = encoding.transpose(np.stack([rows, rows]), np.array([-4, 4]))
    assert words(encoding, down) == ["B--1", "C#9"], "2 - 4 is an octave lower than there is"
    assert words(encoding, up) == ["F#-1", "A8"], "125 + 4 is an octave higher than there is"


@pytest.mark.parametrize("options", [{"octaves": True}, {"rhythm": True}])
def test_with_options_only_the_symbols_are_transposed(options):
    encoding = fitted(get("note_chord", **options), TUNE, piece((0, 1, [40, 59, 68, 80])))
    rows = encoding.encode(TUNE).rows
    moved = encoding.transpose(rows[None], np.array([4]))[0]
    np.testing.assert_array_equal(moved[:, 1:], rows[:, 1:])
    marks = [w in ("START", "END") for w in words(encoding, rows)]
    assert [w in ("START", "END") for w in words(encoding, moved)] == marks
    assert moved[:, 0].tolist() != rows[:, 0].tolist()


def test_a_fitted_encoding_is_not_fitted_again():
    encoding = fitted(get("note_chord"), TUNE)
    with pytest.raises(ValueError, match="already"):
        fitted(encoding, TUNE)


def test_without_music_there_is_no_vocabulary():
    with pytest.raises(ValueError, match="no note"):
        get("note_chord").fit([np.zeros(4224, np.int64)])


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ([57, 64], "4.9"),  # known
        ([57, 60, 64], "4.9"),  # A minor has two tones of both, and C major brings one more
        ([61, 66], "4.9"),  # nothing in common with any: the first of those with fewest tones
        ([87], "E-5"),  # the same pitch class, an octave away
        ([50], "B-2"),  # no D is known: the nearest note
    ],
)
def test_what_the_vocabulary_lacks_becomes_its_nearest_symbol(asked, nearest):
    universe = get("note_chord")
    encoding = fitted(universe, TUNE, piece((0, 1, [46, 50, 53]), (1, 1, [46])))
    rows = encoding.encode(piece((0, 1, asked))).rows
    assert words(encoding, rows) == [nearest]


def test_where_no_chord_is_known_a_chord_becomes_a_note_of_its():
    encoding = fitted(get("note_chord"), piece((0, 1, [60]), (1, 1, [62])))
    assert words(encoding, encoding.encode(piece((0, 1, [50, 54]))).rows) == ["D4"]


def test_a_vocabulary_with_a_name_that_is_none_is_refused():
    with pytest.raises(RecipeError, match="'H5'"):
        get("note_chord").with_vocabulary(["C4", "H5"])


def test_eight_rows_are_a_bar_of_four_four():
    encoding = get("note_chord")
    rows = np.full((9, 1), 60, np.uint16)
    assert encoding.positions(rows)[8] * encoding.step_beats == 4
    assert not encoding.timed


# -- octaves ---------------------------------------------------------------------------------


def test_with_octaves_a_chord_is_rows_that_sound_together():
    encoding = get("note_chord", octaves=True)
    rows = encoding.encode(TUNE).rows
    assert words(encoding, rows) == ["E-5", "A3", "+E4", "C2", "+G3", "+E4", "+E5"]
    assert encoding.positions(rows).tolist() == [0, 1, 1, 2, 2, 2, 2]
    assert [pitches for _, _, pitches in played(encoding.decode(rows))] == [
        [75],
        [57, 64],
        [36, 55, 64, 76],
    ]


# -- rhythm ----------------------------------------------------------------------------------


def test_with_rhythm_rows_tell_length_and_step_in_twelfths_of_a_beat():
    encoding = get("note_chord", rhythm=True)
    rows = encoding.encode(TUNE).rows
    assert words(encoding, rows) == ["START", "E-5", "4.9", "0.4.7", "END"]
    assert (rows[1:-1, 1] + 1).tolist() == [12, 6, 24]
    assert rows[1:-1, 2].tolist() == [0, 12, 24]
    assert encoding.positions(rows).tolist() == [0, 0, 12, 36, 36]
    assert encoding.ends(rows).tolist() == [False] * 4 + [True]
    assert encoding.timed


def test_with_rhythm_the_piece_keeps_its_time():
    encoding = get("note_chord", rhythm=True, octaves=True)
    assert played(encoding.decode(encoding.encode(TUNE).rows)) == [
        (0, {1}, [75]),
        (1, {0.5}, [57, 64]),
        (3, {2}, [36, 55, 64, 76]),
    ]


def test_rows_after_end_are_not_played():
    encoding = get("note_chord", rhythm=True)
    rows = encoding.encode(TUNE).rows
    assert encoding.decode(np.concatenate([rows, rows])) == encoding.decode(rows)


# -- what it keeps ---------------------------------------------------------------------------


@settings(max_examples=50)
@given(scores(track=piano, extras=False))
def test_single_notes_keep_their_pitch_and_chords_their_tones(score):
    encoding = get("note_chord")
    rows = encoding.encode(score).rows
    heard = {p % 12 for p in encoding.decode(rows).notes["pitch"].tolist()}
    assert heard == {p % 12 for p in score.notes["pitch"].tolist()}


@settings(max_examples=50)
@given(st.lists(st.integers(0, 127), min_size=1, max_size=20))
def test_a_melody_keeps_its_pitches_in_order(pitches):
    tune = piece(*((i, 0.5, [p]) for i, p in enumerate(pitches)))
    for options in ({}, {"octaves": True}, {"rhythm": True}):
        encoding = get("note_chord", **options)
        assert encoding.decode(encoding.encode(tune).rows).notes["pitch"].tolist() == pitches
