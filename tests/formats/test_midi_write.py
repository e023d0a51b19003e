from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given

import segue
from segue.errors import FormatError, LimitError
from segue.formats import limits, midi, midi_write
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
    tidy,
)
from strategies import scores


def first_in_first_out(score: Score) -> np.ndarray:
    """The notes, each ending when a reader ends it."""
    notes = score.notes.copy()
    for track in range(len(score.tracks)):
        for pitch in range(128):
            mine = np.flatnonzero((notes["track"] == track) & (notes["pitch"] == pitch))
            ends = np.sort(notes["onset"][mine] + notes["duration"][mine])
            notes["duration"][mine] = ends - notes["onset"][mine]
    return notes


def as_midi_holds_it(score: Score) -> Score:
    """The Score that a reader gets back: first in, first out, and no track without an event."""
    tables = {"notes": first_in_first_out(score)}
    tables |= {name: getattr(score, name).copy() for name in ("controls", "bends")}
    used = sorted({int(t) for table in tables.values() for t in table["track"]})
    for table in tables.values():
        table["track"] = np.searchsorted(used, table["track"])
    return score.with_(tracks=tuple(score.tracks[i] for i in used), **tables)


@given(scores(most_tracks=20))
def test_what_is_written_is_read_back(score: Score) -> None:
    reading = midi.read_bytes(midi_write.to_bytes(score))
    assert reading.repairs == ()
    assert reading.score == as_midi_holds_it(score)


@given(scores(most_tracks=20))
def test_writing_what_was_read_changes_nothing(score: Score) -> None:
    once = midi_write.to_bytes(midi.read_bytes(midi_write.to_bytes(score)).score)
    assert midi_write.to_bytes(midi.read_bytes(once).score) == once


@given(scores())
def test_mido_hears_the_same(score: Score) -> None:
    file = mido.MidiFile(file=io.BytesIO(midi_write.to_bytes(score)))
    assert file.ticks_per_beat == score.ticks_per_beat
    heard = [
        (onset, length, index, pitch, velocity)
        for index, track in enumerate(file.tracks[1:])
        for onset, length, pitch, velocity in notes_of(track)
    ]
    assert sorted(heard) == sorted(first_in_first_out(score).tolist())


def notes_of(track: mido.MidiTrack) -> list[tuple[int, int, int, int]]:
    """Onset, length, pitch and loudness of mido's messages, first in, first out."""
    now, found = 0, []
    sounding: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for message in track:
        now += message.time
        if message.type == "note_on" and message.velocity:
            sounding[message.note].append((now, message.velocity))
        elif message.type in ("note_on", "note_off"):
            onset, velocity = sounding[message.note].pop(0)
            found.append((onset, now - onset, message.note, velocity))
    assert not any(sounding.values())
    return found


@given(scores(resolutions=(96, 220, 480, 960)))
def test_pretty_midi_hears_the_same(score: Score) -> None:
    # It ends every open note of a pitch at once and drops empty ones: overlaps are tidied first.
    score = tidy(score)
    file = pretty_midi.PrettyMIDI(io.BytesIO(midi_write.to_bytes(score)))
    heard = sorted(
        (note.start, note.end, note.pitch, note.velocity, instrument.is_drum)
        for instrument in file.instruments
        for note in instrument.notes
    )
    drum = np.array([t.is_drum for t in score.tracks])[score.notes["track"]]
    starts, lengths = score.onset_seconds(), score.duration_seconds()
    columns = (starts, starts + lengths, score.notes["pitch"], score.notes["velocity"], drum)
    expected = sorted(zip(*(column.tolist() for column in columns), strict=True))
    assert len(heard) == len(expected)
    for ours, theirs in zip(expected, heard, strict=True):
        assert ours[2:] == theirs[2:]
        assert ours[:2] == pytest.approx(theirs[:2], abs=1e-6)


def test_a_file_of_every_kind_of_event(tmp_path: Path) -> None:
    score = Score(
        480,
        events(NOTE, [(0, 480, 0, 60, 100), (480, 0, 0, 60, 90), (0, 240, 1, 36, 80)]),
        (Track("Klavier", 0), Track("Schlagzeug", 25, is_drum=True)),
        controls=events(CONTROL, [(0, 0, 64, 127), (480, 0, 64, 0)]),
        bends=events(BEND, [(10, 0, -8192), (20, 0, 8191), (30, 0, 0)]),
        tempi=events(TEMPO, [(0, 500_000), (480, 123_457)]),
        metres=events(METRE, [(0, 3, 4), (480, 7, 16)]),
        keys=events(KEY, [(0, -3, True)]),
        texts=(
            Text(0, "© 1827", "copyright"),
            Text(5, "♫", "text"),
            Text(9, "A"),
            Text(9, "o", "lyric"),
        ),
    )
    path = tmp_path / "all.mid"
    segue.write(score, path)
    assert segue.read(path) == score


