"""Which SoundFont is played, and fonts that are no fonts."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_font import LOOPED, PRESETS, RATE, STEADY, cents, font_bytes, hertz, sine, tiny_font, tune

from segue.errors import FormatError, LimitError
from segue.formats.soundfont import SOUNDFONT_VARIABLE, SoundFont, default_soundfont
from segue.formats.synth import render


def test_the_default_is_the_packaged_font_found_without_importing_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.delitem(sys.modules, "pretty_midi", raising=False)
    assert default_soundfont().name == "TimGM6mb.sf2"
    assert "pretty_midi" not in sys.modules


def test_the_environment_may_name_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tiny_font(tmp_path)))
    assert default_soundfont() == tmp_path / "tiny.sf2"
    assert len(SoundFont(default_soundfont()).presets) == len(PRESETS)


def test_without_any_font_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FormatError, match=r"pip install pretty_midi.*--soundfont"):
        default_soundfont()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.sf2", None, "does not exist"),
        ("folder.sf2", b"", "is a folder"),
        ("text.sf2", b"this is no font", "not a SoundFont"),
        ("empty.sf2", b"", "not a SoundFont"),
        ("wave.sf2", b"RIFF\x10\0\0\0WAVEfmt ", "not a SoundFont"),
        ("bare.sf2", b"RIFF\x04\0\0\0sfbk", "damaged: it has no phdr table"),
    ],
)
def test_what_is_no_font_is_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if name == "folder.sf2":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(FormatError, match=says):
        SoundFont(path)


def test_zones_and_samples_are_resolved(tmp_path: Path) -> None:
    font = SoundFont(tiny_font(tmp_path))
    soft, loud = font.zones(2, is_drum=False)
    assert (soft.velocities, loud.velocities) == ((0, 63), (64, 127))
    sample = font.sample(soft)
    assert (sample.rate, sample.key, sample.loop) == (RATE, 69, (200, 800))
    assert np.array_equal(sample.sound, sine())
    closed, open_ = font.zones(0, is_drum=True)
    assert (closed.keys, open_.keys) == ((42, 42), (46, 46))


def test_compressed_samples_are_decoded(tmp_path: Path) -> None:
    stream = io.BytesIO()
    wave = sine(20_000).astype(np.float32) / 32_768
    soundfile.write(stream, wave, RATE, format="OGG", subtype="VORBIS")
    path = tmp_path / "tiny.sf3"
    presets = [(0, 0, {}, [(0, {**STEADY, LOOPED: 0})])]
    path.write_bytes(font_bytes(presets, [stream.getvalue()], kind=0x11))  # type: ignore[list-item]
    sound = np.concatenate(list(render(tune((0, 0.4, 81, 100)), RATE, path)))
    assert abs(cents(hertz(sound[1000:9000, 0], RATE), 880)) < 2


def test_a_preset_of_absurdly_many_zones_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.sf2"
    path.write_bytes(font_bytes([(0, 0, {}, [(0, {})] * 20_001)]))
    with pytest.raises(LimitError, match="more than 20000 zones"):
        SoundFont(path).zones(0, is_drum=False)


def _sounds_or_refuses(path: Path) -> None:
    """A font is played, or refused by a sentence; anything else fails the test."""
    score = tune((0, 0.1, 69, 100), (0, 0.1, 42, 20), program=2)
    try:
        blocks = list(render(score, 8000, path, block=1 << 14))
    except FormatError as error:
        assert str(path) in str(error)
        return
    assert all(np.isfinite(block).all() for block in blocks)


def test_a_font_cut_short_anywhere_sounds_or_is_refused(tmp_path: Path) -> None:
    whole = font_bytes(PRESETS[:3])
    path = tmp_path / "cut.sf2"
    for size in range(0, len(whole), 41):
        path.write_bytes(whole[:size])
        _sounds_or_refuses(path)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
)
def test_a_font_with_wrong_bytes_sounds_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], tables: bool
) -> None:
    data = bytearray(font_bytes(PRESETS[:3]))
    start = data.index(b"pdta") if tables else 0
    for place, value in changes:
        data[start + place % (len(data) - start)] = value
    path = tmp_path_factory.mktemp("wrong") / "wrong.sf2"
    path.write_bytes(bytes(data))
    _sounds_or_refuses(path)
