import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import get
from segue.encodings.nes_words import quantise_waits, waits, words
from segue.formats import nes_text
from segue.score import CONTROL, NOTE, Score, Track, events
from strategies import scores

VOICES = tuple(Track(name) for name in ("p1", "p2", "tr", "no"))


def song(*notes, controls=()):
    """A song in samples from (onset, duration, voice, pitch, level)."""
    return Score(22_050, events(NOTE, notes), VOICES, controls=events(CONTROL, controls))


# A pulse tune of two notes without a gap over a triangle, then a noise hit.
SONG = song((0, 100, 0, 60, 9), (100, 1234, 0, 62, 5), (0, 1334, 2, 48, 1), (1334, 50, 3, 7, 15))


def spelled(encoding, score):
    names = encoding.names()
    return [names[s] for s in encoding.encode(score).rows[:, 0]]


def test_tx1_has_630_words_and_tx2_685():
    assert (len(words(False)), len(words(True))) == (630, 685)
    assert set(words(False)) == set(nes_text.vocabulary())
    assert set(words(True)) == set(nes_text.vocabulary(levels=True))
    assert get("nes_events").layout.sizes == (631,)
    assert get("nes_events", levels=True, end=True).layout.sizes == (687,)


def test_a_song_is_spelled_as_event_text_spells_it():
    assert spelled(get("nes_events", end=True), SONG) == [
        "<S>",
        "P1_NOTEON_60",
        "TR_NOTEON_48",
        "WT_100",
        "P1_NOTEON_62",  # at once, so P1 lets nothing go
        "WT_1200",  # 1,234 samples to the nearest hundred
        "P1_NOTEOFF",
        "TR_NOTEOFF",
        "NO_NOTEON_7",
        "WT_50",
        "NO_NOTEOFF",
        "END",
    ]


@pytest.mark.parametrize("options", [{}, {"levels": True, "end": True}, {"split": True}])
def test_transposed_voices_move_together_and_noise_stays(options):
    encoding = get("nes_events", **options)
    rows = encoding.encode(SONG).rows
    moved = encoding.transpose(np.stack([rows] * 4), np.array([0, 5, -100, 100]))
    assert moved.dtype == rows.dtype
    expected = encoding.decode(rows).notes
    voices = expected["track"] < 3
    # The triangle goes down from 48 to 21, the pulse up from 62 to 108.
    for window, by in zip(moved, (0, 5, -27, 46), strict=True):
        notes = encoding.decode(window).notes
        assert (notes["pitch"].astype(int) - expected["pitch"]).tolist() == (by * voices).tolist()
        assert notes["onset"].tolist() == expected["onset"].tolist()
        assert notes["velocity"].tolist() == expected["velocity"].tolist()


def test_tx2_gives_each_note_its_level_and_every_change_a_row():
    score = song((0, 100, 0, 60, 9), controls=[(0, 0, 12, 2), (40, 0, 11, 3), (60, 2, 11, 3)])
    encoding = get("nes_events", levels=True)
    assert spelled(encoding, score)[1:] == [
        "P1_NOTEON_60", "P1_VELOCITY_9", "P1_TIMBRE_2", "WT_40", "P1_VELOCITY_3",
        "WT_60", "P1_NOTEOFF",
    ]  # fmt: skip
    back = encoding.decode(encoding.encode(score).rows)
    assert back.notes.tolist() == [(0, 100, 0, 60, 9)]
    assert back.controls.tolist() == [(0, 0, 12, 2), (40, 0, 11, 3)]


def test_split_events_are_a_type_a_number_and_a_wait():
    encoding = get("nes_events", split=True)
    assert encoding.layout.sizes == (10, 109, 370)
    assert encoding.names() == [
        "WT", "P1_NOTEOFF", "P1_NOTEON", "P2_NOTEOFF", "P2_NOTEON", "TR_NOTEOFF", "TR_NOTEON",
        "NO_NOTEOFF", "NO_NOTEON", "END",
    ]  # fmt: skip
    rows = encoding.encode(SONG).rows
    assert rows[:4].tolist() == [[2, 60, 0], [6, 48, 0], [0, 0, 99], [2, 62, 0]]
    assert rows[-1].tolist() == [9, 0, 0]
    assert encoding.waits[rows[2, 2]] == 100
    assert get("nes_events", split=True, levels=True).layout.sizes[0] == 16


def test_split_or_not_it_is_the_same_music():
    plain, split = get("nes_events"), get("nes_events", split=True)
    assert plain.decode(plain.encode(SONG).rows) == split.decode(split.encode(SONG).rows)


def test_a_split_number_that_its_type_does_not_have_is_refused():
    with pytest.raises(ValueError, match="row 1: NO_NOTEON has no number 17; 1 to 16"):
        get("nes_events", split=True).decode(np.array([[0, 0, 5], [8, 17, 0]], np.uint16))


@pytest.mark.parametrize(
    ("samples", "wait"), [(1, 1), (100, 100), (104, 100), (105, 110), (1049, 1000), (1050, 1100),
                          (10_499, 10_000), (10_500, 11_000), (99_700, 100_000), (10**7, 100_000)]
)  # fmt: skip
def test_waits_are_rounded_more_the_longer_they_are(samples, wait):
    assert quantise_waits(np.array([samples])).tolist() == [wait]
    assert nes_text.quantise_wait(samples) == wait


def test_there_are_370_waits():
    assert len(waits()) == 370


