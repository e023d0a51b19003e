from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.midi_bytes import END, SCALE, chunk, meta, note, smf
from segue.errors import FormatError, LimitError, SegueError
from segue.formats import midi, midi_write
from segue.formats import smf as smf_bytes
from segue.formats.salvage import MOST_CHUNKS, mended
from segue.formats.table import Reading
from segue.score import Score
from strategies import scores

WHOLE = smf(SCALE + END)
BODY = SCALE + END


def saved(data: bytes) -> Reading:
    """A damaged file's Score and report; every report has something to say."""
    reading = midi.read_bytes(data, "it")
    assert reading.repairs
    return reading


def scale() -> Score:
    return midi.read_bytes(WHOLE).score


def header(length: int = 6, form: int = 1, tracks: int = 1, division: int = 96) -> bytes:
    return b"MThd" + struct.pack(">IHHH", length, form, tracks, division)


# -- what the file is wrapped in, and its header -------------------------------------------------


def riff(inner: bytes, size: int | None = None) -> bytes:
    data = b"data" + struct.pack("<I", len(inner) if size is None else size) + inner
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"RMID" + data


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (riff(WHOLE), "unwrapped the MIDI file from its RIFF container"),
        (riff(WHOLE) + b"DISP\x04\x00\x00\x00abcd", "unwrapped the MIDI file"),
        (riff(WHOLE, size=9_999_999), "unwrapped the MIDI file"),
        (b"\x00" * 128 + WHOLE, "skipped 128 bytes before the header"),
        (chunk(BODY), "the header is missing: took 480 ticks a beat"),
        (header(10) + b"\x01\x02\x03\x04" + chunk(BODY), "the header is 10 bytes long"),
        (header(0) + chunk(BODY), "the header gives its length as 0 bytes, which is wrong"),
        (header(4) + chunk(BODY), "the header gives its length as 4 bytes, which is wrong"),
        (header(9999) + chunk(BODY), "the header gives its length as 9,999 bytes"),
        (b"MThd\0\0\0\6\0" + chunk(BODY), "the header is cut off: took 480 ticks a beat"),
        (header(form=3) + chunk(BODY), "the header claims format 3: read it as format 1"),
        (header(division=0) + chunk(BODY), "the header claims 0 ticks a beat: took 480"),
        (header(tracks=0) + chunk(BODY), "the header promises 0 tracks, the file has 1"),
    ],
)
def test_wrapping_and_headers(data: bytes, line: str) -> None:
    reading = saved(data)
    assert any(said.startswith(line) for said in reading.repairs), reading.repairs
    assert (reading.score.notes == scale().notes).all()


@pytest.mark.parametrize(
    ("division", "ticks_per_beat", "microseconds", "seconds_a_tick"),
    [
        (0xE728, 500, 500_000, 1 / (25 * 40)),
        (0xE350, 1200, 500_500, 1.001 / (30 * 80)),
        (0xE804, 48, 500_000, 1 / (24 * 4)),
        (0xE703, 75, 1_000_000, 1 / (25 * 3)),
    ],
)
def test_time_code(
    division: int, ticks_per_beat: int, microseconds: int, seconds_a_tick: float
) -> None:
    tempo = meta(0x51, b"\x01\x00\x00")  # which time code takes no notice of
    reading = saved(header(division=division) + chunk(tempo + BODY))
    score = reading.score
    assert score.ticks_per_beat == ticks_per_beat
    assert score.tempi.tolist() == [(0, microseconds)]
    assert score.onset_seconds()[1] == pytest.approx(96 * seconds_a_tick)
    assert "turned time code of" in reading.repairs[0]


def test_time_code_that_does_not_exist() -> None:
    reading = saved(header(division=0xE800) + chunk(BODY))
    assert reading.score.ticks_per_beat == 480


# -- chunks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("claims", [0, 9, len(BODY) - 1, len(BODY) + 1, 100_000, 0xFFFFFFFF])
def test_a_wrong_length_of_the_last_track(claims: int) -> None:
    reading = saved(header() + chunk(BODY, claims=claims))
    assert reading.score == scale()


@pytest.mark.parametrize("claims", [0, 9, len(BODY) - 1, len(BODY) + 1, 100_000, 0xFFFFFFFF])
def test_a_wrong_length_of_the_first_track(claims: int) -> None:
    second = note(40) + END
    data = header(tracks=2) + chunk(BODY, claims=claims) + chunk(second)
    assert saved(data).score == midi.read_bytes(smf(BODY, second)).score


@pytest.mark.parametrize("cut", range(len(BODY)))
def test_a_file_cut_anywhere_keeps_what_was_before(cut: int) -> None:
    data = WHOLE[: len(WHOLE) - len(BODY) + cut]
    whole_notes = cut // 8
    if cut < 4:
        with pytest.raises(FormatError):
            midi.read_bytes(data)
        return
    score = saved(data).score
    assert len(score) in (whole_notes, whole_notes + 1)
    assert score.notes[:whole_notes].tolist() == scale().notes[:whole_notes].tolist()


