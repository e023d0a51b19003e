"""Sound files: what is in them, how loud they are, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_font import tiny_font, tune

from segue.errors import FormatError, LimitError
from segue.formats import audio, write
from segue.formats.loudness import Meter
from segue.score import Score

CHORDS = tune(*[(0.5 * i, 0.6, 48 + 5 * (i % 4) + j, 70 + i) for i in range(10) for j in (0, 4, 7)])


def read(path: Path) -> tuple[np.ndarray, int]:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return sound, rate


def loudness(sound: np.ndarray, rate: int) -> Meter:
    meter = Meter(rate)
    meter.add(sound)
    meter.finish()
    return meter


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_every_format_holds_the_whole_piece_at_one_loudness(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"chords{suffix}"
    write(CHORDS, path, loudness=-20.0)
    sound, rate = read(path)
    assert rate == 44_100
    assert sound.shape[1] == 2
    assert len(sound) / rate > CHORDS.end_seconds + 0.3  # the tail rings on
    meter = loudness(sound, rate)
    assert meter.loudness == pytest.approx(-20, abs=0.3)
    assert meter.true_peak < 1


def test_nothing_clips_however_loud_it_is_asked_for(tmp_path: Path) -> None:
    # Sixty notes at once, then one alone: no gain brings that to 0 LUFS under full scale.
    score = tune(*[(0, 0.3, 36 + i, 127) for i in range(60)], (3, 2, 60, 20))
    write(score, tmp_path / "crash.wav", loudness=0.0)
    sound, rate = read(tmp_path / "crash.wav")
    assert np.abs(sound).max() <= 0.892
    assert loudness(sound, rate).true_peak == pytest.approx(10 ** (-1 / 20), abs=0.01)


def test_dynamics_are_kept(tmp_path: Path) -> None:
    write(tune((0, 1, 60, 120), (4, 1, 60, 40)), tmp_path / "two.wav")
    sound, rate = read(tmp_path / "two.wav")
    loud, soft = (np.abs(sound[round(at * rate) :][:rate]).max() for at in (0, 4))
    assert loud / soft == pytest.approx(9, rel=0.01)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_the_same_score_is_the_same_file(tmp_path: Path, suffix: str) -> None:
    one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
    write(CHORDS, one)
    write(CHORDS, other)
    assert one.read_bytes() == other.read_bytes()


def test_a_long_piece_goes_through_a_file_and_sounds_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "_block", lambda rate: 10_000)
    write(CHORDS, tmp_path / "memory.wav")
    monkeypatch.setattr(audio, "MAX_HELD_BYTES", 1_200_000)
    write(CHORDS, tmp_path / "file.wav")
    assert (tmp_path / "file.wav").read_bytes() == (tmp_path / "memory.wav").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.wav", "memory.wav"]


def test_a_given_soundfont_and_sample_rate_are_used(tmp_path: Path) -> None:
    write(CHORDS, tmp_path / "a.wav", sample_rate=22_050)
    write(CHORDS, tmp_path / "b.wav", sample_rate=22_050, soundfont=tiny_font(tmp_path))
    (one, rate), (other, _) = read(tmp_path / "a.wav"), read(tmp_path / "b.wav")
    assert rate == 22_050
    assert len(one) != len(other)


def test_the_nes_plays_any_score(tmp_path: Path) -> None:
    write(CHORDS, tmp_path / "nes.wav", synth="nes")
    sound, rate = read(tmp_path / "nes.wav")
    assert len(sound) / rate == pytest.approx(CHORDS.end_seconds, abs=0.1)
    assert np.array_equal(sound[:, 0], sound[:, 1])
    assert np.abs(sound).max() > 0.1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"synth": "nis"}, "synth came as 'nis'; did you mean 'nes'"),
        ({"sample_rate": 12}, "8000 to 96000 hertz is allowed"),
        ({"loudness": 3.0}, "-60 to 0 LUFS is allowed"),
        ({"soundfont": "gone.sf2"}, "gone.sf2 does not exist"),
        ({"soundfont": "gone.sf2", "synth": "nes"}, "without a SoundFont"),
    ],
)
def test_wrong_options_are_refused_and_leave_nothing(
    tmp_path: Path, options: dict[str, object], says: str
) -> None:
    with pytest.raises(FormatError, match=says):
        write(CHORDS, tmp_path / "out.wav", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_mp3_lacks_is_refused_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"96000 is not one \.mp3 has; allowed: 8000, 11025"):
        write(CHORDS, tmp_path / "out.mp3", sample_rate=96_000)


def test_a_piece_without_notes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no notes"):
        write(Score(480), tmp_path / "out.wav")


def test_a_piece_of_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="up to 10,800 s: write a slice"):
        write(tune((0, 1, 60, 100), (200_000, 1, 60, 100)), tmp_path / "out.wav")