def test_a_wait_past_the_longest_is_several():
    late = song((250_000, 100, 0, 60, 9))
    encoding = get("nes_events")
    assert spelled(encoding, late)[1:4] == ["WT_100000", "WT_100000", "WT_50000"]
    assert encoding.decode(encoding.encode(late).rows).notes["onset"].tolist() == [250_000]


def test_positions_are_samples():
    encoding = get("nes_events")
    rows = encoding.encode(SONG).rows
    assert encoding.positions(rows).tolist() == [
        0,
        0,
        0,
        100,
        100,
        1300,
        1300,
        1300,
        1300,
        1350,
        1350,
    ]
    assert encoding.positions(rows)[-1] * encoding.step_seconds == pytest.approx(1350 / 44_100)


def test_a_note_left_sounding_ends_with_the_piece_and_stray_note_offs_do_nothing():
    encoding = get("nes_events")
    symbol = {name: i for i, name in enumerate(encoding.names())}
    row = [["P2_NOTEOFF"], ["P1_NOTEON_60"], ["WT_30"], ["P2_NOTEOFF"], ["WT_20"]]
    rows = np.array([[symbol[name[0]]] for name in row], np.uint16)
    assert encoding.decode(rows).notes.tolist() == [(0, 50, 0, 60, 15)]


def test_any_score_is_arranged_for_the_four_voices():
    tracks = (Track("Flute", 73), Track("Kit", 0, True))
    score = Score(480, events(NOTE, [(0, 480, 0, 72, 100), (0, 480, 1, 36, 100)]), tracks)
    names = {name.split("_")[0] for name in spelled(get("nes_events"), score)}
    assert names == {"<S>", "P1", "NO", "WT"}


@settings(max_examples=40)
@given(scores(track=st.sampled_from(VOICES)), st.booleans())
def test_event_text_of_the_same_words_is_the_same_music(score, levels):
    encoding = get("nes_events", levels=levels)
    rows = encoding.encode(score).rows
    if not len(encoding.decode(rows)):
        return
    names = encoding.names()
    text = "\n".join(names[s] for s in rows[:, 0])
    assert nes_text.parse(text).score == encoding.decode(rows)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 684), min_size=1, max_size=40))
def test_words_in_any_order_mean_what_event_text_says(symbols):
    encoding = get("nes_events", levels=True)
    names = encoding.names()
    on = names.index("P1_NOTEON_60")
    rows = np.array([on, 50, *symbols], np.uint16)[:, None]
    text = "\n".join(names[s] for s in rows[:, 0])
    read, decoded = nes_text.parse(text).score, encoding.decode(rows)
    assert read.notes.tolist() == decoded.notes.tolist()
    assert sorted(read.controls.tolist()) == sorted(decoded.controls.tolist())


@settings(max_examples=40)
@given(scores(track=st.sampled_from(VOICES), beats=4))
def test_each_wait_is_within_five_percent(score):
    encoding = get("nes_events", levels=True)
    spelled_out = spelled(encoding, score)[1:]
    if not any("NOTEON" in word for word in spelled_out):
        return
    exact = nes_text.event_lines(score, levels=True)
    true = [int(w[3:]) for w in exact if w.startswith("WT_")]
    if any(t > 100_000 for t in true):
        return
    got = [int(w[3:]) for w in spelled_out if w.startswith("WT_")]
    assert got == pytest.approx(true, rel=0.05)
    assert [w for w in spelled_out if w[:2] != "WT"] == [w for w in exact if w[:2] != "WT"]


# -- the grammar -----------------------------------------------------------------------------


def following(encoding, *words_so_far):
    """The words that may follow, as a set."""
    names = encoding.names()
    grammar = encoding.grammar()
    state = grammar.start(1)
    for word in words_so_far:
        state = grammar.advance(state, np.array([[names.index(word)]]))
    mask = grammar.allowed(0, np.zeros((1, 0), np.int64), state)[0]
    return {name for name, allowed in zip(names, mask, strict=True) if allowed}


def test_between_two_waits_each_voice_comes_once_and_in_order():
    encoding = get("nes_events", end=True)
    assert following(encoding) == {"<S>"}
    after = following(encoding, "<S>", "P2_NOTEON_60")
    assert not any(word.startswith(("P1", "P2")) for word in after)
    assert {"TR_NOTEON_40", "NO_NOTEON_3", "WT_100", "END"} <= after
    assert "<S>" not in after
    later = following(encoding, "<S>", "P2_NOTEON_60", "WT_100")
    assert {"P1_NOTEON_60", "P2_NOTEON_62", "P2_NOTEOFF"} <= later


def test_only_a_voice_that_sounds_is_silenced():
    encoding = get("nes_events")
    offs = {"P1_NOTEOFF", "P2_NOTEOFF", "TR_NOTEOFF", "NO_NOTEOFF"}
    so_far = ("<S>", "P1_NOTEON_60", "TR_NOTEON_40", "WT_100")
    assert following(encoding, *so_far) & offs == {"P1_NOTEOFF", "TR_NOTEOFF"}
    assert following(encoding, *so_far, "P1_NOTEOFF", "WT_100") & offs == {"TR_NOTEOFF"}


def test_levels_follow_the_note_they_belong_to():
    after = following(get("nes_events", levels=True), "<S>", "P1_NOTEON_60", "P1_VELOCITY_9")
    assert {"P1_VELOCITY_3", "P1_TIMBRE_1", "P2_NOTEON_60"} <= after
    assert not any(word.startswith("P1_NOTE") for word in after)
