import numpy as np
import pytest

from segue.encodings.grid import FOREVER, pauses, sounding, struck_once
from segue.errors import DataError


def arrays(*rows):
    return tuple(np.array(column, np.int64) for column in zip(*rows, strict=True))


def test_a_voice_strikes_once_a_step_for_the_longest_of_its_notes():
    voice, step, end = arrays((60, 0, 2), (64, 0, 9), (60, 0, 5), (60, 4, 4))
    kept, length, gap = struck_once(voice.astype(np.uint16), step, end)
    assert kept.tolist() == [0, 3, 1]
    assert length.tolist() == [5, 1, 9]
    assert gap.tolist() == [4, FOREVER, FOREVER]


def test_a_note_sounds_until_its_key_is_let_go_or_struck_again():
    #        voice pressed at: 60 pressed twice and let go, 62 let go twice, 64 never let go
    events = [(60, 1, 0), (62, 0, 1), (64, 1, 2), (60, 1, 3), (62, 1, 4), (60, 0, 5), (62, 0, 6)]
    voice, pressed, at = arrays(*events)
    press, stop = sounding(voice, pressed.astype(bool), at, 9)
    assert sorted(zip(press.tolist(), stop.tolist(), strict=True)) == [
        (0, 3),
        (2, 9),
        (3, 5),
        (4, 6),
    ]


def test_a_note_let_go_at_once_is_none_and_one_at_the_end_lasts_a_step():
    voice, pressed, at = arrays((60, 1, 3), (60, 0, 3), (62, 1, 3))
    press, stop = sounding(voice, pressed.astype(bool), at, 3)
    assert (press.tolist(), stop.tolist()) == ([2], [4])


def test_gaps_are_longest_pauses_and_what_is_left():
    full, rest = pauses(np.array([0, 1, 100, 101, 250]), 100, 10)
    assert full.tolist() == [0, 0, 0, 1, 2]
    assert rest.tolist() == [0, 1, 100, 1, 50]


def test_too_much_silence_is_refused():
    with pytest.raises(DataError, match="1000 steps of silence, more than 500"):
        pauses(np.array([1001]), 100, 5)
