"""From notes to a page: times, hands, voices, values, tuplets, beams and bars."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import FormatError, LimitError
from segue.formats.engrave import engraved
from segue.formats.engrave_beams import beams
from segue.formats.engrave_grid import UNITS, snapped
from segue.formats.engrave_hands import split_hands
from segue.formats.engrave_metre import SHORTEST, VALUES, WHOLE, Metre, cut
from segue.formats.engrave_values import Symbol, Tuplet, written
from segue.formats.engrave_voices import Head, Note, Span, readable, spans, struck, voices
from segue.score import METRE, NOTE, Score, Track, events
from strategies import scores as any_scores

B = UNITS


def notes(*rows: tuple[int, int]) -> np.ndarray:
    """A note table from (onset, duration) in ticks."""
    return events(NOTE, [(o, d, 0, 60, 80) for o, d in rows])


# -- times --------------------------------------------------------------------------------------


def test_written_times_are_kept_exactly() -> None:
    onsets, ends, simplified = snapped(notes((0, 480), (480, 160), (640, 160), (840, 80)), 480)
    assert not simplified
    assert onsets.tolist() == [0, B, B + B // 3, B + 3 * B // 4]
    assert ends.tolist() == [B, B + B // 3, B + 2 * B // 3, B + 11 * B // 12]


def test_a_quintuplet_is_believed_of_five_onsets() -> None:
    onsets, _, _ = snapped(notes((0, 480), *((480 + 96 * n, 96) for n in range(5))), 480)
    assert onsets.tolist() == [0, *(B + n * B // 5 for n in range(5))]


def test_rounded_ticks_are_understood() -> None:
    onsets, _, _ = snapped(notes((0, 333), (333, 334), (667, 333), (1000, 1000)), 1000)
    assert onsets.tolist() == [0, B // 3, 2 * B // 3, B]


def test_played_times_go_to_the_nearest_that_read_well() -> None:
    onsets, _, simplified = snapped(notes((7, 430), (490, 200), (715, 210), (968, 900)), 480)
    assert simplified
    assert onsets.tolist() == [0, B, B + B // 2, 2 * B]


def test_played_triplets_are_heard() -> None:
    rows = [(480 * b + t, 120) for b in range(4) for t in (7, 166, 318)]
    onsets, _, _ = snapped(notes(*rows), 480)
    assert set((onsets % B).tolist()) == {0, B // 3, 2 * B // 3}


# -- hands --------------------------------------------------------------------------------------


def test_hands_part_between_bass_and_treble() -> None:
    assert split_hands([[36, 48, 64, 67, 72], [40], [76], [43, 71]]) == [2, 1, 0, 1]


def test_a_hand_goes_on_with_its_line() -> None:
    # A left hand that climbs over middle C keeps its run, an octave under the right.
    climb = [[48 + 2 * n, 72 + 2 * n] for n in range(8)]
    assert split_hands(climb) == [1] * 8


def test_no_hand_takes_more_than_it_can() -> None:
    assert split_hands([[40, 52, 55, 59, 64, 68, 71, 76]]) in ([3], [4])


@given(st.lists(st.lists(st.integers(0, 127), min_size=1, max_size=8, unique=True).map(sorted)))
def test_any_notes_can_be_parted(groups: list[list[int]]) -> None:
    found = split_hands(groups)
    assert len(found) == len(groups)
    assert all(0 <= k <= len(group) for k, group in zip(found, groups, strict=True))


# -- voices -------------------------------------------------------------------------------------


def test_one_voice_where_one_can_say_it() -> None:
    upper, lower = voices([Note(0, B, 60, 80), Note(0, B, 64, 80), Note(B, 2 * B, 62, 80)])
    assert (len(upper), len(lower)) == (3, 0)


def test_a_held_note_stands_below_a_moving_line_over_it() -> None:
    upper, lower = voices([Note(0, 4 * B, 48, 80), Note(B, 2 * B, 72, 80)])
    assert [n.pitch for n in upper] == [72]
    assert [n.pitch for n in lower] == [48]


def test_spans_cover_all_time_and_tie_what_goes_on() -> None:
    found = spans([Note(0, 3 * B, 60, 80), Note(B, 2 * B, 64, 80)], [0, 2 * B, 4 * B])
    assert [(s.start // B, s.end // B, [h.pitch for h in s.heads]) for s in found] == [
        (0, 1, [60]),
        (1, 2, [60, 64]),
        (2, 3, [60]),
        (3, 4, []),
    ]
    ties = [[(h.tied_from, h.tied_to) for h in s.heads] for s in found[:3]]
    assert ties == [[(False, True)], [(True, True), (False, False)], [(True, False)]]


def test_what_was_played_is_made_readable() -> None:
    played = [Note(0, 7 * B // 8, 60, 80), Note(0, 5 * B // 8, 64, 80), Note(B, 3 * B, 62, 80)]
    assert [(n.onset, n.end) for n in readable(played)] == [(0, B), (0, B), (B, 3 * B)]


def test_drum_strokes_last_to_the_next_or_the_end_of_their_beat() -> None:
    found = struck([Note(0, 1, 36, 80), Note(B // 2, 9 * B, 38, 80), Note(3 * B, 9 * B, 36, 80)])
    assert [n.end for n in found] == [B // 2, B, 4 * B]


# -- values -------------------------------------------------------------------------------------


def symbols(metre: Metre, *lengths: float) -> list[tuple[int, int]]:
    """(power, dots) of a voice of notes with these lengths, in beats."""
    edges = np.cumsum([0, *(round(n * B) for n in lengths)]).tolist()
    line = [Span(a, b, [Head(60, 80)]) for a, b in itertools.pairwise(edges)]
    return [(s.power, s.dots) for s in written(line, metre, 0, edges[-1])]


@pytest.mark.parametrize(
    ("metre", "lengths", "expected"),
    [
        ((4, 4), [4], [(0, 0)]),
        ((4, 4), [3, 1], [(1, 1), (2, 0)]),
        ((4, 4), [0.5, 1, 0.5, 2], [(3, 0), (2, 0), (3, 0), (1, 0)]),  # a syncopation
        ((4, 4), [1.5, 1, 1.5], [(2, 1), (3, 0), (3, 0), (2, 1)]),  # not over the half bar
        ((4, 4), [1, 2.5, 0.5], [(2, 0), (2, 0), (2, 1), (3, 0)]),
        ((4, 4), [3.5, 0.5], [(1, 0), (2, 1), (3, 0)]),
        ((3, 4), [3], [(1, 1)]),
        ((6, 8), [1.5, 1.5], [(2, 1), (2, 1)]),
        ((6, 8), [1, 1, 1], [(2, 0), (3, 0), (3, 0), (2, 0)]),  # the second dotted beat shows
        ((5, 4), [5], [(0, 0), (2, 0)]),
        ((2, 2), [1, 2, 1], [(2, 0), (1, 0), (2, 0)]),
    ],
)
def test_values_show_the_beat(
    metre: tuple[int, int], lengths: list[float], expected: list[tuple[int, int]]
) -> None:
    assert symbols(Metre(*metre), *lengths) == expected


def test_rests_hide_less_than_notes() -> None:
    metre = Metre(4, 4)
    assert cut(B // 2, 3 * B // 2, metre, rest=False) == [B // 2, 3 * B // 2]
    assert cut(B // 2, 3 * B // 2, metre, rest=True) == [B // 2, B, 3 * B // 2]


@given(
    st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8), (7, 8), (2, 2), (9, 8), (15, 16), (1, 1)]),
    st.data(),
)
def test_any_stretch_of_a_bar_can_be_written(
    signature: tuple[int, int], data: st.DataObject
) -> None:
    metre = Metre(*signature)
    steps = metre.length // SHORTEST
    start = data.draw(st.integers(0, steps - 1)) * SHORTEST
    end = data.draw(st.integers(start // SHORTEST + 1, steps)) * SHORTEST
    edges = cut(start, end, metre, rest=data.draw(st.booleans()))
    assert (edges[0], edges[-1]) == (start, end)
    assert all(b - a in VALUES for a, b in itertools.pairwise(edges))


def tuplets(metre: Metre, *lengths: float) -> list[tuple[int, int, float, float] | None]:
    edges = np.cumsum([0, *(round(n * B) for n in lengths)]).tolist()
    line = [Span(a, b, [Head(60, 80)]) for a, b in itertools.pairwise(edges)]
    found = (s.tuplet for s in written(line, metre, 0, edges[-1]))
    return [t and (t.actual, t.normal, t.start / B, t.end / B) for t in found]


def test_tuplets_are_as_wide_as_they_need_to_be() -> None:
    third = 1 / 3
    assert tuplets(Metre(4, 4), third, third, third, 3) == [(3, 2, 0, 1)] * 3 + [None]
    assert tuplets(Metre(4, 4), 2 * third, 2 * third, 2 * third, 2)[0] == (3, 2, 0, 2)
    assert tuplets(Metre(4, 4), 0.5, third / 2, third / 2, third / 2, 3)[1] == (3, 2, 0.5, 1)
    assert tuplets(Metre(4, 4), *[0.2] * 5, 3)[0] == (5, 4, 0, 1)
    assert tuplets(Metre(4, 4), *[1 / 7] * 7, 3)[0] == (7, 4, 0, 1)
    assert tuplets(Metre(6, 8), *[0.3] * 5, 1.5)[0] == (5, 3, 0, 1.5)


def test_beams_join_what_is_within_a_beat() -> None:
    line = [
        Symbol(0, B // 2, 3, 0, [Head(60, 80)]),
        Symbol(B // 2, B // 2, 3, 0, [Head(60, 80)]),
        Symbol(B, B // 4, 4, 0, [Head(60, 80)]),
        Symbol(5 * B // 4, 3 * B // 4, 3, 1),
    ]
    assert beams(line, Metre(4, 4)) == [["begin"], ["end"], [], []]
    assert beams(line[:2], Metre(3, 8)) == [["begin"], ["end"]]


def test_a_tuplet_says_where_it_is() -> None:
    assert Tuplet(3, 2, 0, B).end == B
    assert VALUES[WHOLE] == (0, 0)


# -- bars ---------------------------------------------------------------------------------------


def test_bars_follow_the_metres() -> None:
    rows = [(480 * n, 480, 0, 60, 80) for n in range(10)]
    score = Score(
        480, events(NOTE, rows), (Track(),), metres=events(METRE, [(0, 4, 4), (6 * 480, 3, 4)])
    )
    bars = engraved(score).bars
    assert [(bar.start // B, bar.end // B, bar.whole) for bar in bars] == [
        (0, 4, True),
        (4, 6, False),
        (6, 9, True),
        (9, 12, True),
    ]


def test_music_that_is_too_long_for_a_page_is_refused() -> None:
    far = Score(480, events(NOTE, [(480 * 300_000, 480, 0, 60, 80)]), (Track(),))
    with pytest.raises(LimitError, match="bars"):
        engraved(far)
    rows = [(480 * 10_000, 480, track, 60, 80) for track in range(100)]
    with pytest.raises(LimitError, match="in all its tracks"):
        engraved(Score(480, events(NOTE, rows), (Track(),) * 100))


def test_no_notes_no_page() -> None:
    with pytest.raises(FormatError, match="holds no notes"):
        engraved(Score(480))


@given(any_scores())
def test_every_bar_is_filled_exactly(score: Score) -> None:
    try:
        page = engraved(score)
    except FormatError:
        return
    for part in page.parts:
        for staff in part.staves:
            for bar, lines in zip(page.bars, staff.voices, strict=True):
                assert 1 <= len(lines) <= 2
                for line in lines:
                    starts = [symbol.start for symbol in line]
                    ends = [symbol.start + symbol.length for symbol in line]
                    assert starts == [bar.first, *ends[:-1]]
                    assert ends[-1] == bar.first + bar.end - bar.start