def test_junk_between_and_behind_tracks() -> None:
    second = note(40) + END
    data = header(tracks=2) + chunk(BODY) + b"\x01junk\xff" + chunk(second) + b"\x00" * 70
    reading = saved(data)
    assert reading.score == midi.read_bytes(smf(BODY, second)).score
    assert reading.repairs == (
        "skipped 6 bytes that belong to no track",
        "skipped 70 bytes after the last track",
    )


def test_a_track_from_the_slack_of_a_disk_is_left_alone() -> None:
    data = WHOLE + b"\x00" * 200 + chunk(note(40) + END)
    reading = saved(data)
    assert reading.score == scale()
    assert reading.repairs == ("skipped 220 bytes after the last track",)


def test_tracks_behind_the_promised_ones_are_read() -> None:
    reading = saved(smf(BODY, BODY, tracks=1))
    assert len(reading.score) == 16
    assert reading.repairs == ("the header promises 1 track, the file has 2",)


def test_garbage_behind_a_damaged_track_is_not_read_as_music() -> None:
    damaged = SCALE + b"\x00\x90\xf4\xf4" + SCALE
    text = b"The quick brown fox jumps over the lazy dog. " * 400
    reading = saved(header() + chunk(damaged, claims=len(damaged)) + text)
    assert len(reading.score) == 16


# -- events --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (b"\x00\xf4", "track 1: left out 1 system message, which have no place in a file"),
        (b"\x00\xf5\x00\xf9\x00\xfd", "track 1: left out 3 system messages"),
        (b"\x00\x90\xf4\x40", "track 1: left out 1 message with a data byte over 127"),
        (b"\x00\xc0\xd0", "track 1: left out 1 message with a data byte over 127"),
        (b"\x00\x90\x3c\xff", "track 1: cut 1 data byte over 127 down to 127"),
        (b"\x00\xff\x99\x02ab", "track 1: left out 1 meta event"),
        (b"\x00\xf0\x7f\x41\x10\xf7", "track 1: left out 1 system exclusive message of a wrong"),
        (b"\x80\x80\x80\x80\x00\x90\x3c\x40", "track 1: read 1 pause written in more than four"),
        (b"\xff" * 20, "track 1: skipped 20 bytes of no known meaning"),
    ],
)
def test_damage_between_events(damage: bytes, line: str) -> None:
    # A system exclusive message makes no difference, and is no repair.
    sysex = b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7"
    reading = saved(smf(SCALE + sysex + damage + SCALE + END))
    assert any(said.startswith(line) for said in reading.repairs), reading.repairs
    both = midi.read_bytes(smf(SCALE + SCALE + END)).score.notes.tolist()
    kept = reading.score.notes.tolist()
    assert sum(row in kept for row in both) >= 15


def test_all_velocities_over_127() -> None:
    loud = b"".join(bytes([0, 0x90, p, 0xE0, 96, 0x80, p, 0x40]) for p in range(60, 70))
    reading = saved(smf(loud + END))
    assert reading.score.notes["velocity"].tolist() == [127] * 10
    assert reading.repairs == ("track 1: cut 10 data bytes over 127 down to 127",)


def test_a_missing_end_of_track_alone_is_no_damage() -> None:
    assert midi.read_bytes(smf(SCALE)).repairs == ()


def test_running_status_over_damage_is_stated_again() -> None:
    running = b"\x00\x90\x3c\x40\x60\x3c\x00" + b"\x00\xf4" + b"\x00\x3e\x40\x60\x3e\x00" * 4
    reading = saved(smf(running + END))
    assert reading.score.notes["pitch"].tolist() == [60, 62, 62, 62, 62]


def test_time_goes_on_over_what_is_left_out() -> None:
    reading = saved(smf(note(60) + b"\x40\xf4" + note(62) * 4 + END))
    assert reading.score.notes["onset"].tolist() == [0, 160, 256, 352, 448]


def test_a_pause_that_only_damage_explains_is_taken_out() -> None:
    pause = smf_bytes.number(500 * 96)
    reading = saved(smf(SCALE + b"\x00\xf4" + pause + SCALE[1:] + SCALE + END))
    assert reading.score.end_ticks == 24 * 96
    assert "track 1: took out 1 pause longer than any rest, left by the damage" in reading.repairs


# -- notes that nothing ends ---------------------------------------------------------------------


def test_notes_without_any_end_last_a_beat_or_to_the_next() -> None:
    body = b"\x00\x90\x3c\x50\x30\x3c\x50\x30\x40\x50" + END
    reading = saved(smf(body))
    assert reading.score.notes[["onset", "duration", "pitch"]].tolist() == [
        (0, 48, 60),
        (48, 48, 60),
        (96, 96, 64),
    ]
    assert reading.repairs == (
        "track 1: ended 1 note that nothing ended, where the same pitch starts again",
        "track 1: ended 2 notes that nothing ended, where the track ends",
    )


def test_one_lost_end_does_not_shift_the_others() -> None:
    notes = note(60) * 3
    broken = notes.replace(b"\x60\x80\x3c\x00", b"\x60\xf4", 1)
    reading = saved(smf(broken + note(62) * 3 + END))
    assert reading.score.notes[["onset", "duration", "pitch"]].tolist() == [
        (96 * i, 96, 60 if i < 3 else 62) for i in range(6)
    ]


