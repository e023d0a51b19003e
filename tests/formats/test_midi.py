from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import symusic

import segue
from formats.midi_bytes import END, SCALE, chunk, meta, note, smf
from segue.errors import FormatError, LimitError
from segue.formats import limits, midi
from segue.formats import smf as smf_bytes
from segue.score import NOTE, Score, Text, Track, events


def read(data: bytes) -> Score:
    """A file that is read without a repair."""
    reading = midi.read_bytes(data)
    assert reading.repairs == ()
    return reading.score


def test_a_scale_is_read_note_for_note() -> None:
    score = read(smf(SCALE + END))
    rows = [(96 * i, 96, 0, p, 80) for i, p in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]
    assert score == Score(96, events(NOTE, rows), (Track(),))


def test_everything_a_score_holds_is_read() -> None:
    conductor = (
        meta(0x51, b"\x06\x1a\x80")  # 400,000 microseconds a beat
        + meta(0x58, b"\x06\x03\x24\x08")  # 6/8
        + meta(0x59, b"\x03\x01")  # three sharps, minor
        + END
    )
    music = (
        meta(3, b"Organ")
        + b"\x00\xc0\x13"  # program 20
        + b"\x00\xb0\x40\x7f"  # pedal down
        + b"\x05\xe0\x00\x00"  # bend fully down, 5 ticks on
        + note(60)
        + b"\x00\xb0\x40\x00"  # pedal up
        + END
    )
    score = read(smf(conductor, music, division=480))
    assert score.ticks_per_beat == 480
    assert score.tempi.tolist() == [(0, 400_000)]
    assert score.metres.tolist() == [(0, 6, 8)]
    assert score.keys.tolist() == [(0, 3, True)]
    assert score.tracks == (Track("Organ", 19),)
    assert score.controls.tolist() == [(0, 0, 64, 127), (101, 0, 64, 0)]
    assert score.bends.tolist() == [(5, 0, -8192)]
    assert score.notes.tolist() == [(5, 96, 0, 60, 80)]


def test_channels_and_programs_of_a_chunk_become_tracks() -> None:
    body = (
        b"\x00\xc0\x05" + note(60) + b"\x00\xc0\x06" + note(61) + note(35, channel=9) + note(62, 0)
    )
    score = read(smf(meta(3, b"all") + body + END, form=0))
    assert score.tracks == (Track("all", 5), Track("all", 6), Track("all", 0, is_drum=True))
    assert [score.track_notes(i)["pitch"].tolist() for i in range(3)] == [[60], [61, 62], [35]]


def test_the_conductor_is_no_track_but_a_pedal_track_is() -> None:
    conductor = meta(3, b"Title") + meta(0x51, b"\x07\xa1\x20") + END
    pedal = meta(3, b"Pedal") + b"\x00\xb3\x40\x7f\x60\x40\x00" + END
    score = read(smf(conductor, SCALE + END, pedal))
    assert [t.name for t in score.tracks] == ["", "Pedal"]
    assert score.controls.tolist() == [(0, 1, 64, 127), (96, 1, 64, 0)]
    assert len(score) == 8


def test_a_pedal_track_whose_pauses_look_like_notes_is_read() -> None:
    # A delta time of 0x90 0x3c, then running status: 90 3c 40 7f might be a note, and is none.
    pedal = b"\x00\xb0\x40\x7f\x90\x3c\x40\x01" + END
    score = read(smf(SCALE + END, pedal))
    assert score.controls["onset"].tolist() == [0, 0x10 << 7 | 0x3C]


def test_notes_of_one_pitch_end_first_in_first_out() -> None:
    body = b"\x00\x90\x3c\x50\x0a\x3c\x51\x0a\x3c\x00\x0a\x3c\x00" + END
    assert read(smf(body)).notes.tolist() == [(0, 20, 0, 60, 80), (10, 20, 0, 60, 81)]


def test_notes_without_length_are_kept() -> None:
    assert read(smf(note(60, length=0) + SCALE + END)).notes[0].tolist() == (0, 0, 0, 60, 80)


def test_tables_come_in_canonical_order_and_cannot_be_written_to() -> None:
    twins = b"\x00\x90\x3c\x50\x00\x90\x3c\x20\x60\x80\x3c\x00\x00\x80\x3c\x00" + END
    score = read(smf(note(70) + END, twins, note(50) + END))
    again = Score(96, score.notes.copy(), score.tracks)
    assert score == again
    assert score.notes["velocity"].tolist() == [80, 32, 80, 80]
    with pytest.raises(ValueError, match="read-only"):
        score.notes["pitch"] = 0


@pytest.mark.parametrize("form", [0, 1, 2])
def test_all_formats_are_read(form: int) -> None:
    assert len(read(smf(SCALE + END, form=form))) == 8


def test_other_chunks_are_passed() -> None:
    data = smf(tracks=1) + chunk(b"\xff" * 9, b"XFIH") + chunk(SCALE + END)
    assert len(read(data)) == 8


