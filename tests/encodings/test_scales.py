import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.encodings.scales import Lengths, Tempi, Velocities

BEATS = Lengths(exact=48, octaves=3)  # twelfths of a beat, exact to four beats


def test_short_lengths_are_exact_and_long_ones_keep_beats():
    assert BEATS.values[:48].tolist() == list(range(1, 49))
    # Quarter beats to 8 beats, half beats to 16, beats to 32.
    assert np.diff(BEATS.values[47:]).tolist() == [3] * 16 + [6] * 16 + [12] * 16
    assert (BEATS.size, BEATS.longest) == (96, 384)


def test_the_error_it_states_is_the_worst_there_is():
    every = np.arange(1, BEATS.longest + 1)
    got = BEATS.values[BEATS.nearest(every)]
    assert (np.abs(got - every) / every).max() == BEATS.relative_error
    assert BEATS.relative_error < 0.031


def test_a_length_between_two_symbols_goes_to_the_nearer_or_not_past_it():
    assert BEATS.values[BEATS.nearest(np.array([49, 50, 53, 99999]))].tolist() == [48, 51, 54, 384]
    assert BEATS.values[BEATS.at_most(np.array([49, 50, 53, 99999]))].tolist() == [48, 48, 51, 384]


def test_nothing_is_as_short_as_a_step():
    assert BEATS.values[BEATS.nearest(np.array([0, 1]))].tolist() == [1, 1]


@given(st.integers(1, 200), st.integers(1, 6))
def test_lengths_rise_and_are_their_own_nearest(exact, octaves):
    lengths = Lengths(exact, octaves)
    assert (np.diff(lengths.values) > 0).all()
    assert np.array_equal(lengths.nearest(lengths.values), np.arange(lengths.size))
    assert np.array_equal(lengths.at_most(lengths.values), np.arange(lengths.size))


@pytest.mark.parametrize("bins", [1, 2, 32, 100, 128])
def test_a_velocity_comes_back_in_its_own_bin(bins):
    scale, every = Velocities(bins), np.arange(1, 128)
    symbols = scale.symbols(every)
    values = scale.values(symbols)
    assert symbols.max() == bins - 1
    assert np.array_equal(scale.symbols(values), symbols)
    assert (np.abs(values - every) <= 64 / bins + 1).all()


def test_with_128_bins_velocities_are_exact():
    every = np.arange(1, 128)
    scale = Velocities(128)
    assert np.array_equal(scale.values(scale.symbols(every)), every)


def test_tempi_come_back_within_half_a_bin():
    scale = Tempi()
    every = np.arange(scale.bins)
    assert np.array_equal(scale.symbols(scale.microseconds(every)), every)
    bpm = np.linspace(20, 320, 1000)
    back = 60e6 / scale.microseconds(scale.symbols(60e6 / bpm))
    assert (np.abs(np.log(back / bpm)) <= np.log(16) / 63 / 2 + 1e-5).all()
    assert scale.symbols(np.array([10_000_000, 1])).tolist() == [0, 63]
