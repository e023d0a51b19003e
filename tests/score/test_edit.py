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
    heard,
    join,
    merge,
    quantise,
    shift,
    slice_bars,
    slice_seconds,
    slice_ticks,
    sustain,
    tidy,
    transpose,
)
from strategies import scores

PIANO = (Track("Piano"),)


def piano(*notes, **fields):
    """A piano piece in 100 ticks a beat from (onset, duration, pitch) rows."""
    rows = [(onset, duration, 0, pitch, 80) for onset, duration, pitch in notes]
    return Score(100, events(NOTE, rows), PIANO, **fields)


def played(score):
    """(onset, duration, pitch) of every note."""
    return [(o, d, p) for o, d, _, p, _ in score.notes.tolist()]


def pedal(*changes):
    return events(CONTROL, [(tick, 0, 64, value) for tick, value in changes])


# -- shift and slice -------------------------------------------------------------------------


def test_shift_moves_every_event():
    score = piano((0, 50, 60), tempi=events(TEMPO, [(10, 1)]), texts=(Text(20, "A"),))
    moved = shift(score, 5)
    assert (moved.notes["onset"][0], moved.tempi["onset"][0], moved.texts[0].onset) == (5, 15, 25)
    assert shift(moved, -5) == score


@pytest.mark.parametrize("fields", [{}, {"texts": (Text(3, "A"),)}])
def test_shift_refuses_to_go_before_the_start(fields):
    onset = 3 if not fields else 10
    with pytest.raises(ValueError, match="0"):
        shift(piano((onset, 50, 60), **fields), -4)


def test_a_slice_starts_at_zero_and_cuts_what_sounds_past_its_end():
    score = piano((0, 500, 60), (100, 100, 62), (250, 100, 64), (300, 10, 65))
    # The first began before the slice and is left out, the last begins at its end.
    assert played(slice_ticks(score, 100, 300)) == [(0, 100, 62), (150, 50, 64)]


def test_a_slice_carries_what_was_in_force():
    score = piano(
        (400, 100, 60),
        tempi=events(TEMPO, [(0, 600_000), (200, 400_000), (500, 300_000)]),
        metres=events(METRE, [(0, 3, 4)]),
        keys=events(KEY, [(100, 2, False)]),
        controls=events(CONTROL, [(0, 0, 7, 90), (0, 0, 64, 0), (300, 0, 64, 127)]),
        bends=events(BEND, [(50, 0, 123)]),
    )
    part = slice_ticks(score, 400, 800)
    assert part.tempi.tolist() == [(0, 400_000), (100, 300_000)]
    assert part.metres.tolist() == [(0, 3, 4)]
    assert part.keys.tolist() == [(0, 2, False)]
    assert part.controls.tolist() == [(0, 0, 7, 90), (0, 0, 64, 127)]
    assert part.bends.tolist() == [(0, 0, 123)]


def test_slices_by_bars_and_by_seconds():
    # A note a beat in 3/4 at 60 beats a minute.
    score = piano(
        *((100 * i, 100, 60 + i) for i in range(9)),
        metres=events(METRE, [(0, 3, 4)]),
        tempi=events(TEMPO, [(0, 1_000_000)]),
    )
    assert [p for _, _, p in played(slice_bars(score, 1, 2))] == [63, 64, 65]
    assert [p for _, _, p in played(slice_seconds(score, 2, 4))] == [62, 63]


def test_a_slice_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="0 <= start <= end"):
        slice_ticks(piano((0, 1, 60)), 10, 5)


# -- transpose and quantise ------------------------------------------------------------------


def test_transpose_moves_pitches_and_keys_but_not_drums():
    notes = events(NOTE, [(0, 100, 0, 60, 80), (0, 100, 1, 36, 80)])
    tracks = (Track("Piano"), Track("Kit", 0, True))
    up = transpose(Score(100, notes, tracks, keys=events(KEY, [(0, 0, False)])), 2)
    assert up.notes["pitch"].tolist() == [62, 36]
    assert up.keys.tolist() == [(0, 2, False)]


@pytest.mark.parametrize(("semitones", "fifths"), [(1, -5), (5, -1), (7, 1), (-1, 5), (6, 6)])
def test_c_major_transposed_gets_the_simplest_signature(semitones, fifths):
    score = piano((0, 1, 60), keys=events(KEY, [(0, 0, False)]))
    assert transpose(score, semitones).keys["fifths"].tolist() == [fifths]


def test_transpose_refuses_to_leave_the_pitches_of_midi():
    with pytest.raises(ValueError, match="0 to 127 is allowed"):
        transpose(piano((0, 1, 120)), 8)


def test_quantise_moves_starts_and_ends_to_the_grid():
    # In steps of 25 ticks: 12 is nearer to 0, 13 to 25; a length of 5 becomes a step.
    score = piano((12, 40, 60), (13, 5, 62), (99, 51, 64))
    assert played(quantise(score, 4)) == [(0, 50, 60), (25, 25, 62), (100, 50, 64)]


def test_quantise_can_leave_lengths_alone():
    assert played(quantise(piano((13, 5, 62)), 4, durations=False)) == [(25, 5, 62)]


