"""Variants: what windows become, and that no encoding promises one it does not have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.encodings import ENCODINGS, get
from segue.encodings.variants import gaps, laid
from segue.score import CONTROL, NOTE, Score, Track, events
from strategies import scores

NES = [{"end": True}, {"levels": True, "end": True}, {"split": True}]
few = settings(max_examples=25)


def piece(*notes):
    """Piano at 100 ticks a second from (onset, duration, pitch, velocity)."""
    rows = [(onset, length, 0, pitch, velocity) for onset, length, pitch, velocity in notes]
    return Score(50, events(NOTE, rows), (Track("Piano"),))


PIECE = piece((0, 40, 60, 80), (0, 20, 64, 80), (40, 200, 62, 30), (300, 10, 65, 120))


def window(encoding, score, length=64):
    """A piece as a batch of one window, its last row repeated to the end, and its rows."""
    rows = encoding.encode(score).rows
    tail = np.repeat(rows[-1:], length - len(rows), axis=0)
    return np.concatenate([rows, tail])[None], len(rows)


def heard(encoding, rows):
    notes = encoding.decode(rows, encoding.encode(PIECE).header).notes
    return [notes[name].astype(int).tolist() for name in ("onset", "duration", "pitch")]


@pytest.mark.parametrize("name", ENCODINGS)
def test_what_is_offered_is_there(name):
    encoding = get(name)
    for variant in getattr(encoding, "variants", ()):
        assert callable(getattr(encoding, variant))


def test_beats_are_not_stretched_and_seconds_are():
    assert "stretch" not in get("compound").variants
    assert "stretch" in get("compound", unit="seconds").variants


def test_rows_are_laid_one_after_another():
    source, left = laid(np.array([[1, 0, 2, 1], [3, 3, 0, 0]]))
    assert source.tolist() == [[0, 2, 2, 3], [0, 0, 0, 1]]
    assert left.tolist() == [[0, 1, 0, 0], [2, 1, 0, 2]]
    assert laid(np.array([[0, 1, 0]]))[0].tolist() == [[1, -1, -1]]


def test_gaps_grow_from_the_moments_and_not_one_by_one():
    moves, kept = np.array([[1, 1, 1, 1, 1, 7]]), np.array([[True, True, False, True, True, False]])
    assert gaps(moves, kept, np.array([1.0])).tolist() == [[1, 1, 0, 2, 1, 7]]
    # Moments 1, 2, 4, 5 become 1.4, 2.8, 5.6, 7: rounded each, not each gap.
    assert gaps(moves, kept, np.array([1.4])).tolist() == [[1, 2, 0, 3, 1, 10]]
    assert gaps(moves, kept, np.array([0.5])).tolist() == [[1, 1, 0, 1, 1, 4]], "never together"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("performance", {"marks": True}),
        ("performance", {"pedal": "rows"}),
        ("compound", {"unit": "seconds"}),
        ("note_time", {}),
    ],
)
def test_time_is_stretched(name, options):
    encoding = get(name, **options)
    rows, _ = window(encoding, PIECE)
    batch = np.concatenate([rows] * 4)
    factors = np.array([1.0, 0.5, 1.05, 2.0])
    varied = encoding.stretch(batch, factors)
    assert varied.rows.dtype == rows.dtype
    assert np.array_equal(varied.rows[0], rows[0])
    was, (onset, length, pitch) = heard(encoding, rows[0]), (None, None, None)
    for changed, factor in zip(varied.rows, factors, strict=True):
        onset, length, pitch = heard(encoding, changed)
        assert pitch == was[2]
        # 4 % is what a long time may be rounded by; a step is what each may be.
        assert np.allclose(onset, np.array(was[0]) * factor, rtol=0.04, atol=1)
        assert np.allclose(length, np.array(was[1]) * factor, rtol=0.04, atol=1)


def test_a_longer_wait_takes_more_rows_and_a_shorter_one_fewer():
    encoding = get("performance")
    rows, size = window(encoding, piece((0, 100, 60, 80), (200, 100, 62, 80)))
    assert size == 8  # velocity, on, 100, off, 100, on, 100, off
    varied = encoding.stretch(np.concatenate([rows, rows]), np.array([1.05, 0.95]))
    longer, shorter = ([encoding.layout.columns[0].offset("shift") + n - 1 for n in steps]
                       for steps in ((100, 5), (95,)))  # fmt: skip
    assert varied.rows[0, 2:4, 0].tolist() == longer
    assert varied.source[0, :12].tolist() == [0, 1, 3, 3, 3, 5, 5, 5, 7, 7, 7, 8]
    assert varied.rows[1, 2:3, 0].tolist() == shorter
    long = encoding.encode(piece((0, 10, 60, 80), (950, 10, 62, 80))).rows[None]
    varied = encoding.stretch(long, np.array([0.5]))
    assert (varied.source[0] == -1).sum() == 5
    assert (varied.rows[0, -6:] == varied.rows[0, -1]).all()


def test_what_does_not_fit_falls_off_the_end():
    encoding = get("performance")
    rows = encoding.encode(piece((0, 100, 60, 80), (100, 100, 62, 80))).rows[None]
    varied = encoding.stretch(rows, np.array([2.0]))
    assert varied.rows.shape == rows.shape
    assert varied.source.tolist() == [[0, 1, 3, 3, 3, 4, 6]]


@pytest.mark.parametrize(
    ("name", "options"),
    [("performance", {}), ("compound", {}), ("note_time", {}), ("velocity_image", {})],
)
def test_velocities_are_moved_as_far_as_midi_goes(name, options):
    encoding = get(name, **options)
    rows = encoding.encode(PIECE).rows
    moved = encoding.louder(np.stack([rows] * 3), np.array([0, 20, -60]))
    assert moved.dtype == rows.dtype
    assert np.array_equal(moved[0], rows)
    header = encoding.encode(PIECE).header
    known = encoding.decode(rows, header).notes["velocity"].astype(int)
    for changed, by in ((moved[1], 20), (moved[2], -60)):
        heard = encoding.decode(changed, header).notes["velocity"]
        assert np.abs(heard - np.clip(known + by, 1, 127)).max() <= 4, "a bin of 32"


def test_keys_of_messages_stay_on_the_keyboard_together():
    encoding = get("note_time", pedal="rows")
    rows = encoding.encode(piece((0, 50, 30, 80), (0, 50, 100, 80))).rows
    moved = encoding.transpose(np.stack([rows] * 3), np.array([5, -20, 20]))
    for changed, by in zip(moved, (5, -9, 8), strict=True):
        assert encoding.decode(changed).notes["pitch"].tolist() == [30 + by, 100 + by]


@pytest.mark.parametrize("options", [{}, {"cells": "both"}])
def test_a_roll_moves_and_what_leaves_it_falls_off(options):
    encoding = get("piano_roll", lowest=60, highest=67, **options)
    rows = encoding.encode(PIECE).rows
    moved = encoding.transpose(np.stack([rows] * 4), np.array([0, 2, -3, 50]))
    assert np.array_equal(moved[0], rows)
    assert np.array_equal(moved[1][:, 2:], rows[:, :-2])
    assert not moved[1][:, :2].any()
    assert np.array_equal(moved[2][:, :-3], rows[:, 3:])
    assert not moved[2][:, -3:].any()
    assert not moved[3].any()


@pytest.mark.parametrize("size", ["1024x128", "256"])
def test_an_image_moves_by_pitches(size):
    encoding = get("velocity_image", size=size)
    encoded = encoding.encode(PIECE)
    moved = encoding.transpose(encoded.rows[None], np.array([3]))[0]
    pitches = encoding.decode(moved, encoded.header).notes["pitch"]
    assert sorted(pitches) == [63, 65, 67, 68]


# -- NES ---------------------------------------------------------------------------------------


def song(seed):
    """Four voices that often begin and stop together, with long silences and changes of level."""
    rng = np.random.default_rng(seed)
    voices = tuple(Track(name) for name in ("p1", "p2", "tr", "no"))
    grid = np.array([0, 50, 100, 100, 600, 7000, 300_000])
    notes, controls = [], []
    for voice in range(4):
        at = 0
        for _ in range(rng.integers(0, 9)):
            length = int(rng.choice([50, 100, 600]))
            pitch = int(rng.integers(1, 17) if voice == 3 else rng.integers(33, 90))
            notes.append((at, length, voice, pitch, 9))
            if voice < 2:
                controls.append((at, voice, 11, int(rng.integers(1, 16))))
            at += length + int(rng.choice(grid))
    return Score(22_050, events(NOTE, notes), voices, controls=events(CONTROL, controls))


songs = st.one_of(st.integers(0, 10**6).map(song), scores())


def swapped(score):
    """The piece with p1 and p2 in each other's place."""
    changed = {}
    for name in ("notes", "controls"):
        table = getattr(score, name).copy()
        table["track"] = np.array([1, 0, 2, 3])[table["track"]]
        changed[name] = table
    return score.with_(**changed)