def test_a_cut_leaves_overlapping_notes_as_they_were() -> None:
    overlapping = b"\x00\x90\x3c\x50\x20\x90\x3c\x51" * 3 + b"\x20\x80\x3c\x00" * 2 + note(70)
    score = saved(header() + chunk(overlapping, claims=9999)).score
    assert len(score) == 7
    # As any reader pairs them: the first to start is the first to end.
    assert score.notes[["onset", "duration"]].tolist()[:3] == [(0, 128), (32, 128), (32, 224)]


# -- text-mode transfers -------------------------------------------------------------------------


def with_line_feeds() -> bytes:
    """A track with LF and CR LF among its bytes: pitches, loudness and delta times of 10 and 13."""
    body = b"".join(
        bytes([13, 0x90, 10 + i % 5, 10, 10, 0x80, 10 + i % 5, 64]) + note(60 + i % 12, 13, 10)
        for i in range(60)
    )
    return smf(body + END)


def test_carriage_returns_that_were_put_in_are_taken_out() -> None:
    whole = with_line_feeds()
    reading = saved(whole.replace(b"\n", b"\r\n"))
    assert reading.score == midi.read_bytes(whole).score
    assert "carriage returns that a text-mode transfer had put in" in reading.repairs[0]


def test_carriage_returns_that_were_taken_away_are_put_back() -> None:
    quiet = b"".join(note(40 + i % 30, i % 9, 20 + i % 7) for i in range(400))
    body = quiet + b"\x00\x90\x0d\x0a\x20\x80\x0d\x0a" + quiet + END
    assert body.count(b"\r\n") == 2
    whole = smf(body)
    reading = saved(whole.replace(b"\r\n", b"\n"))
    assert reading.score == midi.read_bytes(whole).score
    assert reading.repairs == (
        f"track 1 claimed {len(body):,} bytes, {len(body) - 2:,} were there: read what was there",
        "track 1: put back 2 carriage returns that a text-mode transfer had taken away",
    )


# -- nothing to save, and too much ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\x00" * 1000, "it is no MIDI file: neither a header nor a track"),
        (b"hello", "neither a header nor a track"),
        (b"\x1f\x8b\x08rest", "it is no MIDI file but a gzip archive: unpack it first"),
        (b"Rar!\x1a", "a RAR archive"),
        (b"\n <!DOCTYPE html>", "a web page or XML"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a RIFF file without MIDI"),
        (b"MThd\0\0\0\6\0", "it ends inside its header"),
        (header(), "it has a header but no tracks"),
        (header() + b"MTrk", "it holds no notes that could be saved"),
        (header() + chunk(b"\x00\x3c\x40\x00\x3c"), "it holds no notes that could be saved"),
        (header(form=9) + chunk(END), "it holds no notes that could be saved: the header claims"),
    ],
)
def test_what_holds_no_music_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(FormatError) as refused:
        midi.read_bytes(data, "it")
    assert why in str(refused.value)


def test_thousands_of_tracks_are_refused() -> None:
    with pytest.raises(LimitError, match="claims 4097 tracks"):
        mended(smf(*[END] * (MOST_CHUNKS + 1), tracks=1), "it", [])


def test_a_long_report_is_shortened() -> None:
    reading = saved(smf(*[note(60) + b"\x00\xf4" + SCALE + END] * 60))
    assert len(reading.repairs) == 50
    assert reading.repairs[-1] == "and 11 more repairs of these kinds"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "body",
    [
        bytes(range(256)) * 4000,
        b"\x00\xf4" * 500_000,
        b"\x00\xf0\x00" * 300_000,
        b"\xff" * 1_000_000,
        b"\x00\x90\x3c\xff\x7f" * 200_000,
    ],
)
def test_a_megabyte_of_damage_comes_to_an_end(body: bytes) -> None:
    try:
        reading = midi.read_bytes(smf(SCALE + body))
    except SegueError:
        return
    assert len(reading.score) >= 8


@given(
    scores(most_notes=20),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 2000),
)
def test_no_damage_is_too_much(score: Score, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(midi_write.to_bytes(score))
    for place, value in changes:
        data[place % len(data)] = value
    data = data[: max(len(data) - cut, 0)] if cut < 200 else data
    try:
        reading = midi.read_bytes(bytes(data), "it")
    except SegueError as refused:
        assert str(refused).startswith(("it ", "what is left of it "))
        return
    again = midi.read_bytes(midi_write.to_bytes(reading.score))
    assert again.repairs == ()
    assert len(again.score) == len(reading.score)


@given(scores(most_notes=30))
def test_salvage_changes_no_note_of_a_sound_file(score: Score) -> None:
    data = midi_write.to_bytes(score)
    whole = midi.read_bytes(data).score
    if not len(whole):
        return
    clean, repairs = mended(data, "it", [])
    assert repairs == []
    assert midi.read_bytes(clean).score == whole
