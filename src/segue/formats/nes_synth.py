"""The sound of an NES in NumPy: two pulse waves, a triangle, a noise and the console's mixer.

Each oscillator steps through a short table of levels at a rate that the chip's timer allows
(NTSC, 1,789,773 Hz). A frame of sound is the table's average over that frame, taken from the
table's running sum: that is exact at any pitch and rounds off the steps' worst aliases.
Constants after the NESdev wiki's pages on the 2A03's sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segue.formats.loudness import Sound
from segue.score import Score
from segue.score.nes_voices import (
    LEVEL,
    NOISE,
    SAMPLE_RATE,
    TIMBRE,
    TRIANGLE,
    Part,
    parts,
    song_end,
)

CPU_HERTZ = 1_789_773
PULSE_CYCLES, TRIANGLE_CYCLES = 16, 32
TIMER_RANGE = {PULSE_CYCLES: (8, 2047), TRIANGLE_CYCLES: (2, 2047)}
DUTIES = (
    (0, 1, 0, 0, 0, 0, 0, 0),
    (0, 1, 1, 0, 0, 0, 0, 0),
    (0, 1, 1, 1, 1, 0, 0, 0),
    (1, 0, 0, 1, 1, 1, 1, 1),
)
TRIANGLE_STEPS = (*range(15, -1, -1), *range(16))
NOISE_PERIODS = (4, 8, 16, 32, 64, 96, 128, 160, 202, 254, 380, 508, 762, 1016, 2034, 4068)
"""CPU cycles a step of the noise register; note 16 is the first, note 1 the last."""
HIGH_PASS_HERTZ = 37.0
"""What the console's coupling leaves out; it also takes the mixer's offset away."""
HIGH_PASS_TAPS = 8192
BLOCK = 1 << 17
TAIL_SECONDS = 0.05

Floats = NDArray[np.float64]


def render(score: Score, sample_rate: int, *, block: int = BLOCK) -> Iterator[Sound]:
    """The Score as an NES plays it, in blocks of shape (block, 2), both channels alike.

    What each voice plays is `nes_voices.parts(score)`. Timbres are duties (12.5, 25, 50 and 75 %)
    and, on the noise, its short mode; without controllers both are 0, as in NES-MDB.
    """
    played = parts(score)
    factor = sample_rate / SAMPLE_RATE
    voices = [_Oscillator(number, part, sample_rate) for number, part in enumerate(played)]
    frames = round(song_end(score, played) * factor) + round(TAIL_SECONDS * sample_rate)
    high_pass = _HighPass(sample_rate)
    for start in range(0, frames, block):
        stop = min(start + block, frames)
        mixed = _mixed(*(voice.frames(start, stop) for voice in voices))
        sound = high_pass(mixed).astype(np.float32)
        yield np.stack([sound, sound], axis=1)


def timer(pitch: int, cycles: int) -> int:
    """The timer value for a MIDI pitch: the nearest that the chip has to its frequency."""
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    low, high = TIMER_RANGE[cycles]
    return min(max(round(CPU_HERTZ / (cycles * hertz) - 1), low), high)


class _Oscillator:
    """One voice: what it steps through, how fast and how loud, over time."""

    def __init__(self, number: int, part: Part, rate: int) -> None:
        self._number = number
        factor = rate / SAMPLE_RATE
        steps = np.array([_steps_a_second(number, p) / rate for p in range(128)])
        notes = part.notes
        ends = np.append(notes["end"][:-1][notes["end"][:-1] != notes["start"][1:]], part.end)
        ends = ends if len(notes) else ends[:0]
        self._speed = _Held(
            np.concatenate([notes["start"], ends]) * factor,
            np.concatenate([steps[notes["pitch"]], np.zeros(len(ends))]),
        )
        level = part.changes[part.changes[:, 1] == LEVEL]
        self._level = _Held(
            np.concatenate([notes["start"], level[:, 0], ends]) * factor,
            np.concatenate([notes["level"], level[:, 2], np.zeros(len(ends))]),
        )
        timbre = part.changes[part.changes[:, 1] == TIMBRE]
        self._timbre = _Held(timbre[:, 0] * factor, timbre[:, 2].astype(np.float64))
        self._phase = 0.0

    def frames(self, start: int, stop: int) -> Floats:
        """Output over frames [start, stop): 0 to 15, the level times the table's average."""
        speed = self._speed.over(start, stop)
        edges = self._phase + np.concatenate([[0.0], np.cumsum(speed)])
        self._phase = float(edges[-1] % _PHASE_TURN)
        if self._number == TRIANGLE:
            return _averages(_table(TRIANGLE, 0), edges, speed)
        level = self._level.over(start, stop)
        if not level.any():
            return level
        kinds = self._timbre.values(start, stop)
        # A level that changes after its note has ended is not heard.
        level *= speed > 0
        if len(kinds) == 1:
            return _averages(_table(self._number, kinds[0]), edges, speed) * level
        timbre = self._timbre.over(start, stop)
        out = np.zeros(stop - start)
        for kind in kinds:
            out += (timbre == kind) * _averages(_table(self._number, kind), edges, speed)
        return out * level


