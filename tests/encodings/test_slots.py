import pytest

from segue.encodings.slots import Slots
from segue.score import NOTE, Score, Track, events


def band(*programs, silent=()):
    """A Score with a note in each track; None is a drum kit."""
    tracks = tuple(Track("", 0, True) if p is None else Track("", p) for p in programs)
    rows = [(0, 1, i, 60, 80) for i in range(len(programs)) if i not in silent]
    return Score(480, events(NOTE, rows), tracks)


@pytest.mark.parametrize(
    ("slots", "programs", "expected"),
    [
        (Slots(15, True), (0, 40, 32), [0, 1, 2]),
        (Slots(15, True), (None, 40, None, 32), [15, 0, 15, 1]),  # drums share the last slot
        (Slots(4, False), (0, None), [0, -1]),  # or are left out
        (Slots(0, True), (0, None), [-1, 0]),  # or are all there is
        (Slots(2, False), (0, 40, 0, 40), [0, 1, 0, 1]),  # one program, one slot
        (Slots(2, False), (0, 40, 1, 41), [0, 1, 0, 1]),  # one family, one slot
        (Slots(2, False), (0, 40, 80, 120), [0, 1, 1, 1]),  # the rest in the last
    ],
)
def test_tracks_take_slots_in_order_and_share_when_there_are_too_many(slots, programs, expected):
    slot_of, _ = slots.of(band(*programs))
    assert slot_of.tolist() == expected


def test_tracks_without_notes_take_no_slot():
    slot_of, kept = Slots(15, True).of(band(0, 40, 32, silent=(1,)))
    assert slot_of.tolist() == [0, -1, 1]
    assert {slot: track.program for slot, track in kept.items()} == {0: 0, 1: 32}


def test_a_shared_slot_is_named_after_its_first_track():
    _, kept = Slots(1, False).of(band(40, 41))
    assert kept == {0: Track("", 40)}
