from __future__ import annotations

import pytest

from formats.midi_bytes import END, SCALE, meta, note, smf
from segue.formats import midi, midi_text
from segue.formats.sound import sound_tracks
from segue.score import Text


def test_texts_of_all_kinds_and_chunks_keep_their_ticks() -> None:
    first = meta(2, b"(c) 1720") + meta(6, b"Part A", 10) + END
    second = SCALE + meta(5, b"la", 5) + meta(1, b"end", 1) + meta(7, b"cue") + END
    score = midi.read_bytes(smf(first, second)).score
    last = 8 * 96
    assert score.texts == (
        Text(0, "(c) 1720", "copyright"),
        Text(10, "Part A", "marker"),
        Text(last + 5, "la", "lyric"),
        Text(last + 6, "cue", "marker"),
        Text(last + 6, "end", "text"),
    )


def test_empty_texts_are_texts_too() -> None:
    assert midi.read_bytes(smf(meta(1, b"") + SCALE + END)).score.texts == (Text(0, "", "text"),)


def test_what_only_looks_like_a_text_is_none() -> None:
    # A delta time of FF 01, and FF 05 inside a private event.
    body = b"\xff\x01" + note(60)[1:] + meta(0x7F, b"\x00\xff\x05\x02xx") + END
    assert midi.read_bytes(smf(body)).score.texts == ()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("naïve ♫".encode(), "naïve ♫"),
        ("Für Elise".encode("cp1252"), "Für Elise"),
        (b"\x81 undefined in cp1252", "\x81 undefined in cp1252"),
        ("ドラム".encode(), "ドラム"),
    ],
)
def test_texts_and_names_are_decoded(raw: bytes, text: str) -> None:
    assert midi_text.decoded(raw) == text
    data = smf(meta(3, raw) + meta(1, raw) + SCALE + END)
    score = midi.read_bytes(data).score
    assert score.tracks[0].name == text
    assert score.texts == (Text(0, text, "text"),)


def test_silent_channels_are_given_a_voice_only_where_needed() -> None:
    sound = smf(SCALE + END)
    chunks = sound_tracks(sound) or []
    assert midi_text.with_silent_channels(sound, chunks, 1) is sound
    silent = smf(SCALE + END, b"\x00\xb5\x40\x7f" + END)
    voiced = midi_text.with_silent_channels(silent, sound_tracks(silent) or [], 1)
    assert voiced.endswith(b"\x00\xb5\x40\x7f\x00\x95\x00\x01\x00\x85\x00\x00" + END)
    score = midi.read_bytes(silent).score
    assert (len(score), len(score.tracks), len(score.controls)) == (8, 2, 1)
