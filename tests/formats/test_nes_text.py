"""NES event text against hand-written songs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import FormatError, LimitError
from segue.formats import read, read_reported, write
from segue.formats.nes_text import event_lines, parse, quantise_wait, vocabulary
from segue.score import CONTROL, NOTE, Score, Track, events

# Two pulses and the triangle start together; P1 goes on without a gap; the song ends in silence.
TX1 = """\
P1_NOTEON_60
P2_NOTEON_64
TR_NOTEON_36
WT_11025
P1_NOTEON_62
P2_NOTEOFF
NO_NOTEON_16
WT_55
NO_NOTEOFF
WT_22050
P1_NOTEOFF
TR_NOTEOFF
WT_10070
"""
TX2 = """\
P1_NOTEON_60
P1_VELOCITY_12
P1_TIMBRE_2
NO_NOTEON_3
NO_VELOCITY_4
NO_TIMBRE_1
WT_700
P1_VELOCITY_6
WT_300
P1_NOTEON_60
P1_VELOCITY_15
NO_NOTEOFF
WT_5
P1_NOTEOFF
"""


def test_tx1_becomes_four_tracks_a_tick_to_a_sample() -> None:
    score = parse(TX1).score
    assert score.ticks_per_beat == 22_050
    assert [(t.name, t.program, t.is_drum) for t in score.tracks] == [
        ("p1", 80, False),
        ("p2", 81, False),
        ("tr", 38, False),
        ("no", 121, True),
    ]
    assert score.notes.tolist() == [  # onset, duration, track, pitch, velocity
        (0, 11_025, 0, 60, 15),
        (0, 11_025, 1, 64, 15),
        (0, 33_130, 2, 36, 1),
        (11_025, 22_105, 0, 62, 15),
        (11_025, 55, 3, 16, 15),
    ]
    assert score.metres.tolist() == [(0, 4, 4), (43_200, 1, 1)]  # where the song ends
    assert score.end_seconds == pytest.approx(33_130 / 44_100)


def test_tx2_levels_and_timbres_become_velocities_and_controllers() -> None:
    score = parse(TX2).score
    assert score.notes["velocity"].tolist() == [12, 4, 15]
    assert score.controls.tolist() == [(0, 0, 12, 2), (0, 3, 12, 1), (700, 0, 11, 6)]


@pytest.mark.parametrize(("text", "levels"), [(TX1, False), (TX2, True)])
def test_what_is_read_is_written_back(text: str, levels: bool) -> None:
    reading = parse(text)
    assert reading.repairs == ()
    assert event_lines(reading.score, levels=levels) == text.splitlines()


def test_the_suffix_chooses_levels_through_the_one_door(tmp_path: Path) -> None:
    score = parse(TX2).score
    for name in ("a.tx1.txt", "b.tx2.txt", "c.tx1", "d.TX2"):
        write(score, tmp_path / name)
    assert read(tmp_path / "b.tx2.txt") == score == read(tmp_path / "d.TX2")
    assert (tmp_path / "a.tx1.txt").read_text() == (tmp_path / "c.tx1").read_text()
    assert "VELOCITY" not in (tmp_path / "a.tx1.txt").read_text()


def test_the_vocabularies_have_the_published_sizes() -> None:
    words = vocabulary()
    assert len(words) == len(set(words)) == 630
    assert sum(w.startswith("WT_") for w in words) == 370
    assert len(vocabulary(levels=True)) == 685
    assert set(words) < set(vocabulary(levels=True))
    assert {f"WT_{quantise_wait(n)}" for n in range(1, 100_500)} == set(words[:370])


@pytest.mark.parametrize(
    ("wait", "nearest"),
    [
        (1, 1),
        (100, 100),
        (101, 100),
        (105, 110),
        (999, 1000),
        (1049, 1000),
        (1050, 1100),
        (9951, 10_000),
        (10_499, 10_000),
        (10_500, 11_000),
        (99_500, 100_000),
        (5_000_000, 100_000),
    ],
)
def test_waits_are_rounded_as_the_data_set_rounds_them(wait: int, nearest: int) -> None:
    assert quantise_wait(wait) == nearest


def test_waits_of_the_vocabulary_on_request() -> None:
    score = parse(TX1).score
    lines = event_lines(score, levels=False, waits="vocabulary")
    assert [line for line in lines if line.startswith("WT")] == [
        "WT_11000",
        "WT_55",
        "WT_22000",
        "WT_10000",
    ]
    assert set(lines) <= set(vocabulary())
    with pytest.raises(FormatError, match="waits came as 'exactly'; did you mean 'exact'"):
        event_lines(score, levels=False, waits="exactly")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("P3_NOTEON_60", "'P3_NOTEON_60' is not an NES event"),
        ("P1_NOTEON", "'P1_NOTEON' is not an NES event"),
        ("P1_NOTEOFF_60", "is not an NES event"),
        ("WT_-5", "is not an NES event"),
        ("WT_1.5", "is not an NES event"),
        ("WT_", "is not an NES event"),
        ("WT_²", "is not an NES event"),
        ("P1_NOTEON_32", "P1_NOTEON came as 32; 33 to 108 is allowed"),
        ("TR_NOTEON_109", "TR_NOTEON came as 109; 21 to 108 is allowed"),
        ("NO_NOTEON_17", "1 to 16 is allowed"),
        ("P1_VELOCITY_0", "1 to 15 is allowed"),
        ("NO_TIMBRE_2", "0 to 1 is allowed"),
        ("TR_TIMBRE_0", "this voice has none"),
        ("x" * 5000, "is not an NES event"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(line: str, says: str) -> None:
    with pytest.raises(FormatError, match=f"song, line 3: .*{says}") as raised:
        parse(f"P1_NOTEON_60\nWT_100\n{line}\nP1_NOTEOFF\n", "song")
    assert len(str(raised.value)) < 200


def test_absurd_waits_and_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LimitError, match="line 2: the waits add up to more than a day"):
        parse("P1_NOTEON_60\nWT_999999999999\nP1_NOTEOFF")
    with pytest.raises(FormatError, match="not an NES event"):
        parse("P1_NOTEON_60\nWT_9999999999999999999999\nP1_NOTEOFF")
    path = tmp_path / "big.tx1"
    path.write_text(TX1)
    monkeypatch.setattr("segue.formats.nes_text.MAX_BYTES", 10)
    with pytest.raises(LimitError, match="Split it"):
        read(path)


def test_text_without_notes_or_of_other_bytes_is_refused(tmp_path: Path) -> None:
    for text in ("", "\n\n", "WT_100", "<S>\nEND\n"):
        with pytest.raises(FormatError, match="holds no notes"):
            parse(text)
    path = tmp_path / "bytes.tx1"
    path.write_bytes(b"P1_NOTEON_60\n\xff\xfe")
    with pytest.raises(FormatError, match="byte 13 is not plain ASCII"):
        read(path)


def test_loose_ends_are_repaired_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "loose.tx1"
    path.write_text("<S>\nTR_NOTEOFF\nP1_NOTEON_60\nWT_10\nP2_NOTEON_61\nEND\n")
    reading = read_reported(path)
    assert reading.score.notes["duration"].tolist() == [11, 1]
    assert len(reading.repairs) == 3
    assert "line 2: TR_NOTEOFF with no note sounding" in reading.repairs[0]
    assert "P1 still sounded at the end" in reading.repairs[1]


def test_nothing_is_written_for_a_score_without_notes(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no notes"):
        write(Score(480), tmp_path / "none.tx1")
    assert list(tmp_path.iterdir()) == []


@st.composite
def songs(draw: st.DrawFn) -> Score:
    """Four voices of notes that do not overlap, with changes while they sound."""
    notes, controls = [], []
    for track, (low, high, top) in enumerate(
        ((33, 108, 15), (33, 108, 15), (21, 108, 1), (1, 16, 15))
    ):
        at = 0
        gaps = st.tuples(st.integers(0, 50_000), st.integers(1, 50_000))
        for gap, length in draw(st.lists(gaps, min_size=1 if track == 0 else 0, max_size=5)):
            onset = at + gap
            pitch, level = draw(st.integers(low, high)), draw(st.integers(1, top))
            notes.append((onset, length, track, pitch, level))
            if top > 1 and length > 1 and draw(st.booleans()):
                change = onset + draw(st.integers(1, length - 1))
                controls.append((change, track, 11, draw(st.integers(1, 15))))
                controls.append((change, track, 12, draw(st.integers(0, 1))))
            at = onset + length
    tracks = tuple(
        Track(n, p, n == "no") for n, p in (("p1", 80), ("p2", 81), ("tr", 38), ("no", 121))
    )
    return Score(22_050, events(NOTE, notes), tracks, controls=events(CONTROL, controls))


@given(songs())
def test_any_song_survives_tx2_to_the_sample(score: Score) -> None:
    reading = parse("\n".join(event_lines(score, levels=True)))
    assert reading.repairs == ()
    assert reading.score.notes.tolist() == score.notes.tolist()
    assert reading.score.controls.tolist() == score.controls.tolist()


@given(songs())
def test_any_song_in_the_vocabularys_waits_holds_only_its_words(score: Score) -> None:
    assert set(event_lines(score, levels=True, waits="vocabulary")) <= set(vocabulary(levels=True))


@given(st.text(alphabet="PTRNO12_WVELYIMBAF0369\n", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert len(parse(text).score)
    except FormatError as error:
        assert "line" in str(error) or "no notes" in str(error)
