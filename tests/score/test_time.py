import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.score import MetreMap, TempoMap
from strategies import scores


def test_without_tempo_a_beat_lasts_half_a_second():
    tempo = TempoMap(480, [], [])
    assert tempo.seconds([0, 480, 720]).tolist() == [0, 0.5, 0.75]
    assert tempo.ticks([0, 0.5, 0.75]).tolist() == [0, 480, 720]


def test_seconds_add_up_over_tempo_changes():
    # A beat at 120, two beats at 60, then 240 beats a minute.
    tempo = TempoMap(100, [0, 100, 300], [500_000, 1_000_000, 250_000])
    assert tempo.seconds([50, 100, 200, 300, 400]).tolist() == [0.25, 0.5, 1.5, 2.5, 2.75]
    assert tempo.ticks([0.25, 0.5, 1.5, 2.5, 2.75]).tolist() == [50, 100, 200, 300, 400]


def test_the_default_tempo_holds_until_the_first_change():
    assert TempoMap(100, [200], [1_000_000]).seconds([100, 300]).tolist() == [0.5, 2.0]


def test_of_several_tempi_at_one_tick_the_last_counts():
    assert TempoMap(100, [0, 0], [1, 500_000]).seconds(100) == 0.5


def test_seconds_stay_exact_after_a_million_tempo_changes():
    ticks = np.arange(1_000_000)
    tempo = TempoMap(480, ticks, np.full(len(ticks), 480_000))
    assert tempo.seconds(1_000_000) == pytest.approx(1000, abs=1e-6)


def test_a_bar_is_four_beats_unless_the_metre_says_otherwise():
    assert MetreMap(480, [], [], []).bars([0, 960, 1920, 4800]).tolist() == [0, 0.5, 1, 2.5]


def test_bars_are_counted_through_changes_of_metre():
    # Two bars of 3/4 (1440 ticks each), then 6/8 (also 1440), then 2/2 (1920).
    metre = MetreMap(480, [0, 2880, 5760], [3, 6, 2], [4, 8, 2])
    assert metre.bars([0, 1440, 2880, 3600, 5760, 7680]).tolist() == [0, 1, 2, 2.5, 4, 5]
    assert metre.ticks([0, 1, 2, 2.5, 4, 5]).tolist() == [0, 1440, 2880, 3600, 5760, 7680]
    assert (metre.bar_ticks(0), metre.bar_ticks(6000)) == (1440, 1920)


def test_a_change_of_metre_within_a_bar_starts_a_new_bar():
    # The first bar of 4/4 is cut after two of its beats.
    metre = MetreMap(480, [0, 960], [4, 3], [4, 4])
    assert metre.bars([480, 960, 2400]).tolist() == [0.25, 1, 2]
    assert metre.ticks([0.25, 0.75, 1, 2]).tolist() == [480, 960, 960, 2400]


def test_a_billion_bars_cost_nothing():
    metre = MetreMap(1, [0, 1 << 37], [1, 4], [128, 4])
    assert metre.bars(1 << 37) == (1 << 37) * 32


@given(scores(), st.lists(st.integers(0, 200_000), min_size=1, max_size=20))
def test_ticks_come_back_from_seconds(score, ticks):
    assert score.tempo_map.ticks(score.tempo_map.seconds(ticks)).tolist() == ticks


@given(scores(), st.lists(st.integers(0, 200_000), min_size=1, max_size=20))
def test_ticks_come_back_from_bars(score, ticks):
    assert score.metre_map.ticks(score.metre_map.bars(ticks)).tolist() == ticks


@given(scores())
def test_time_never_runs_backwards(score):
    ticks = np.arange(0, 20_000, 7)
    assert (np.diff(score.tempo_map.seconds(ticks)) > 0).all()
    assert (np.diff(score.metre_map.bars(ticks)) > 0).all()
    bars = np.linspace(0, 40, 400)
    assert (np.diff(score.metre_map.ticks(bars)) >= 0).all()
