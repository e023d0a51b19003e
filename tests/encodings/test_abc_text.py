import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import get
from segue.encodings.abc_read import read
from segue.encodings.abc_words import alphabet, length_word, spelled, vocabulary
from segue.errors import DataError
from segue.formats import abc
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Track, events
from strategies import piano, scores

EIGHTH = 48


def tune(*notes, metre=(6, 8), key=(1, False), **fields):
    """A tune in 96 ticks a beat from (onset, length, pitch) in eighths."""
    rows = [(round(o * EIGHTH), round(n * EIGHTH), 0, pitch, 80) for o, n, pitch in notes]
    return Score(
        96,
        events(NOTE, rows),
        (Track("Jig"),),
        metres=events(METRE, [(0, *metre)]),
        keys=events(KEY, [(0, *key)]),
        **fields,
    )


def text(score, level="token"):
    encoding = get("abc_text", level=level)
    return encoding.text(encoding.encode(score).rows)


def music(score):
    """The text after the header."""
    return text(score).split("\n", 4)[-1].strip()


def played(score):
    """(onset, length, pitch) in eighths."""
    eighth = score.ticks_per_beat / 2
    return [(o / eighth, d / eighth, p) for o, d, _, p, _ in score.notes.tolist()]


JIG = tune(*((i, 1, p) for i, p in enumerate([67, 69, 71, 72, 71, 69, 67, 66, 64, 62, 60, 59])))


@pytest.mark.parametrize("level", ["token", "char"])
def test_a_tune_is_plain_abc(level):
    assert text(JIG, level) == "X:1\nL:1/8\nM:6/8\nK:G\nGABcBA|GFEDCB,\n"


def test_words_are_rows():
    encoding = get("abc_text")
    names = encoding.names()
    rows = encoding.encode(tune((0, 2, 67), (2, 1, 69))).rows
    assert [names[s] for s in rows[:, 0]] == ["", "M:6/8\n", "K:G\n", "G", "2", "A", ""]
    kinds = [kind for kind, words in vocabulary() for _ in words]
    assert [kinds[s] for s in rows[:, 0]] == [
        "start", "metre", "key", "note", "length", "note", "end"
    ]  # fmt: skip


def test_the_alphabet_is_what_words_are_spelled_with():
    assert "".join(alphabet()) == "\n#',-/0123456789:=ABCDEFGKM[]^_abcdefgmz|"


@pytest.mark.parametrize(
    ("steps", "word"), [(6, ""), (12, "2"), (9, "3/2"), (3, "1/2"), (4, "2/3"), (1, "1/6")]
)
def test_lengths_are_parts_of_an_eighth(steps, word):
    assert length_word(steps) == word


@pytest.mark.parametrize(
    ("pitch", "key", "expected"),
    [
        (66, (1, False), ("F", 1, 4)),  # F sharp in G
        (65, (1, False), ("F", 0, 4)),  # F natural in G
        (63, (0, False), ("D", 1, 4)),
        (63, (-1, False), ("E", -1, 4)),
        (68, (0, True), ("G", 1, 4)),  # the leading tone of A minor
        (71, (-3, True), ("B", 0, 4)),  # and of C minor
        (73, (-1, True), ("C", 1, 5)),  # and of D minor
        (60, (7, False), ("B", 1, 3)),  # B sharp in C sharp major, an octave down
        (0, (7, False), ("C", 0, -1)),  # below which there is no B
    ],
)
def test_pitches_are_spelled_by_the_key(pitch, key, expected):
    assert spelled(pitch, *key) == expected


def test_signs_are_written_where_key_and_bar_do_not_imply_them():
    # In G: F natural, again, then F sharp, and after the bar line F natural anew.
    score = tune((0, 1, 65), (1, 1, 65), (2, 1, 66), (3, 3, 67), (6, 1, 65))
    assert music(score) == "=FF^FG3|=F"


def test_a_sign_in_another_octave_is_made_plain():
    # Some programs let the natural hold for both Fs, some for one: a sign serves either.
    score = tune((0, 1, 65), (1, 1, 77), (2, 1, 78))
    assert music(score) == "=F=f^f"


def test_chords_rests_and_ties():
    score = tune((0, 2, 60), (0, 2, 64), (0, 2, 67), (4, 4, 71), metre=(3, 4), key=(0, False))
    assert music(score) == "[CEG]2z2B2-|B2"


def test_a_first_bar_that_begins_late_is_an_upbeat():
    score = tune((5, 1, 62), (6, 3, 67), (9, 3, 71), (12, 6, 74))
    assert music(score) == "D|G3B3|d6"
    assert played(read(text(score))) == played(score)


def test_a_tune_of_one_bar_says_its_rest():
    assert music(tune((2, 1, 62))) == "z2D"


def test_whole_bars_of_silence_are_written():
    score = tune((8, 1, 62))
    assert music(score) == "z6|z2D"
    assert played(read(text(score))) == played(score)