def rows(*onsets: int) -> list[tuple[int, int, int, int, int]]:
    return [(onset, 10, track, 60, 64) for track, onset in enumerate(onsets)]


def many(programs: list[int]) -> Score:
    tracks = tuple(Track(str(i), program) for i, program in enumerate(programs))
    return Score(96, events(NOTE, rows(*range(0, 100 * len(programs), 100))), tracks)


@pytest.mark.parametrize(
    ("programs", "channels"),
    [
        (list(range(15)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15]),
        ([0] * 16, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 0]),
        ([5] * 14 + [1, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 0, 14, 15]),
        (list(range(16)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 0]),
    ],
)
def test_channels(programs: list[int], channels: list[int]) -> None:
    assert midi_write.channels_of(many(programs)) == channels


def test_drums_are_on_channel_10_and_nothing_else_is() -> None:
    tracks = tuple(Track(program=i, is_drum=i % 4 == 3) for i in range(12))
    channels = midi_write.channels_of(Score(96, tracks=tracks))
    assert [c == 9 for c in channels] == [t.is_drum for t in tracks]


def test_a_track_on_a_shared_channel_states_its_program_when_it_plays() -> None:
    score = many(list(range(16)))
    file = mido.MidiFile(file=io.BytesIO(midi_write.to_bytes(score)))
    now, programs = 0, []
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type == "program_change" and message.channel == 0:
            programs.append((now, message.program))
    assert programs == [(0, 0), (1500, 15)]
    assert midi.read_bytes(midi_write.to_bytes(score)).score == score


def test_nested_notes_of_one_pitch_exchange_their_lengths() -> None:
    score = Score(96, events(NOTE, [(0, 100, 0, 60, 1), (10, 20, 0, 60, 2)]), (Track(),))
    again = midi.read_bytes(midi_write.to_bytes(score)).score
    assert again.notes[["onset", "duration", "velocity"]].tolist() == [(0, 30, 1), (10, 90, 2)]


def test_ends_come_before_starts_and_controllers_between() -> None:
    score = Score(
        96,
        events(NOTE, [(0, 96, 0, 60, 64), (96, 96, 0, 60, 64)]),
        (Track(),),
        controls=events(CONTROL, [(96, 0, 64, 127)]),
    )
    track = mido.MidiFile(file=io.BytesIO(midi_write.to_bytes(score))).tracks[1]
    kinds = [m.type for m in track if not m.is_meta]
    assert kinds == [
        "program_change", "note_on", "note_off", "control_change", "note_on", "note_off"
    ]  # fmt: skip


def test_pauses_longer_than_the_format_has_are_written() -> None:
    last = (1 << 29) + 5
    notes = events(NOTE, [(0, 1, 0, 60, 1), (last, 10, 0, 60, 1)])
    score = Score(0x7FFF, notes, (Track(),), texts=(Text(last, "there"),))
    assert midi.read_bytes(midi_write.to_bytes(score)).score == score


@pytest.mark.parametrize(
    ("score", "error", "what"),
    [
        (Score(0x8000), FormatError, "32768 ticks a beat"),
        (Score(96, metres=events(METRE, [(0, 4, 3)])), FormatError, "4/3"),
        (Score(96, texts=(Text(0, "x", "poem"),)), FormatError, "'poem'"),
        (Score(0x7FFF, tempi=events(TEMPO, [(limits.TICKS + 1, 1)])), LimitError, "ticks"),
    ],
)
def test_what_midi_cannot_hold_is_refused(score: Score, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        midi_write.to_bytes(score)


def test_a_refused_score_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        segue.write(Score(0x8000), tmp_path / "no.mid")
    assert list(tmp_path.iterdir()) == []


def test_the_softest_note_of_no_length_is_not_taken_for_a_helper_of_the_reader(tmp_path):
    score = Score(
        1,
        events(NOTE, [(0, 0, 0, 0, 1)]),
        (Track("one"), Track("two")),
        bends=events(BEND, [(0, 1, 0)]),
    )
    segue.write(score, tmp_path / "soft.mid")
    assert segue.read(tmp_path / "soft.mid") == score