def test_a_file_without_notes_is_an_empty_score() -> None:
    score = read(smf(meta(0x51, b"\x07\xa1\x20") + END))
    assert (len(score), score.tracks, len(score.tempi)) == (0, (), 1)


def test_impossible_values_are_left_out_and_reported() -> None:
    bad = (
        meta(0x51, b"\0\0\0") + meta(0x58, b"\0\0\0\0") + meta(0x58, b"\x04\xff\0\0")
        + meta(0x59, b"\x08\0") + meta(0x59, b"\0\x02")
    )  # fmt: skip
    reading = midi.read_bytes(smf(bad + SCALE + END))
    assert reading.repairs == (
        "left out 1 tempo with a value that does not exist",
        "left out 2 time signatures with a value that does not exist",
        "left out 2 key signatures with a value that does not exist",
    )
    assert [len(reading.score.tempi), len(reading.score.metres), len(reading.score.keys)] == [0] * 3
    assert len(reading.score) == 8


def test_a_header_that_promises_too_much_is_reported() -> None:
    reading = midi.read_bytes(smf(SCALE + END, tracks=3))
    assert reading.repairs == ("the header promises 3 tracks, the file has 1",)
    assert len(reading.score) == 8


def test_pitches_over_127_on_channel_16_never_reach_symusic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # symusic 0.5.9 writes past its table for such a note, and the interpreter may die of it.
    handed: list[bytes] = []
    monkeypatch.setattr(midi, "parse", lambda data: handed.append(data) or parse(data))
    parse = midi.parse.__wrapped__ if hasattr(midi.parse, "__wrapped__") else _parse()
    bad = b"\x00\x9f\xc0\x40\x60\x8f\xc0\x00"
    reading = midi.read_bytes(smf(SCALE + bad + SCALE + END))
    assert reading.repairs
    assert handed
    assert not any(b"\x9f\xc0" in data for data in handed)


def _parse() -> object:
    from segue.formats.parsed import parse

    return parse


@pytest.mark.parametrize(
    "bad",
    [
        b"\x00\x90\x3c\xc0\x60\x80\x3c\x00",  # loudness
        b"\x00\x90\xbc\x40\x60\x80\xbc\x00",  # pitch
        b"\x00\xb0\x07\xa8",  # a controller's value
        b"\x00\xc0\xd0",  # a program
    ],
)
def test_data_bytes_over_127_are_repaired_not_believed(bad: bytes) -> None:
    reading = midi.read_bytes(smf(SCALE + bad + SCALE + END))
    assert reading.repairs
    assert len(reading.score) >= 16
    assert int(reading.score.notes["velocity"].max()) < 128


def test_long_pauses_are_no_damage() -> None:
    pause = smf_bytes.number(100_000)
    running = b"\x00\x90\x3c\x40" + pause + b"\x3c\x00" + pause + b"\x3e\x40\x60\x3e\x00"
    score = read(smf(running + pause + SCALE[1:] + END))
    assert int(score.notes["onset"][-1]) == 300_096 + 7 * 96


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (smf(note(60) + smf_bytes.number((1 << 28) - 1) + note(60)[1:] + END), "beats"),
        (smf((smf_bytes.number((1 << 28) - 1) + note(60)[1:]) * 12 + END, division=32767), "ticks"),
        (smf(meta(0x51, b"\xff\xff\xff") + b"\x9e\xff\x00" + note(60)[1:] + END), "seconds"),
        (b"MThd" + bytes(limits.BYTES), "bytes"),
        (smf(*[note(60) + END] * (limits.TRACKS + 1)), "tracks"),
        (smf(meta(0x51, b"\x07\xa1\x20") * (limits.TEMPI + 1) + SCALE + END), "changes of tempo"),
    ],
)
def test_what_no_music_meets_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(LimitError, match=what):
        midi.read_bytes(data, "big.mid")


def test_ticks_past_32_bits_are_not_wrapped_round() -> None:
    # Twenty texts of the longest pause and then a note: symusic would put it near the start.
    silent = (smf_bytes.number((1 << 28) - 1) + b"\xff\x01\x00") * 16
    data = smf(silent + SCALE + END, division=32767)
    assert int(symusic.Score.from_midi(data).tracks[0].notes.numpy()["time"][0]) < 1 << 31
    with pytest.raises(LimitError, match="ticks"):
        midi.read_bytes(data)


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(b"")
    with pytest.raises(FormatError, match=r"a\.mid is empty"):
        segue.read(path)


def test_a_bundle_of_channels_shares_no_memory_with_symusic() -> None:
    score = read(smf(SCALE + END))
    assert score.notes.base is None
    assert isinstance(score.notes, np.ndarray)


def test_texts_do_not_disturb_tables() -> None:
    score = read(smf(meta(1, b"hello") + SCALE + END))
    assert score.texts == (Text(0, "hello", "text"),)
    assert len(score) == 8
