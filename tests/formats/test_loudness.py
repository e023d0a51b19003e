"""The loudness meter against the standard's own reference points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segue.formats.loudness import Meter, Sound, k_weighting


def tone(hertz: float, decibels: float, seconds: float = 3, rate: int = 48_000) -> Sound:
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.repeat((10 ** (decibels / 20) * wave)[:, None], 2, axis=1).astype(np.float32)


def measured(*sounds: Sound, rate: int = 48_000) -> Meter:
    meter = Meter(rate)
    for sound in sounds:
        meter.add(sound)
    meter.finish()
    return meter


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("level", [-40, -23, -3])
def test_a_stereo_tone_at_1_khz_reads_its_own_level(rate: int, level: float) -> None:
    # BS.1770: 997 Hz in one channel at full scale reads -3.01, in both 0.
    assert measured(tone(997, level, rate=rate), rate=rate).loudness == pytest.approx(
        level, abs=0.1
    )


def test_one_channel_is_three_decibels_less() -> None:
    sound = tone(997, -20)
    sound[:, 1] = 0
    assert measured(sound).loudness == pytest.approx(-23.0, abs=0.1)


def test_the_weighting_follows_the_standards_filters() -> None:
    # The coefficients that the standard prints for 48 kHz: the head's shelf, then the high-pass.
    filters = [
        (
            (1.53512485958697, -2.69169618940638, 1.19839281085285),
            (-1.69065929318241, 0.73248077421585),
        ),
        ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621)),
    ]
    hertz = np.array([20.0, 40, 100, 300, 997, 1700, 3000, 8000, 15_000])
    z = np.exp(-2j * np.pi * hertz / 48_000)
    gain = np.ones(len(hertz), complex)
    for (b0, b1, b2), (a1, a2) in filters:
        gain *= (b0 + b1 * z + b2 * z**2) / (1 + a1 * z + a2 * z**2)
    expected = 20 * np.log10(np.abs(gain))
    assert 10 * np.log10(k_weighting(hertz)) == pytest.approx(expected, abs=0.12)


def test_silence_is_gated_out() -> None:
    rest = np.zeros((48_000 * 6, 2), np.float32)
    assert measured(tone(997, -20), rest).loudness == pytest.approx(-20, abs=0.35)


def test_what_is_far_softer_does_not_count() -> None:
    mixed = measured(tone(997, -20, 5), tone(997, -60, 20))
    assert mixed.loudness == pytest.approx(-20, abs=0.3)


def test_silence_has_no_loudness() -> None:
    meter = measured(np.zeros((48_000, 2), np.float32))
    assert meter.loudness == -math.inf
    assert meter.true_peak == 0


def test_the_peak_between_samples_is_found() -> None:
    # A quarter of the rate, half-way between samples: every sample is 3 dB below the crest.
    n = np.arange(48_000)
    wave = np.sin(np.pi / 2 * n + np.pi / 4)
    sound = np.repeat(wave[:, None], 2, axis=1).astype(np.float32)
    assert np.abs(sound).max() == pytest.approx(0.7071, abs=1e-4)
    assert measured(sound).true_peak == pytest.approx(1.0, abs=0.03)


def test_one_loud_sample_late_in_a_soft_channel_is_found() -> None:
    sound = tone(300, -40)
    sound[100_001, 1] = -0.9
    assert 0.899 < measured(sound).true_peak < 1.0


def test_how_the_sound_is_cut_into_blocks_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    sound = (rng.normal(size=(100_000, 2)) * np.linspace(0.01, 0.2, 100_000)[:, None]).astype(
        np.float32
    )
    whole = measured(sound)
    pieces = measured(*np.array_split(sound, 37))
    assert pieces.loudness == pytest.approx(whole.loudness, abs=1e-5)
    assert pieces.true_peak == pytest.approx(whole.true_peak, rel=1e-6)