def test_quantise_needs_a_grid():
    with pytest.raises(ValueError, match="1 or more"):
        quantise(piano((0, 1, 60)), 0)


# -- pedal -----------------------------------------------------------------------------------


def test_a_note_held_by_the_pedal_sounds_until_it_comes_up():
    score = piano((0, 50, 60), (500, 50, 62), controls=pedal((10, 127), (300, 0)))
    longer = sustain(score)
    assert played(longer) == [(0, 300, 60), (500, 50, 62)]
    assert not len(longer.controls)


def test_a_key_held_longer_than_the_pedal_keeps_its_length():
    assert played(sustain(piano((0, 400, 60), controls=pedal((10, 127), (300, 0))))) == [
        (0, 400, 60)
    ]


def test_a_string_struck_again_stops_for_the_new_note():
    score = piano((0, 50, 60), (200, 50, 60), controls=pedal((0, 127), (300, 0)))
    assert played(sustain(score)) == [(0, 200, 60), (200, 100, 60)]


def test_unisons_both_stop_when_their_string_is_struck_again():
    score = piano((0, 50, 60), (0, 60, 60), (200, 50, 60), controls=pedal((0, 127), (300, 0)))
    assert played(sustain(score)) == [(0, 200, 60), (0, 200, 60), (200, 100, 60)]


def test_a_pedal_never_lifted_holds_to_the_end_of_the_track():
    score = piano((0, 50, 60), (400, 100, 62), controls=pedal((0, 64)))
    assert played(sustain(score)) == [(0, 500, 60), (400, 100, 62)]


def test_each_track_has_its_own_pedal():
    notes = events(NOTE, [(0, 50, 0, 60, 80), (0, 50, 1, 48, 80)])
    controls = events(CONTROL, [(10, 1, 64, 127), (300, 1, 64, 0), (10, 0, 7, 100)])
    longer = sustain(Score(100, notes, PIANO * 2, controls=controls))
    assert longer.notes["duration"].tolist() == [50, 300]
    assert longer.controls["number"].tolist() == [7]


# -- tidy ------------------------------------------------------------------------------------


def test_tidy_ends_a_note_where_its_pitch_starts_again():
    score = piano((0, 300, 60), (100, 300, 60), (0, 300, 64))
    assert played(tidy(score)) == [(0, 100, 60), (0, 300, 64), (100, 300, 60)]


def test_tidy_keeps_the_longer_of_two_and_drops_empty_notes():
    score = piano((0, 50, 60), (0, 70, 60), (0, 0, 64), (10, 0, 60))
    assert played(tidy(score)) == [(0, 70, 60)]


# -- merge and join --------------------------------------------------------------------------


def test_merge_puts_tracks_side_by_side_at_the_first_resolution():
    one = piano((0, 100, 60), tempi=events(TEMPO, [(0, 400_000)]))
    other = Score(200, events(NOTE, [(100, 200, 0, 48, 70)]), (Track("Bass", 32),))
    both = merge([one, other])
    assert played(both) == [(0, 100, 60), (50, 100, 48)]
    assert both.tracks == (Track("Piano"), Track("Bass", 32))
    assert both.tempi.tolist() == [(0, 400_000)]


def test_merge_needs_something_to_merge():
    with pytest.raises(ValueError, match="at least one"):
        merge([])


def test_a_note_too_short_for_coarser_ticks_stays_a_note():
    short = Score(10_000, events(NOTE, [(0, 1, 0, 48, 70)]), PIANO)
    assert played(merge([piano((0, 100, 60)), short])) == [(0, 100, 60), (0, 1, 48)]


def test_join_goes_on_in_the_time_of_the_first():
    first = piano((0, 100, 60), tempi=events(TEMPO, [(0, 400_000)]))
    notes = events(NOTE, [(0, 50, 0, 62, 80), (50, 50, 1, 40, 80)])
    second = Score(50, notes, (Track("Other"), Track("Bass", 32)), texts=(Text(0, "B"),))
    whole = join(first, second, 400)
    assert played(whole) == [(0, 100, 60), (400, 100, 62), (500, 100, 40)]
    assert whole.tracks == (Track("Piano"), Track("Bass", 32))
    assert whole.tempi.tolist() == [(0, 400_000)]
    assert whole.texts == (Text(400, "B"),)


# -- what holds for every Score --------------------------------------------------------------


@given(scores(), st.integers(0, 10_000))
def test_shifting_there_and_back_changes_nothing(score, ticks):
    assert shift(shift(score, ticks), -ticks) == score


@given(scores(), st.integers(0, 10_000))
def test_two_slices_hold_every_note_once(score, cut):
    end = score.end_ticks + 1
    halves = slice_ticks(score, 0, min(cut, end)), slice_ticks(score, min(cut, end), end)
    assert sum(len(half) for half in halves) == len(score)
    onsets = np.concatenate([halves[0].notes["onset"], halves[1].notes["onset"] + min(cut, end)])
    assert np.sort(onsets).tolist() == score.notes["onset"].tolist()


