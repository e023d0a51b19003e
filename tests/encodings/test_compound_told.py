"""Windows of compound rows that say more or less."""

import numpy as np
import pytest

from segue.encodings import get, portrait
from segue.encodings.compound import END, REST, START, STEP
from segue.score import NOTE, Score, Track, events

AHEAD = 48
ENCODING = get(
    "compound", max_tracks=2, drums=False, tempo="rows", about=True, bars=True, ahead=AHEAD
)
NOTHING = np.zeros((1, len(portrait.KINDS) + 1), bool)


@pytest.fixture(scope="module")
def rows():
    """Two hands, thirty-two beats with a long rest, as one window."""
    right = [(96 * b, 90, 0, 60 + b % 12, 80) for b in range(40) if not 20 <= b < 28]
    left = [(192 * b, 190, 1, 40 + b % 5, 60) for b in range(20) if not 10 <= b < 14]
    score = Score(96, events(NOTE, right + left), (Track("R"), Track("L")))
    return ENCODING.encode(score).rows[None]


def notes(window):
    """What sounds when, by track."""
    score = ENCODING.decode(np.asarray(window))
    table = np.stack([score.notes[n] for n in ("onset", "pitch", "duration", "track")], axis=1)
    return {tuple(row) for row in table.tolist()}


def told(window):
    return (window[:, 0] >= STEP) & (window[:, 1] >= ENCODING.max_tracks)


def test_what_is_told_ahead_is_the_same_music(rows):
    for how in (0.1, 0.5, 0.9):
        changed = ENCODING.tell_ahead(rows, np.array([[0.5, how, 0.3, 0.4, 0.7]]))
        window = changed.rows[0][changed.source[0] >= 0]
        assert told(window).any()
        assert notes(window) <= notes(rows[0])
        # A window has so many rows: rests may push its end out, nothing else is lost.
        assert len(notes(window)) >= len(notes(rows[0])) - 4


def test_what_is_told_ahead_is_not_learned(rows):
    changed = ENCODING.tell_ahead(rows, np.array([[0.5, 0.9, 0.5, 0.4, 0.7]]))
    window, source = changed.rows[0], changed.source[0]
    assert (source[told(window)] == 0).all()
    kept = (source > 0) & (window[:, 0] != REST)
    was, now = rows[0][source[kept]], window[kept]
    assert np.array_equal(was[:, 1:], now[:, 1:])


def test_a_track_or_a_while_is_told(rows):
    of_track = ENCODING.tell_ahead(rows, np.array([[0.5, 0.1, 0.9, 0.4, 0.7]])).rows[0]
    assert set(of_track[told(of_track), 1]) == {3}
    late = of_track[~told(of_track) & (of_track[:, 0] >= STEP), 1]
    at = ENCODING.positions(of_track)[~told(of_track) & (of_track[:, 0] >= STEP)]
    assert not (late[at >= AHEAD] == 1).any()
    a_while = ENCODING.tell_ahead(rows, np.array([[0.5, 0.5, 0.8, 0.0, 0.7]])).rows[0]
    at = ENCODING.positions(a_while)[told(a_while)]
    assert 0 < at.max() - at.min() <= AHEAD / 2


def test_nothing_drawn_is_nothing_changed(rows):
    same = [
        ENCODING.tell_ahead(rows, np.array([[-1, 0.5, 0.5, 0.5, 0.5]])),
        ENCODING.one_track(rows, np.array([False])),
        ENCODING.forget(rows, NOTHING),
    ]
    for changed in same:
        assert np.array_equal(changed.rows, rows)
        assert (changed.source == np.arange(rows.shape[1])).all()


def test_what_is_forgotten_is_gone_and_nothing_else(rows):
    dropped = NOTHING.copy()
    dropped[0, [1, 4]] = True
    window = ENCODING.forget(rows, dropped)
    kept = window.rows[0][window.source[0] >= 0]
    codes = kept[kept[:, 0] >= STEP, 2]
    first = portrait.FIRST
    assert not ((codes >= first["key"]) & (codes < first["density"])).any()
    assert not ((codes >= portrait.SIZE) & (codes < portrait.SIZE + 12)).any()
    assert (codes == rows[0, 2, 2]).any()  # the density
    assert notes(kept) == notes(rows[0])
    assert kept[0, 0] == START
    assert kept[-1, 0] == END


def test_two_hands_become_one(rows):
    window = ENCODING.one_track(rows, np.array([True]))
    kept = window.rows[0][window.source[0] >= 0]
    assert (kept[:, 1] == 0).all()
    assert {n[:3] for n in notes(kept)} == {n[:3] for n in notes(rows[0])}
    grammar = ENCODING.grammar()
    state = grammar.start(1)
    for row in kept.astype(np.int64):
        for column in range(5):
            assert grammar.allowed(column, row[None, :column], state)[0, row[column]]
        state = grammar.advance(state, row[None])


def test_notes_struck_by_both_hands_are_struck_once():
    both = [(0, 90, 0, 60, 80), (0, 50, 1, 60, 60), (96, 90, 1, 62, 60)]
    score = Score(96, events(NOTE, both), (Track("R"), Track("L")))
    rows = ENCODING.encode(score).rows[None]
    window = ENCODING.one_track(rows, np.array([True]))
    kept = window.rows[0][window.source[0] >= 0]
    assert [n[1] for n in sorted(notes(kept))] == [60, 62]


def test_slower_music_has_slower_tempi(rows):
    changed = ENCODING.stretch(rows, np.array([1.1])).rows[0]
    before, after = (ENCODING.decode(each) for each in (rows[0], changed))
    ratio = after.tempi["microseconds"][0] / before.tempi["microseconds"][0]
    assert ratio == pytest.approx(1.1, abs=0.03)
    assert np.array_equal(before.notes, after.notes)


def test_what_does_not_fit_is_left_out(rows):
    short = rows[:, :20]
    changed = ENCODING.tell_ahead(short, np.array([[0.5, 0.9, 0.5, 0.4, 0.7]]))
    assert changed.rows.shape == short.shape
    assert (changed.source[0] >= 0).all()