def _steps_a_second(number: int, pitch: int) -> float:
    if number == NOISE:
        return CPU_HERTZ / NOISE_PERIODS[16 - min(max(pitch, 1), 16)]
    cycles, steps = {TRIANGLE: (TRIANGLE_CYCLES, 32)}.get(number, (PULSE_CYCLES, 8))
    return CPU_HERTZ / (cycles * (timer(pitch, cycles) + 1)) * steps


class _Held:
    """A value that stays until the next change, over frames; 0 before the first."""

    def __init__(self, frames: Floats, values: Floats) -> None:
        order = np.argsort(np.rint(frames), kind="stable")
        self._frames = np.rint(frames)[order].astype(np.int64)
        self._values = np.append(0.0, values[order])

    def values(self, start: int, stop: int) -> list[int]:
        """The different values in frames [start, stop)."""
        first, last = np.searchsorted(self._frames, [start, stop - 1], side="right")
        return sorted(set(self._values[first : last + 1].astype(int).tolist()))

    def over(self, start: int, stop: int) -> Floats:
        """Shape (stop - start,)."""
        first, last = np.searchsorted(self._frames, [start, stop - 1], side="right")
        edges = np.concatenate([[start], self._frames[first:last], [stop]])
        return np.repeat(self._values[first : last + 1], np.diff(edges))


# A common multiple of all table lengths, so that a phase may be cut to it.
_PHASE_TURN = 32 * 32_767 * 93


@lru_cache(maxsize=16)
def _table(number: int, timbre: int) -> tuple[Floats, Floats]:
    """The levels of a voice's cycle and their running sum, which starts with 0."""
    if number == TRIANGLE:
        steps = np.array(TRIANGLE_STEPS, dtype=np.float64)
    elif number == NOISE:
        steps = _noise_bits(short=bool(timbre))
    else:
        steps = np.array(DUTIES[min(timbre, 3)], dtype=np.float64)
    return steps, np.concatenate([[0.0], np.cumsum(steps)])


def _noise_bits(*, short: bool) -> Floats:
    """One turn of the chip's 15-bit shift register: 32,767 bits, or 93 in the short mode."""
    register, tap = 1, 6 if short else 1
    bits: list[int] = []
    while register != 1 or not bits:
        bits.append(1 - (register & 1))
        fresh = (register ^ (register >> tap)) & 1
        register = (register >> 1) | (fresh << 14)
    return np.array(bits, dtype=np.float64)


def _averages(table: tuple[Floats, Floats], edges: Floats, speed: Floats) -> Floats:
    """The table's average between each two `edges` (in steps); where it stands still, its level."""
    steps, sums = table
    turns = np.floor(edges * (1 / len(steps)))
    place = edges - turns * len(steps)
    # Rounding can put a place at, or a hair before, the end that the table does not have.
    whole = np.clip(place.astype(np.int32), 0, len(steps) - 1)
    level = np.take(steps, whole)
    integral = turns * sums[-1] + np.take(sums, whole) + (place - whole) * level
    average = np.diff(integral)
    still = speed <= 0
    np.divide(average, speed, out=average, where=~still)
    np.copyto(average, level[:-1], where=still)
    return average


def _mixed(pulse_1: Floats, pulse_2: Floats, triangle: Floats, noise: Floats) -> Floats:
    """The console's mixer, which is not linear: two louder voices do not add up."""
    pulses = pulse_1 + pulse_2
    others = triangle / 8227 + noise / 12_241
    quiet = 1e-9
    left = np.where(pulses > quiet, 95.88 / (8128 / np.maximum(pulses, quiet) + 100), 0.0)
    right = np.where(others > quiet, 159.79 / (1 / np.maximum(others, quiet) + 100), 0.0)
    return np.asarray(left + right)


class _HighPass:
    """A one-pole high-pass over blocks, as a convolution with its (cut) response."""

    def __init__(self, rate: int) -> None:
        pole = np.exp(-2 * np.pi * HIGH_PASS_HERTZ / rate)
        self._response = -(1 - pole) * pole ** np.arange(HIGH_PASS_TAPS)
        self._response[0] += 1
        self._before: Floats | None = None

    def __call__(self, block: Floats) -> Floats:
        if self._before is None:
            # As if the first level had stood there for ever: no thump at the start.
            self._before = np.full(HIGH_PASS_TAPS - 1, block[0])
        joined = np.concatenate([self._before, block])
        self._before = joined[-(HIGH_PASS_TAPS - 1) :]
        size = 1 << (len(joined) + HIGH_PASS_TAPS - 1).bit_length()
        spectrum = np.fft.rfft(joined, size) * np.fft.rfft(self._response, size)
        filtered = np.fft.irfft(spectrum, size)
        return np.asarray(filtered[HIGH_PASS_TAPS - 1 : len(joined)])
