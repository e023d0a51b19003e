"""The NES's sound: pitches of its timers, spectra of its duties, its noise and its mixer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_font import cents, hertz

from segue.formats.nes_synth import (
    CPU_HERTZ,
    NOISE_PERIODS,
    PULSE_CYCLES,
    TRIANGLE_CYCLES,
    _mixed,
    _noise_bits,
    render,
    timer,
)
from segue.score import CONTROL, NOTE, Score, events
from segue.score.nes_voices import VOICES

RATE = 44_100


def tone(
    voice: int,
    pitch: int,
    seconds: float = 1.0,
    level: int = 15,
    controls: tuple[tuple[int, int, int], ...] = (),
) -> Score:
    """One note of a voice; controls are (sample, number, value)."""
    return Score(
        22_050,
        events(NOTE, [(0, round(seconds * RATE), voice, pitch, level)]),
        tuple(v.track for v in VOICES),
        controls=events(CONTROL, [(at, voice, number, value) for at, number, value in controls]),
    )


def played(score: Score, rate: int = RATE, block: int = 1 << 17) -> NDArray[np.float32]:
    return np.concatenate(list(render(score, rate, block=block)))[:, 0]


def harmonics(sound: NDArray[np.float32], base: float, count: int = 6) -> list[float]:
    """How strong the first multiples of `base` are against the first."""
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    places = [round(base * (n + 1) * size / RATE) for n in range(count)]
    found = [float(spectrum[p - 8 : p + 9].max()) for p in places]
    return [f / found[0] for f in found]


@pytest.mark.parametrize(
    ("pitch", "cycles", "value"),
    # round(1789773 / (cycles f) - 1): A4 on a pulse and on the triangle, the lowest and highest.
    [
        (69, PULSE_CYCLES, 253),
        (69, TRIANGLE_CYCLES, 126),
        (33, PULSE_CYCLES, 2033),
        (108, PULSE_CYCLES, 26),
        (21, TRIANGLE_CYCLES, 2033),
        (0, PULSE_CYCLES, 2047),
    ],
)
def test_timers_are_the_nearest_the_chip_has(pitch: int, cycles: int, value: int) -> None:
    assert timer(pitch, cycles) == value


@pytest.mark.parametrize(("voice", "pitch"), [(0, 69), (1, 57), (0, 96), (2, 69), (2, 33)])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_voice_sounds_at_its_timers_pitch(voice: int, pitch: int, rate: int) -> None:
    cycles = TRIANGLE_CYCLES if voice == 2 else PULSE_CYCLES
    meant = CPU_HERTZ / (cycles * (timer(pitch, cycles) + 1))
    sound = played(tone(voice, pitch, controls=((0, 12, 2),) if voice < 2 else ()), rate)
    assert abs(cents(hertz(sound[2000:-5000], rate), meant)) < 1


def test_duties_have_their_harmonics() -> None:
    base = CPU_HERTZ / (16 * (timer(57, PULSE_CYCLES) + 1))
    for duty, share in ((0, 1 / 8), (1, 1 / 4), (2, 1 / 2), (3, 3 / 4)):
        sound = played(tone(0, 57, controls=((0, 12, duty),)))[2000:-5000]
        expected = [abs(np.sin(np.pi * share * n) / n) for n in range(1, 7)]
        assert harmonics(sound, base) == pytest.approx(
            [e / expected[0] for e in expected], abs=0.02
        )


def test_the_triangle_has_odd_harmonics_by_their_square() -> None:
    base = CPU_HERTZ / (32 * (timer(45, TRIANGLE_CYCLES) + 1))
    found = harmonics(played(tone(2, 45))[2000:-5000], base, 5)
    assert found[::2] == pytest.approx([1, 1 / 9, 1 / 25], abs=0.02)
    assert max(found[1::2]) < 0.06  # not quite none: the mixer bends


def test_the_noise_register_turns_in_32767_or_93_steps() -> None:
    assert len(_noise_bits(short=False)) == 32_767
    assert _noise_bits(short=False).sum() == 16_383  # one more 1 than 0 in the register's low bit
    assert len(_noise_bits(short=True)) == 93


def test_short_noise_is_a_tone_and_higher_notes_are_brighter() -> None:
    tonal = played(tone(3, 8, controls=((0, 12, 1),)))[2000:-5000]
    step = CPU_HERTZ / NOISE_PERIODS[16 - 8]
    multiple = hertz(tonal, RATE) * 93 / step
    assert multiple == pytest.approx(round(multiple), abs=0.02)
    crossings = [
        np.count_nonzero(np.diff(np.sign(played(tone(3, n))[1000:-5000]))) for n in (1, 6, 11)
    ]
    assert crossings[0] * 2 < crossings[1]
    assert crossings[1] * 2 < crossings[2]


def test_levels_follow_the_notes_and_their_changes() -> None:
    loud, soft = (np.abs(played(tone(0, 69, level=n))[2000:40_000]).max() for n in (15, 5))
    assert 2.5 < loud / soft < 3.1  # a little less than three: the mixer bends
    swelled = played(tone(0, 69, level=5, controls=((22_050, 11, 15),)))
    assert np.abs(swelled[2000:22_000]).max() == pytest.approx(soft, rel=0.01)
    assert np.abs(swelled[30_000:40_000]).max() == pytest.approx(loud, rel=0.02)


def test_the_mixer_meets_its_formula_and_bends() -> None:
    one, zero = np.array([15.0]), np.zeros(1)
    assert _mixed(one, zero, zero, zero)[0] == pytest.approx(95.88 / (8128 / 15 + 100))
    both = 159.79 / (1 / (15 / 8227 + 15 / 12_241) + 100)
    assert _mixed(zero, zero, one, one)[0] == pytest.approx(both)
    assert _mixed(one, one, zero, zero)[0] < 2 * _mixed(one, zero, zero, zero)[0]
    assert _mixed(zero, zero, zero, zero)[0] == 0
    assert _mixed(one, one, one, one)[0] < 1


def test_silence_after_a_note_and_no_offset() -> None:
    score = tone(1, 60, 0.5)
    sound = played(
        score.with_(notes=np.append(score.notes, events(NOTE, [(88_200, 10, 1, 60, 1)])))
    )
    assert np.abs(sound[60_000:88_000]).max() < 1e-3
    assert abs(float(sound[:22_050].mean())) < 0.01


def test_blocks_only_cut_the_line() -> None:
    score = tone(0, 61, 1.5, controls=((9000, 12, 1), (20_000, 11, 4)))
    whole = played(score, block=1 << 20)
    for block in (4096, 30_011):
        assert np.abs(played(score, block=block) - whole).max() < 1e-6