def test_a_change_of_metre_is_written_where_it_falls():
    score = tune((0, 6, 67), (6, 4, 69), (10, 6, 71))
    changed = score.with_(metres=events(METRE, [(0, 6, 8), (6 * EIGHTH, 2, 4), (480, 6, 8)]))
    assert music(changed) == "G6|[M:2/4]A4|[M:6/8]B6"
    assert [row[1:] for row in read(text(changed)).metres.tolist()] == [(6, 8), (2, 4), (6, 8)]


def test_a_bar_that_the_next_one_cuts_short_stays_short():
    # 4/4 told anew after two beats of its second bar.
    score = tune((0, 8, 67), (8, 4, 69), (12, 8, 71), metre=(4, 4))
    cut = score.with_(metres=events(METRE, [(0, 4, 4), (12 * EIGHTH, 4, 4)]))
    assert music(cut) == "G8|A4|B8"
    assert read(text(cut)).metre_map.bars([0, 12 * 240]).tolist() == [0, 2]


def test_a_short_first_bar_that_is_no_upbeat_gets_its_own_metre():
    score = tune((0, 4, 67), (4, 8, 71), metre=(4, 4))
    cut = score.with_(metres=events(METRE, [(0, 4, 4), (4 * EIGHTH, 4, 4)]))
    assert "M:2/4\n" in text(cut)
    assert music(cut) == "G4|[M:4/4]B8"
    assert played(read(text(cut))) == played(cut)


def test_only_the_first_pitched_track_is_written_as_one_line():
    rows = [(0, 96, 0, 36, 80), (0, 96, 1, 60, 80), (48, 96, 1, 62, 80), (0, 96, 2, 48, 80)]
    tracks = (Track("Kit", 0, True), Track("Tune", 73), Track("Bass"))
    score = Score(96, events(NOTE, rows), tracks, tempi=events(TEMPO, [(0, 400_000)]))
    encoding = get("abc_text")
    encoded = encoding.encode(score)
    assert encoding.text(encoded.rows).endswith("K:C\nCD2\n")
    back = encoding.decode(encoded.rows, encoded.header)
    assert back.tracks == (Track("Tune", 73),)
    assert back.tempi.tolist() == [(0, 400_000)]


def test_a_metre_without_a_word_becomes_four_four():
    assert "M:4/4" in text(tune((0, 1, 60), metre=(77, 64)))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("CC", [(0, 1, 60), (1, 1, 60)]),
        ("C2-C", [(0, 3, 60)]),
        ("C-D", [(0, 1, 60), (1, 1, 62)]),  # a tie to another pitch holds nothing
        ("[CE-", [(0, 1, 60), (1, 1, 64)]),  # a bracket never closed
        ("C//", [(0, 2 / 6, 60)]),  # a quarter of an eighth, to the nearest twelfth of a beat
        ("C0", [(0, 1 / 6, 60)]),
        ("C99999999", [(0, 200, 60)]),
        ("C,,,,,,,,,c''''''''", []),
        ("^F4 F4|F", [(0, 4, 66), (4, 4, 66), (8, 1, 65)]),
        ("K:G\nFz2F", [(0, 1, 66), (3, 1, 66)]),
        ("nonsense!", [(0, 1, 76), (1, 1, 76)]),  # two of its letters are notes
        ("2/2C", [(0, 1, 60)]),
    ],
)
def test_whatever_a_model_writes_is_read(written, expected):
    assert played(read(written)) == [
        (onset, pytest.approx(length), pitch) for onset, length, pitch in expected
    ]


def test_positions_are_where_notes_start():
    encoding = get("abc_text")
    rows = encoding.encode(tune((0, 2, 60), (2, 1, 64), (3, 4, 67), key=(0, False))).rows
    # START M: K: | C 2 | E | G 3 - bar G END
    assert encoding.positions(rows).tolist() == [0, 0, 0, 0, 0, 12, 18, 18, 36, 36, 36, 42]


def test_of_characters_a_bar_line_is_a_bar():
    encoding = get("abc_text", level="char")
    rows = encoding.encode(JIG).rows
    assert (encoding.positions(rows)[0], encoding.positions(rows)[-1]) == (0, 48)


def test_a_tune_of_years_is_refused():
    with pytest.raises(DataError, match="cut it first"):
        text(tune((6 * 30_000, 1, 60)))


@settings(max_examples=60)
@given(scores(track=piano, most_tracks=1), st.sampled_from(["token", "char"]))
def test_other_programs_read_the_same_tune(score, level):
    encoding = get("abc_text", level=level)
    rows = encoding.encode(score).rows
    decoded = encoding.decode(rows)
    if not len(decoded):
        return
    other = abc.parse(encoding.text(rows)).score
    assert np.allclose(played(other), played(decoded))
    assert other.metres[["numerator", "denominator"]].tolist()[0] == decoded.metres.tolist()[0][1:]
    assert other.keys.tolist() == decoded.keys.tolist()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(24, 100)), max_size=20))
def test_a_melody_comes_back_note_for_note(notes):
    at, rows = 0, []
    for length, pitch in notes:
        rows.append((at * 8, length * 8, 0, pitch, 80))
        at += length
    score = Score(96, events(NOTE, rows), (Track(),))
    encoding = get("abc_text")
    encoded = encoding.encode(score)
    assert np.allclose(played(encoding.decode(encoded.rows)), played(score))
