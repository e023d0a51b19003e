import warnings

import numpy as np
import pytest

from segue.encodings.pitch_names import chord_name, normal_order, pitch_name


@pytest.mark.parametrize(
    ("pitch", "name"),
    [(60, "C4"), (75, "E-5"), (61, "C#4"), (66, "F#4"), (68, "G#4"), (70, "B-4"), (0, "C-1")],
)
def test_pitches_have_the_names_that_music21_gives_them(pitch, name):
    assert pitch_name(pitch) == name


@pytest.mark.parametrize(
    ("tones", "name"),
    [
        ([9, 4], "4.9"),  # a fifth upside down is the smaller fourth
        ([0, 4, 7], "0.4.7"),  # C major, and in any inversion
        ([2, 7, 11], "7.11.2"),  # G major wraps round
        ([0, 3, 6, 9], "0.3.6.9"),  # four rotations alike: from the lowest
        ([7, 8, 9, 2], "7.8.9.2"),  # one span, packed to the left
        ([5], "5"),
    ],
)
def test_chords_are_written_in_normal_order(tones, name):
    assert chord_name(sum(1 << tone for tone in tones)) == name


def test_no_two_chords_share_a_name():
    assert len({chord_name(mask) for mask in range(1, 4096)}) == 4095


def test_names_agree_with_music21():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import chord, pitch

        for midi in range(128):
            assert str(pitch.Pitch(midi=midi)) == pitch_name(midi)
        for mask in np.random.default_rng(0).choice(np.arange(1, 4096), 150, replace=False):
            tones = [c for c in range(12) if mask >> c & 1]
            assert list(chord.Chord(tones).normalOrder) == normal_order(int(mask))