def test_swapped_events_of_a_sample_stay_in_the_order_of_voices():
    encoding = get("nes_events", end=True)
    voices = tuple(Track(name) for name in ("p1", "p2", "tr", "no"))
    notes = [(0, 90, 0, 60, 9), (0, 50, 1, 64, 9), (0, 90, 2, 48, 1), (90, 30, 1, 62, 9)]
    score = Score(22_050, events(NOTE, notes), voices)
    rows = encoding.encode(score).rows
    varied = encoding.swap_pulses(rows[None], np.array([True]))
    names = [encoding.names()[symbol] for symbol in varied.rows[0, :, 0]]
    assert names == [
        "<S>", "P1_NOTEON_64", "P2_NOTEON_60", "TR_NOTEON_48", "WT_50", "P1_NOTEOFF", "WT_40",
        "P1_NOTEON_62", "P2_NOTEOFF", "TR_NOTEOFF", "WT_30", "P1_NOTEOFF", "END",
    ]  # fmt: skip
    assert varied.source[0].tolist() == [0, 2, 1, 3, 4, 5, 6, 8, 7, 9, 10, 11, 12]


@few
@given(songs, st.sampled_from(NES))
def test_swapped_pulses_are_those_of_the_swapped_piece(score, options):
    encoding = get("nes_events", **options)
    rows = encoding.encode(score).rows
    varied = encoding.swap_pulses(np.stack([rows, rows]), np.array([True, False]))
    assert np.array_equal(varied.rows[1], rows)
    assert np.array_equal(varied.rows[0], encoding.encode(swapped(encoding.decode(rows))).rows)
    assert sorted(varied.source[0]) == list(range(len(rows)))
    again = encoding.swap_pulses(varied.rows, np.array([True, False]))
    assert np.array_equal(again.rows[0], rows)


