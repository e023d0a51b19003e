"""The SoundFont synthesiser, heard through numbers: pitch, loudness, length, place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_font import RATE, cents, hertz, tiny_font, tune

from segue.formats.synth import render
from segue.formats.synth_wave import RELEASE_FLOOR
from segue.score import Score

Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_font(tmp_path_factory.mktemp("font"))


def played(score: Score, font: Path, rate: int = RATE, block: int = 1 << 16) -> Sound:
    return np.concatenate(list(render(score, rate, font, block=block)))


def level(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def decibels(one: Sound, other: Sound) -> float:
    return 20 * float(np.log10(level(one) / level(other)))


@pytest.mark.parametrize("pitch", [33, 57, 69, 70, 88])
@pytest.mark.parametrize("rate", [44_100, 22_050])
def test_every_key_is_in_tune_at_every_rate(font: Path, pitch: int, rate: int) -> None:
    sound = played(tune((0, 2, pitch, 100)), font, rate)[: 2 * rate, 0]
    assert abs(cents(hertz(sound, rate), 440 * 2 ** ((pitch - 69) / 12))) < 0.7


def test_a_presets_tuning_is_added_to_its_instruments(font: Path) -> None:
    assert abs(cents(hertz(played(tune((0, 1, 69, 100), program=4), font)[:, 0], RATE), 880)) < 1


def test_a_long_note_goes_on_evenly_through_loops_segments_and_blocks(font: Path) -> None:
    sound = played(tune((0, 20, 69, 127)), font, block=50_000)[: 20 * RATE, 0]
    swing = np.abs(np.diff(sound[RATE:]))
    assert swing.max() <= 1.01 * np.pi * 2 / 100 * np.abs(sound).max()  # a sine's steepest step
    assert decibels(sound[RATE : 2 * RATE], sound[18 * RATE : 19 * RATE]) == pytest.approx(
        0, abs=0.01
    )


def test_loudness_is_the_square_of_velocity(font: Path) -> None:
    loud, soft = (played(tune((0, 1, 69, v)), font) for v in (120, 60))
    assert decibels(loud, soft) == pytest.approx(40 * np.log10(2), abs=0.01)


def test_velocity_chooses_the_zone_and_pan_the_side(font: Path) -> None:
    soft, loud = (played(tune((0, 1, 69, v), program=2), font) for v in (40, 100))
    assert level(soft[:, 0]) > 0.01
    assert level(soft[:, 1]) < 1e-6
    assert level(loud[:, 1]) > 0.01
    assert level(loud[:, 0]) < 1e-6


def test_the_pan_controller_moves_a_note(font: Path) -> None:
    sound = played(tune((0, 1, 69, 100), controls=[(0, 10, 127)]), font)
    assert level(sound[:, 0]) < 1e-6
    assert level(sound[:, 1]) > 0.01


def test_the_tail_falls_96_decibels_a_release_and_is_not_cut(font: Path) -> None:
    sound = played(tune((0, 1, 69, 100), program=1), font)
    held, later = (sound[round(at * RATE) :][: RATE // 20] for at in (0.94, 1.2))
    assert decibels(later, held) == pytest.approx(-96 * 0.225, abs=2)
    assert len(sound) / RATE == pytest.approx(1 - RELEASE_FLOOR / 96, abs=0.01)
    assert np.abs(sound[-1]).max() < 1e-4


def test_a_release_takes_the_place_of_the_decay(font: Path) -> None:
    # Let go half-way down a decay of 96 dB in 2 s: from there the release's 96 dB in 1 s alone.
    sound = played(tune((0, 0.5, 69, 100), program=6), font)
    one, other = (sound[round(at * RATE) :][: RATE // 50] for at in (0.55, 0.75))
    assert decibels(other, one) == pytest.approx(-96 * 0.2, abs=0.3)
    held = played(tune((0, 2, 69, 100), program=6), font)
    one, other = (held[round(at * RATE) :][: RATE // 50] for at in (0.55, 0.75))
    assert decibels(other, one) == pytest.approx(-96 * 0.1, abs=0.3)


def test_the_volume_envelope_decays_to_its_sustain(font: Path) -> None:
    sound = played(tune((0, 2, 69, 100), program=5), font)
    start, end = sound[RATE // 100 : RATE // 20], sound[round(1.5 * RATE) : round(1.6 * RATE)]
    assert decibels(end, start) == pytest.approx(0.96 * -20 + 96 * 0.03, abs=0.5)


def test_the_filter_takes_the_top_away(font: Path) -> None:
    for pitch, least, most in ((45, -0.2, 0.2), (69, -3.5, -2.5), (105, -38, -34)):
        open_, dull = (played(tune((0, 1, pitch, 100), program=p), font) for p in (0, 3))
        assert least < decibels(dull[2000:-2000], open_[2000:-2000]) < most


def test_the_pedal_holds_notes(font: Path) -> None:
    pedal = [(0.0, 64, 127), (2.0, 64, 0)]
    plain = played(tune((0, 0.5, 69, 100), (2.5, 0.1, 60, 1)), font)
    held = played(tune((0, 0.5, 69, 100), (2.5, 0.1, 60, 1), controls=pedal), font)
    middle = slice(RATE, round(1.9 * RATE))
    assert level(plain[middle]) == 0
    assert level(held[middle]) > 0.01


def test_bends_reach_as_far_as_their_range(font: Path) -> None:
    wide = [(0.0, 101, 0), (0.0, 100, 0), (0.0, 6, 12)]
    for controls, semitones in (((), 2), (wide, 12)):
        score = tune((0, 3, 69, 100), bends=[(1.0, 8191)], controls=controls)
        sound = played(score, font)[:, 0]
        assert abs(cents(hertz(sound[: RATE - 100], RATE), 440)) < 1
        up = 440 * 2 ** (semitones / 12)
        assert abs(cents(hertz(sound[RATE + 500 : 3 * RATE - 500], RATE), up)) < 1


def test_volume_counts_from_its_own_tick_and_expression_inside_a_note(font: Path) -> None:
    default = played(tune((0, 1, 69, 100)), font)
    halved = played(tune((0, 1, 69, 100), controls=[(0, 7, 50)]), font)
    assert decibels(halved[:1000], default[:1000]) == pytest.approx(-40 * np.log10(2), abs=0.01)
    swelled = played(tune((0, 2, 69, 100), controls=[(0, 11, 32), (1, 11, 127)]), font)
    before, after = swelled[RATE // 2 : round(0.9 * RATE)], swelled[round(1.1 * RATE) : 2 * RATE]
    assert decibels(after, before) == pytest.approx(40 * np.log10(127 / 32), abs=0.1)


def test_a_closed_hi_hat_stops_the_open_one(font: Path) -> None:
    open_ = played(tune((0, 1, 46, 100), is_drum=True), font)
    both = played(tune((0, 1, 46, 100), (0.3, 0.1, 42, 1), is_drum=True), font)
    at = slice(round(0.5 * RATE), round(0.6 * RATE))
    assert decibels(both[at], open_[at]) < -35


def test_a_hi_hat_that_rings_after_its_note_rings_until_it_is_stopped(font: Path) -> None:
    open_ = played(tune((0, 0.05, 46, 127), is_drum=True), font)
    both = played(tune((0, 0.05, 46, 127), (0.3, 0.05, 42, 1), is_drum=True), font)
    before = slice(0, round(0.29 * RATE))
    assert np.array_equal(both[before], open_[before])
    assert decibels(both[round(0.4 * RATE) : RATE // 2], open_[round(0.4 * RATE) : RATE // 2]) < -30


def test_a_program_the_font_lacks_is_played_by_its_piano(font: Path) -> None:
    lacking, piano = (played(tune((0, 1, 69, 100), program=p), font) for p in (99, 0))
    assert np.array_equal(lacking, piano)


def test_blocks_only_cut_the_line(font: Path) -> None:
    notes = [(0.13 * i, 0.9, 50 + 3 * (i % 12), 40 + 5 * i) for i in range(16)]
    score = tune(*notes, program=1, controls=[(0.4, 11, 60), (1.1, 11, 120)], bends=[(1, 4000)])
    whole = played(score, font, block=1 << 24)
    assert len(whole) > 2 * RATE
    for block in (999, 4096, 49_152, 60_001):
        assert np.array_equal(played(score, font, block=block), whole)


def test_a_dropped_segment_is_made_again_alike(font: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = tune(*[(0.5 * i, 4, 50 + i, 90) for i in range(8)], program=1)
    whole = played(score, font)
    monkeypatch.setattr("segue.formats.synth.CACHE_BYTES", 1)
    assert np.array_equal(played(score, font), whole)


def test_a_silent_hour_before_the_music_is_silent(font: Path) -> None:
    blocks = render(tune((3600, 1, 69, 100)), 8000, font, block=1 << 20)
    loud = [float(np.abs(block).max()) for block in blocks]
    assert loud[0] == 0 < loud[-1]


def test_the_default_font_plays_every_program_and_drum() -> None:
    score = tune(*[(0, 0.2, 35 + i, 100) for i in range(46)], is_drum=True)
    assert level(np.concatenate(list(render(score, 8000)))) > 0.001
    for program in range(0, 128, 9):
        sound = np.concatenate(list(render(tune((0, 0.3, 60, 100), program=program), 8000)))
        assert level(sound) > 0.001
        assert np.isfinite(sound).all()
