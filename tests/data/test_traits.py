"""What is measured on a piece, against pieces whose measures are known."""

import numpy as np
import pytest

from segue.data.traits import (
    DRUMS,
    FAMILIES,
    LENGTHS,
    MOST_A_SECOND,
    NO_KEY,
    TRAITS,
    key_name,
    polyphony,
    traits,
)
from segue.score import METRE, NOTE, TEMPO, Score, Track, events, transpose

SCALE = [60, 62, 64, 65, 67, 69, 71, 72]
MINOR = [57, 59, 60, 62, 64, 65, 68, 69]


def melody(pitches, beats=1.0, **more):
    """A beat is half a second unless the piece states a tempo."""
    step = round(480 * beats)
    rows = [(n * step, step, 0, pitch, 80) for n, pitch in enumerate(pitches)]
    return Score(480, events(NOTE, rows), (Track(),), **more)


def of(score):
    return traits(score)[0]


def test_histograms_count_every_note_once():
    found = of(melody(SCALE))
    assert found["pitch"].sum() == found["velocity"].sum() == found["length"].sum() == 8
    assert np.flatnonzero(found["pitch"]).tolist() == SCALE
    assert found["velocity"][80] == 8
    assert found["length"][4 * 5] == 8, "half a second is five octaves over 1/64"
    assert found["density"][2] == 4
    assert found["density"].sum() == 4
    assert found["family"][FAMILIES.index("piano")] == 8


def test_silent_seconds_count_and_long_and_dense_ones_go_to_the_last_bin():
    rows = [(0, 1, 0, 60, 1)] * 1 + [(9600, 48000 * 50, 0, 40 + n, 1) for n in range(60)]
    found = of(Score(480, events(NOTE, rows), (Track(),)))
    assert found["density"][[0, 1, MOST_A_SECOND]].tolist() == [9, 1, 1]
    assert found["length"][[0, LENGTHS - 1]].tolist() == [1, 60]


def test_tempo_and_metre_are_what_the_file_states():
    found = of(melody(SCALE))
    assert (found["tempo"], found["metre"].tolist()) == (0, [0, 0])
    slow = melody(
        SCALE,
        tempi=events(TEMPO, [(0, 1_000_000)]),
        metres=events(METRE, [(0, 4, 4), (480, 3, 4)]),
    )
    assert of(slow)["tempo"] == pytest.approx(60)
    assert of(slow)["metre"].tolist() == [3, 4]


@pytest.mark.parametrize("by", range(-6, 6))
def test_the_key_moves_with_the_music(by):
    weights = [3, 1, 2, 1, 3, 1, 1, 3]
    major = np.repeat(SCALE, weights).tolist()
    minor = np.repeat(MINOR, weights).tolist()
    assert of(transpose(melody(major), by))["key"] == by % 12
    assert of(transpose(melody(minor), by))["key"] == 12 + (9 + by) % 12


def test_keys_have_names():
    assert [key_name(k) for k in (0, 6, 9 + 12, 1 + 12, NO_KEY)] == [
        "C major",
        "F♯ major",
        "A minor",
        "C♯ minor",
        "none",
    ]


def test_drums_are_no_pitches_and_have_no_key():
    found = of(melody(SCALE).with_(tracks=(Track("Drums", 0, True),)))
    assert found["key"] == NO_KEY
    assert not found["pitch"].any()
    assert found["family"][DRUMS] == found["velocity"][80] == 8


def test_polyphony_does_not_mind_the_odd_overlap():
    assert polyphony(melody(SCALE * 5)) == 1
    tune = melody(SCALE * 5)
    for overlaps, most in ((slice(3, 4), 1), (slice(None), 2)):
        legato = tune.notes.copy()
        legato["duration"][overlaps] += 1
        assert polyphony(tune.with_(notes=legato)) == most
    chords = events(NOTE, [(480 * (n // 4), 480, 0, 50 + n % 4, 80) for n in range(40)])
    assert polyphony(Score(480, chords, (Track(),))) == 4


def test_a_record_is_of_fixed_size():
    assert len(traits(melody(SCALE)).tobytes()) == TRAITS.itemsize