@few
@given(songs, st.sampled_from(NES), st.lists(st.booleans(), min_size=4, max_size=4))
def test_dropped_voices_are_gone_and_waits_are_summed(score, options, gone):
    encoding = get("nes_events", **options)
    rows = encoding.encode(score).rows
    played = encoding.decode(rows)
    varied = encoding.drop_voices(rows[None], np.array([gone]))
    left = ~np.array(gone)[played.notes["track"]]
    if not left.any():
        assert np.array_equal(varied.rows[0], rows), "silence would teach nothing"
        return
    controls = played.controls[~np.array(gone)[played.controls["track"]]]
    expected = encoding.encode(played.with_(notes=played.notes[left], controls=controls)).rows
    assert np.array_equal(varied.rows[0, : len(expected)], expected)
    assert (varied.source[0] >= 0).sum() == len(expected)
    assert (np.diff(varied.source[0, : len(expected)]) >= 0).all()


@pytest.mark.parametrize("options", NES)
def test_waits_of_events_are_stretched(options):
    encoding = get("nes_events", **options)
    voices = tuple(Track(name) for name in ("p1", "p2", "tr", "no"))
    notes = [(0, 1000, 0, 60, 9), (1000, 2000, 1, 62, 5), (250_000, 40, 3, 7, 15)]
    rows = encoding.encode(Score(22_050, events(NOTE, notes), voices)).rows
    varied = encoding.stretch(np.stack([rows] * 3), np.array([1.0, 0.95, 0.5]))
    assert np.array_equal(varied.rows[0], rows)
    for changed, factor in ((varied.rows[1], 0.95), (varied.rows[2], 0.5)):
        heard = encoding.decode(changed).notes
        assert heard["pitch"].tolist() == [60, 62, 7]
        assert np.allclose(heard["onset"], factor * np.array([0, 1000, 250_000]), rtol=0.01)
        assert np.allclose(heard["duration"], factor * np.array([1000, 2000, 40]), rtol=0.05)
    # 250,000 samples are three waits of at most 100,000; half of it needs two.
    assert (varied.source == -1).sum(axis=1).tolist() == [0, 0, 1]
