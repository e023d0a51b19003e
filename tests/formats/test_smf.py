from __future__ import annotations

import io

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.midi_bytes import END, SCALE, chunk, meta, note, smf
from segue.formats import midi_write
from segue.formats import smf as smf_bytes
from segue.formats.smf_events import Events, events_of
from strategies import scores


def follow(body: bytes) -> Events:
    return events_of(body, 0, len(body))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0x00, b"\x00"),
        (0x40, b"\x40"),
        (0x7F, b"\x7f"),
        (0x80, b"\x81\x00"),
        (0x2000, b"\xc0\x00"),
        (0x3FFF, b"\xff\x7f"),
        (0x4000, b"\x81\x80\x00"),
        (0x0FFFFFFF, b"\xff\xff\xff\x7f"),
    ],
)
def test_numbers_are_written_as_the_standard_shows_them(value: int, written: bytes) -> None:
    assert smf_bytes.number(value) == written
    assert smf_bytes.read_number(written, 0, len(written)) == (value, len(written))


@pytest.mark.parametrize("value", [-1, 1 << 28])
def test_numbers_that_do_not_fit_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match=str(value)):
        smf_bytes.number(value)


@pytest.mark.parametrize("raw", [b"", b"\x80", b"\xff\xff\xff\xff\x7f"])
def test_numbers_that_are_cut_or_too_long_read_as_none(raw: bytes) -> None:
    assert smf_bytes.read_number(raw, 0, len(raw)) is None


def test_chunks_of_a_whole_file_are_found() -> None:
    found = smf_bytes.chunks(smf(SCALE + END) + chunk(b"xyz", b"OTHR"))
    assert found is not None
    assert [(c.kind, c.end - c.start) for c in found] == [(b"MTrk", 68), (b"OTHR", 3)]


@pytest.mark.parametrize("tail", [b"x", b"MTrk\x00\x00\x00\x09abc"])
def test_chunks_that_do_not_add_up_are_none(tail: bytes) -> None:
    assert smf_bytes.chunks(smf(SCALE + END) + tail) is None


def test_running_status_is_resolved() -> None:
    body = (
        b"\x00\x91\x3c\x50"  # channel 2, middle C on
        b"\x60\x3c\x00"  # the same status: off by loudness 0
        b"\x00\xff\x01\x01a"  # a text, which does not end running status
        b"\x81\x00\x40\x50"  # E on after 128 ticks
        b"\x00\xc1\x05"  # program 6
        b"\x05\x06" + END  # program 7: one data byte
    )
    events = follow(body)
    assert events.ended
    assert events.ticks.tolist() == [0, 96, 96, 224, 224, 229, 229]
    assert events.status.tolist() == [0x91, 0x91, 0xFF, 0x91, 0xC1, 0xC1, 0xFF]
    assert events.first[[0, 1, 3, 4, 5]].tolist() == [60, 60, 64, 5, 6]
    assert events.payload(body, 2) == b"a"


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (b"\x00\x3c\x50", "data bytes before any status"),
        (b"\x00\x90\x3c\x80", "a data byte over 127"),
        (b"\x00\xf4", "a status that does not exist"),
        (b"\x00\xf0\x05\xf7", "a system exclusive message longer than the track"),
        (b"\xff\xff\xff\xff\x00\x90\x3c\x40", "a delta time of five bytes"),
        (b"\x00\xff\x01\x7f", "a text longer than the track"),
        (b"\x00\xff\x80\x00", "a meta event of type 128"),
        (b"\x00\x90\x3c", "an event cut off"),
        (b"\x81", "a delta time cut off"),
    ],
)
def test_the_walk_stops_where_no_event_starts(damage: bytes, what: str) -> None:
    before = b"\x00\xff\x03\x01n"
    events = events_of(before + damage, 0, len(before + damage))
    assert not events.ended, what
    assert events.stop == len(before)
    assert len(events) == 1


def test_system_exclusive_messages_are_passed_and_time_goes_on() -> None:
    body = note(60) + b"\x0a\xf0\x03\x7e\x7f\xf7" + b"\x05\xf7\x01\x00" + note(62, 1) + END
    events = follow(body)
    assert events.ended
    assert events.ticks.tolist() == [0, 96, 106, 111, 112, 208, 208]
    assert events.status.tolist() == [0x90, 0x80, 0xF0, 0xF7, 0x90, 0x80, 0xFF]


def test_long_tracks_cross_windows() -> None:
    body = SCALE * 3000 + meta(1, b"x" * 100) + smf_bytes.number(40_000) + SCALE[1:8] + END
    events = follow(body)
    assert events.ended
    assert len(events) == 3000 * 16 + 4
    assert int(events.ticks[-1]) == 3000 * 8 * 96 + 40_000 + 96


def test_a_text_longer_than_a_window_is_passed() -> None:
    text = b"y" * 100_000
    body = b"\x00\xff\x01" + smf_bytes.number(len(text)) + text + SCALE + END
    events = follow(body)
    assert len(events) == 18
    assert events.payload(body, 0) == text


@given(scores(most_notes=60))
def test_events_are_those_that_mido_reads(score: object) -> None:
    data = midi_write.to_bytes(score)  # type: ignore[arg-type]
    file = mido.MidiFile(file=io.BytesIO(data))
    for found, track in zip(smf_bytes.chunks(data) or (), file.tracks, strict=True):
        events = events_of(data, found.start, found.end)
        assert events.ticks.tolist() == np.cumsum([m.time for m in track]).tolist()
        for index, message in enumerate(track):
            if not message.is_meta:
                status, *rest = message.bytes()
                both = [events.first[index], events.second[index]]
                assert [events.status[index], *both[: len(rest)]] == [status, *rest]


@given(st.binary(max_size=300), st.sampled_from([0, 0x90, 0xC3]))
def test_the_walk_gets_through_anything(body: bytes, running: int) -> None:
    events = events_of(body, 0, len(body), running)
    assert 0 <= events.stop <= len(body) + 3
    starts = events.start.tolist()
    assert starts == sorted(set(starts))
    # One event at a time, the walk takes the same steps.
    at, status = 0, running
    for start, kind in zip(starts, events.status.tolist(), strict=True):
        assert start == at
        one = events_of(body, at, len(body), status)
        at = int(one.start[1]) if len(one) > 1 else one.stop
        status = kind if kind < 0xF0 else status


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(SCALE, True), (SCALE[1:], False), (b"\x00\xff\x2f\x00", True), (b"\x00\x90\x90\x90", False)],
)
def test_a_chain_of_events_confirms_a_place(raw: bytes, expected: bool) -> None:
    assert smf_bytes.leads_on(raw, 0, 0, len(raw)) is expected
