"""How loud sound is: gated loudness in the manner of ITU-R BS.1770, and the true peak.

The standard's K-weighting is applied in the frequency domain, 100 ms at a time: by Parseval's
theorem the weighted energy of a segment is the sum of its spectrum times the squared response of
the two filters. A meter takes sound in blocks of any length and keeps one number a segment, so
that an hour of music costs it some kilobytes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
"""Shape (frames, 2): left and right, nominally within ±1."""

SEGMENT_SECONDS = 0.1
SEGMENTS_A_WINDOW = 4
"""The standard's window is 400 ms with 75 % overlap: four segments, moved on by one."""
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
OVERSAMPLING = 4
TAPS_A_PHASE = 12
PEAK_SHARE = 0.7
"""Segments whose sample peak is below this share of the loudest one's are not oversampled: between
its samples, music overshoots by less than that 3 dB."""


def k_weighting(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared magnitude at `frequencies` (hertz, same shape) of BS.1770's two filters.

    Both are computed as the analogue prototypes that the standard's 48 kHz coefficients come from:
    a shelf of +4 dB above 1.7 kHz (the head) and a high-pass at 38 Hz.
    """
    s = 1j * frequencies
    shelf_at, shelf_q, shelf_gain = 1681.97, 0.7072, 10 ** (3.99984 / 20)
    band_gain = shelf_gain**0.4996668
    ratio = s / shelf_at
    shelf = (shelf_gain * ratio**2 + band_gain * ratio / shelf_q + 1) / (
        ratio**2 + ratio / shelf_q + 1
    )
    pass_at, pass_q = 38.1355, 0.5003
    ratio = s / pass_at
    high_pass = ratio**2 / (ratio**2 + ratio / pass_q + 1)
    return np.asarray(np.abs(shelf * high_pass) ** 2)


class Meter:
    """Loudness and true peak of sound that comes in blocks of shape (frames, 2)."""

    def __init__(self, sample_rate: int) -> None:
        self._length = round(sample_rate * SEGMENT_SECONDS)
        weights = k_weighting(np.abs(np.fft.fftfreq(self._length, 1 / sample_rate)))
        self._weights = np.repeat(weights, 2).astype(np.float32)
        self._rest: Sound = np.zeros((0, 2), np.float32)
        self._energies: list[NDArray[np.float64]] = []
        self._peak = 0.0
        self._kernel = _interpolator()

    def add(self, block: Sound) -> None:
        """Take the next block."""
        joined = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(joined) // self._length * self._length
        if whole:
            self._measure(joined[:whole])
        self._rest = joined[whole:].copy()

    def finish(self) -> None:
        """Take what is left, padded with silence to a whole segment."""
        if len(self._rest):
            padding = np.zeros((self._length - len(self._rest), 2), np.float32)
            self._measure(np.concatenate([self._rest, padding]))
            self._rest = self._rest[:0]

    def _measure(self, sound: Sound) -> None:
        # Left and right as one complex signal: the weights are the same for a frequency and its
        # mirror image, so the cross terms cancel. The inverse transform only mirrors the spectrum
        # and divides by the length, and is the faster of NumPy's two.
        pairs = np.ascontiguousarray(sound).view(np.complex64).reshape(-1, self._length)
        spectrum = np.fft.ifft(pairs).view(np.float32).reshape(len(pairs), -1)
        np.square(spectrum, out=spectrum)
        self._energies.append((spectrum @ self._weights).astype(np.float64))
        segments = sound.reshape(len(pairs), -1)
        peaks = np.maximum(segments.max(axis=1), -segments.min(axis=1))
        for i in np.argsort(-peaks, kind="stable"):
            if peaks[i] <= PEAK_SHARE * self._peak:
                break
            self._peak = max(self._peak, float(peaks[i]))
            for channel in segments[i].reshape(-1, 2).T:
                self._peak = max(self._peak, self._between(channel))

    def _between(self, channel: NDArray[np.float32]) -> float:
        """The highest value next to the loudest samples of `channel`, four times oversampled."""
        windows = np.lib.stride_tricks.sliding_window_view(channel, TAPS_A_PHASE)
        middle = np.abs(channel[TAPS_A_PHASE // 2 - 1 :][: len(windows)])
        after = np.abs(channel[TAPS_A_PHASE // 2 :][: len(windows)])
        loud = windows[np.maximum(middle, after) > PEAK_SHARE * self._peak]
        return float(np.abs(loud @ self._kernel.T).max(initial=0.0))

    @property
    def true_peak(self) -> float:
        """The highest value between samples so far, as a factor: 1.0 is full scale."""
        return self._peak

    @property
    def loudness(self) -> float:
        """Integrated, gated loudness so far in LUFS; minus infinity for silence."""
        if not self._energies:
            return -math.inf
        energies = np.concatenate(self._energies)
        window = np.ones(min(SEGMENTS_A_WINDOW, len(energies)))
        windows = np.convolve(energies, window / len(window), mode="valid")
        for gate in (ABSOLUTE_GATE, None):
            level = gate if gate is not None else _lufs(windows.mean()) + RELATIVE_GATE
            windows = windows[windows > 10 ** ((level + 0.691) / 10)]
            if not len(windows):
                return -math.inf
        return _lufs(float(windows.mean()))


def _lufs(energy: float) -> float:
    return -0.691 + 10 * math.log10(energy)


def _interpolator() -> NDArray[np.float32]:
    """Shape (3, taps): the windowed sinc at one, two and three quarters between samples."""
    centre = (TAPS_A_PHASE - 1) / 2
    phases = []
    for step in range(1, OVERSAMPLING):
        at = np.arange(TAPS_A_PHASE) - centre - 0.5 + step / OVERSAMPLING
        taps = np.sinc(at) * np.cos(np.pi * at / (TAPS_A_PHASE + 2)) ** 2
        phases.append(taps / taps.sum())
    return np.asarray(phases, dtype=np.float32)