@given(scores(), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_slice_plays_at_the_speed_of_the_whole(score, start, length):
    part = slice_ticks(score, start, start + length)
    whole = score.tempo_map.seconds(start + np.arange(0, length, 50)) - score.tempo_map.seconds(
        start
    )
    assert np.allclose(part.tempo_map.seconds(np.arange(0, length, 50)), whole)


@given(scores(), st.integers(-24, 24))
def test_transposing_there_and_back_keeps_the_notes(score, semitones):
    try:
        there = transpose(score, semitones)
    except ValueError:
        return
    assert np.array_equal(transpose(there, -semitones).notes, score.notes)
    assert there.notes["onset"].tolist() == score.notes["onset"].tolist()


@given(scores(), st.integers(1, 24))
def test_quantising_twice_is_quantising_once(score, steps):
    once = quantise(score, steps)
    assert quantise(once, steps) == once


@given(scores(resolutions=(480, 960)), st.sampled_from([1, 2, 3, 4, 12]))
def test_quantised_notes_lie_on_the_grid_near_where_they_were(score, steps):
    step = score.ticks_per_beat // steps
    grid = quantise(score, steps)
    assert (grid.notes["onset"] % step == 0).all()
    assert (grid.notes["duration"] % step == 0).all()
    assert (grid.notes["duration"] > 0).all()
    was, now = np.sort(score.notes["onset"]), np.sort(grid.notes["onset"])
    assert (np.abs(was - now) <= step / 2).all()


@given(scores())
def test_the_pedal_never_shortens_a_note_or_moves_one(score):
    longer = sustain(score)
    assert len(longer) == len(score)
    assert sorted(map(tuple, score.notes[["onset", "track", "pitch"]].tolist())) == sorted(
        map(tuple, longer.notes[["onset", "track", "pitch"]].tolist())
    )
    assert longer.notes["duration"].sum() >= score.notes["duration"].sum()
    assert sustain(longer) == longer


def plainly_heard(score, note):
    """A note's length, looked for event by event."""
    end = int(note["onset"] + note["duration"])
    mine = score.notes[score.notes["track"] == note["track"]]
    moves = score.controls[score.controls["track"] == note["track"]]
    moves = [(int(c["onset"]), c["value"] >= 64) for c in moves[moves["number"] == 64]]
    before = [down for at, down in moves if at <= end]
    if not before or not before[-1]:
        return int(note["duration"])
    stops = [at for at, down in moves if at > end and not down][:1]
    stops = stops or [int((mine["onset"] + mine["duration"]).max())]
    again = mine[(mine["pitch"] == note["pitch"]) & (mine["onset"] > note["onset"])]
    stops += again["onset"].tolist()[:1]
    return max(min(stops), end) - int(note["onset"])


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 1), st.integers(60, 62))
    ),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 1), st.sampled_from([0, 63, 64, 127]))),
)
def test_the_pedal_holds_what_a_plain_look_says(notes, moves):
    table = events(NOTE, [(*note, 80) for note in notes])
    controls = events(CONTROL, [(at, track, 64, value) for at, track, value in moves])
    score = Score(4, table, PIANO * 2, controls=controls)
    expected = [plainly_heard(score, note) for note in score.notes]
    assert heard(score).tolist() == expected


@given(scores())
def test_tidy_notes_do_not_overlap(score):
    neat = tidy(score)
    assert tidy(neat) == neat
    assert (neat.notes["duration"] > 0).all()
    for track in range(len(neat.tracks)):
        for pitch in np.unique(neat.track_notes(track)["pitch"]):
            mine = neat.notes[(neat.notes["track"] == track) & (neat.notes["pitch"] == pitch)]
            ends = mine["onset"] + mine["duration"]
            assert (ends[:-1] <= mine["onset"][1:]).all()


@given(st.lists(scores(most_notes=10), min_size=1, max_size=3))
def test_merging_keeps_every_note_and_track(parts):
    whole = merge(parts)
    assert len(whole) == sum(map(len, parts))
    assert len(whole.tracks) == sum(len(p.tracks) for p in parts)


@given(scores(), scores())
def test_joined_music_keeps_the_first_part_note_for_note(first, second):
    at = first.end_ticks
    whole = join(first, second, at)
    assert len(whole) == len(first) + len(second)
    assert np.array_equal(whole.tempi, first.tempi)
    mine = whole.notes[: len(first)] if not len(second) else whole.notes
    assert set(first.notes.tolist()) <= set(mine.tolist())


@given(scores(), st.integers(0, 2000), st.integers(0, 2000))
def test_edits_make_scores_that_stand_every_check(score, start, length):
    for made in (tidy(score), slice_ticks(score, start, start + length), shift(score, start)):
        fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
        again = Score(**fields)
        assert again == made
        assert not made.notes.flags.writeable
        assert made.end_ticks == again.end_ticks
        assert made.end_seconds == again.end_seconds
        assert made.end_bars == again.end_bars


@given(scores())
def test_what_is_tidy_stays_as_it_is(score):
    done = tidy(score)
    assert tidy(done) is done
