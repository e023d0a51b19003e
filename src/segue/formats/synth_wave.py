"""A SoundFont zone at one key: its sound from the key's stroke on, as if never let go.

The sound is a function of time alone (velocity and release only scale it), so a segment of it can
be computed by itself and shared by every note on that key. That is what makes NumPy fast enough:
a note is then one multiply and one add.

Modelled: sample playback with loops, tuning, the volume envelope, the low-pass filter and pitch
under the modulation envelope. Left out: the two LFOs and the effect sends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segue.formats import soundfont as sf

Floats = NDArray[np.float32]

SILENCE = 10 ** (-90 / 20)
FULL_FALL = 96.0
"""Decibels that an envelope's whole scale stands for, as in the hardware fonts are made for."""
RELEASE_FLOOR = -70.0
"""Decibels under the note at which its release is cut."""
MAX_RELEASE_SECONDS = 8.0
CHOKE_SECONDS = 0.05
PERIOD = 4096
"""Frames after which the resampler's pattern of positions repeats; tuning is right to 1/8192."""
MAX_STEP = 32.0
"""Frames of a sample to one of sound; past five octaves up a font makes no sense."""
TAPS, PHASES = 8, 1024
FFT, DISCARD, FADE = 2048, 256, 256
HOP = FFT - DISCARD - FADE
SEGMENT = 12 * PERIOD
"""Frames in a segment: a multiple of PERIOD and of HOP."""
CONTROL = 64
"""Frames between points of a pitch curve."""
OPEN_CUTOFF = 13_500
CUTOFF_CENTS = 20
"""Cutoffs are rounded to a fifth of a semitone, so that the filters can be shared."""
EMU_ATTENUATION = 0.4
"""Fonts are written for the EMU8000 chip, which takes 0.4 dB where they ask for 1."""


@dataclass(frozen=True)
class Envelope:
    """Delay, attack, hold and decay in seconds; `sustain` is what the decay falls by.

    The volume envelope's decay and sustain are in decibels (the decay time is for FULL_FALL of
    them), the modulation envelope's are a share of 1.
    """

    delay: float
    attack: float
    hold: float
    decay: float
    sustain: float
    release: float

    @classmethod
    def of(cls, g: tuple[int, ...], at: int, key: int, unit: float) -> Envelope:
        """From the generators `at` and after; sustain in `unit` a tenth of a per cent."""
        hold = g[at + 2] + g[at + 6] * (60 - key)
        decay = g[at + 3] + g[at + 7] * (60 - key)
        return cls(
            delay=_seconds(g[at]),
            attack=_seconds(g[at + 1]),
            hold=_seconds(hold),
            decay=_seconds(decay),
            sustain=min(max(g[at + 4], 0), 1000) * unit,
            release=_seconds(g[at + 5]),
        )

    @property
    def decay_from(self) -> float:
        """Seconds after the stroke at which the decay starts."""
        return self.delay + self.attack + self.hold

    def level(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The modulation envelope at `seconds`, same shape, 0 to 1."""
        risen = np.clip((seconds - self.delay) / self.attack, 1e-6, 1)
        # Convex, so that a filter that it opens rises evenly in hertz.
        attacked = np.maximum(1 + 5 / 12 * np.log10(risen), 0)
        fallen = np.clip((seconds - self.decay_from) / self.decay, 0, self.sustain)
        return np.asarray(attacked - fallen)


def _seconds(timecents: int) -> float:
    """At least a millisecond, so that nothing clicks; at most 100 s."""
    return float(2 ** (min(max(timecents, -11_960), 7973) / 1200))


@dataclass(frozen=True, eq=False)
class Bend:
    """A note's own pitch curve: `cents` from each of `frames` (both of shape (points,)) on."""

    frames: NDArray[np.int64]
    cents: NDArray[np.float64]


class Wave:
    """The sound of one zone at one key, in segments of SEGMENT frames of float32."""

    def __init__(
        self, font: sf.SoundFont, zone: sf.Zone, key: int, rate: int, bend: Bend | None = None
    ) -> None:
        g = zone.generators
        if g[sf.FIXED_KEY] >= 0:
            key = min(g[sf.FIXED_KEY], 127)
        self._sample = font.sample(zone)
        self._rate = rate
        root = g[sf.ROOT_KEY] if 0 <= g[sf.ROOT_KEY] <= 127 else self._sample.key
        cents = (key - root) * g[sf.SCALE_TUNING] + self._sample.cents
        cents += 100 * g[sf.COARSE_TUNE] + g[sf.FINE_TUNE]
        octaves = min(max(cents / 1200, -10), 10)
        self._step = min(2.0**octaves * self._sample.rate / rate, MAX_STEP)
        if self._sample.loop is not None:
            turn = self._sample.sound[slice(*self._sample.loop)]
            # Several turns of a short loop, so that unrolling it takes few copies.
            self._turns = np.tile(turn, -(-PERIOD // len(turn)))
        self._volume = Envelope.of(g, sf.VOLUME_ENV, key, FULL_FALL / 1000)
        self._modulation = Envelope.of(g, sf.MOD_ENV, key, 0.001)
        self._cutoff, self._cutoff_depth = g[sf.CUTOFF], g[sf.MOD_ENV_TO_CUTOFF]
        self._resonance = 10 ** ((min(max(g[sf.RESONANCE], 0), 960) / 10 - 3.01) / 20)
        self._positions = self._curve(g[sf.MOD_ENV_TO_PITCH], bend)
        self.gain = 10 ** (-EMU_ATTENUATION * min(max(g[sf.ATTENUATION], 0), 1440) / 200) / 32_768
        self.frames = self._length()

    def _length(self) -> int:
        """Frames until the sound has died away by itself; very many for an endless loop."""
        frames = math.inf
        if self._sample.loop is None:
            ratio = self._positions[2] if self._positions else self._step
            frames = len(self._sample.sound) / min(ratio, self._step)
        fall = -20 * math.log10(SILENCE)
        if self._volume.sustain >= fall:
            end = self._volume.decay_from + self._volume.decay * fall / FULL_FALL
            frames = min(frames, end * self._rate)
        return int(min(frames, 2**40)) + 1

    def segment(self, index: int) -> Floats:
        """Frames [index * SEGMENT, (index + 1) * SEGMENT), shape (SEGMENT,)."""
        first = index * SEGMENT
        before = DISCARD + FADE
        raw = self._raw(first - before, SEGMENT + before + HOP)
        sound = self._filtered(raw, first)
        self._shape(sound, first)
        return sound

    def release(self, gate: int) -> Release:
        """How a note let go after `gate` frames dies away."""
        env, rate = self._volume, self._rate
        fall = _fall(env.release, rate)
        start = round(env.decay_from * rate)
        left = round(env.decay * env.sustain / FULL_FALL * rate) - max(gate - start, 0)
        lead = min(max(start - gate, 0), len(fall))
        left = min(max(left, 0), len(fall) - lead)
        return Release(fall, lead, left, _growth(env.decay, env.release, rate) if left else None)

    # -- resampling --------------------------------------------------------------------------

    def _source(self, first: int, last: int) -> Floats:
        """Frames [first, last) of the sample with its loop unrolled, silence round it."""
        sound, loop = self._sample.sound, self._sample.loop
        end = loop[1] if loop else len(sound)
        pieces = [np.zeros(min(max(-first, 0), last - first), np.int16)]
        pieces.append(sound[max(first, 0) : max(min(last, end), 0)])
        rest = last - max(first, end)
        if rest > 0:
            if loop is None:
                pieces.append(np.zeros(rest, np.int16))
            else:
                turn = (max(first, end) - loop[0]) % (loop[1] - loop[0])
                pieces.append(np.resize(np.roll(self._turns, -turn), rest))
        return np.concatenate(pieces).astype(np.float32)

    def _raw(self, first: int, frames: int) -> Floats:
        """Frames [first, first + frames) at the key's pitch; `first` is the same modulo PERIOD."""
        if self._positions is not None:
            return self._warped(first, frames)
        source_step = max(1, round(self._step * PERIOD))
        blocks = -(-frames // PERIOD)
        whole, weights = _pattern(source_step, first % PERIOD - PERIOD)
        turn = first // PERIOD + 1
        low = turn * source_step + int(whole[0]) - TAPS // 2 + 1
        source = self._source(low, low + blocks * source_step + int(whole[-1] - whole[0]) + TAPS)
        out = np.empty(blocks * PERIOD, np.float32)
        taken = np.empty(PERIOD, np.float32)
        at = whole - whole[0]
        for block in range(blocks):
            window = source[block * source_step :]
            mine = out[block * PERIOD : (block + 1) * PERIOD]
            mine[:] = 0
            for tap in range(TAPS):
                window[tap:].take(at, out=taken, mode="clip")
                taken *= weights[tap]
                mine += taken
        return out[:frames]

    def _curve(
        self, depth: int, bend: Bend | None
    ) -> tuple[NDArray[np.float64], float, float] | None:
        """Source positions each CONTROL frames, where they start to be even, and the step there."""
        if bend is None and not depth:
            return None
        last = 0.0
        if depth:
            m = self._modulation
            last = (m.decay_from + m.decay * m.sustain) * self._rate
        if bend is not None:
            last = max(last, float(bend.frames[-1]))
        # A modulation that goes on for minutes is as good as still.
        points = np.arange(0, min(last, 30 * self._rate) + 2 * CONTROL, CONTROL)
        cents = np.zeros(len(points))
        if depth:
            cents += depth * self._modulation.level(points / self._rate)
        if bend is not None:
            cents += bend.cents[np.searchsorted(bend.frames, points, side="right") - 1]
        steps = np.minimum(self._step * 2 ** np.clip(cents / 1200, -10, 10), MAX_STEP)
        positions = np.concatenate([[0.0], np.cumsum(steps * CONTROL)])
        return positions, float(CONTROL * (len(positions) - 1)), float(steps[-1])

    def _warped(self, first: int, frames: int) -> Floats:
        """As `_raw` along the pitch curve."""
        assert self._positions is not None
        table, even_from, step = self._positions
        at = np.arange(first, first + frames, dtype=np.float64)
        known = np.interp(at, np.arange(len(table)) * CONTROL, table)
        position = known + np.maximum(at - even_from, 0) * step + np.minimum(at, 0) * self._step
        whole = np.floor(position).astype(np.int64)
        phase = ((position - whole) * PHASES).astype(np.int64)
        low = int(whole[0]) - TAPS // 2 + 1
        source = self._source(low, int(whole[-1]) + TAPS)
        whole -= whole[0]
        out = np.zeros(frames, np.float32)
        kernel = _kernel()
        for tap in range(TAPS):
            out += source[whole + tap] * kernel[tap, phase]
        return out

    # -- filter and envelope -----------------------------------------------------------------

    def _filtered(self, raw: Floats, first: int) -> Floats:
        """SEGMENT frames from `raw`, which starts DISCARD + FADE frames earlier.

        Frames of FFT samples that overlap by DISCARD + FADE; the first DISCARD of each are spoilt
        by the circular convolution, the next FADE cross-faded with the frame before.
        """
        hops = SEGMENT // HOP
        seconds = (first + HOP * (np.arange(hops + 1) + 0.5)) / self._rate
        cents = self._cutoff + self._cutoff_depth * self._modulation.level(seconds)
        if cents.min() >= OPEN_CUTOFF:
            return raw[DISCARD + FADE : DISCARD + FADE + SEGMENT].copy()
        steps = np.rint(np.clip(cents, 1500, OPEN_CUTOFF) / CUTOFF_CENTS).astype(np.int64)
        response = np.stack([_low_pass(s, self._resonance, self._rate) for s in steps.tolist()])
        frames = np.lib.stride_tricks.sliding_window_view(raw, FFT)[::HOP][: hops + 1]
        filtered = np.fft.irfft(np.fft.rfft(frames) * response, FFT)[:, DISCARD:]
        out: Floats = np.ascontiguousarray(filtered[:-1, FADE:])
        # The last FADE frames of a hop belong to it and to the next one.
        rise = (np.arange(FADE, dtype=np.float32) + 0.5) / FADE
        out[:, -FADE:] += (filtered[1:, :FADE] - out[:, -FADE:]) * rise
        return out.reshape(-1)

    def _shape(self, sound: Floats, first: int) -> None:
        """The volume envelope, in place."""
        env, rate = self._volume, self._rate
        marks = np.array([0, env.delay, env.delay + env.attack, env.decay_from])
        decay_end = env.decay_from + env.decay * env.sustain / FULL_FALL
        ends = np.round(np.append(marks, decay_end) * rate).astype(np.int64) - first
        delay, attack, hold, decay = (np.clip(ends[1:], 0, len(sound))).tolist()
        sound[:delay] = 0
        if attack > delay:
            count = np.arange(delay, attack, dtype=np.float32)
            sound[delay:attack] *= (count - np.float32(ends[1])) / np.float32(env.attack * rate)
        slope = -FULL_FALL * math.log(10) / 20 / (env.decay * rate)
        if decay > hold:
            count = np.arange(decay - hold, dtype=np.float32)
            sound[hold:decay] *= np.exp(np.float32(slope * (hold - int(ends[3]))) + slope * count)
        if decay < len(sound):
            sound[decay:] *= np.float32(10 ** (-env.sustain / 20))


@dataclass(frozen=True, eq=False, slots=True)
class Release:
    """What a note is multiplied with from its end on: `fall`, made good where it decays anyway.

    A release takes the place of the decay, but the wave goes on decaying. So from frame `lead`
    for `left` frames, what the decay does is given back by `growth`, which stays thereafter.
    """

    fall: Floats
    lead: int = 0
    left: int = 0
    growth: Floats | None = None

    def apply(self, sound: Floats, at: int) -> None:
        """Let `sound`, which starts `at` frames into the release, die away in place."""
        sound *= self.fall[at : at + len(sound)]
        if self.growth is None:
            return
        first = max(self.lead - at, 0)
        last = max(self.lead + self.left - at, 0)
        middle = sound[first:last]
        middle *= self.growth[at + first - self.lead :][: len(middle)]
        sound[last:] *= self.growth[self.left - 1]

    def choked(self, at: int, rate: int) -> Release:
        """The same until frame `at`, from where the sound is stopped in CHOKE_SECONDS."""
        stop = _fall(CHOKE_SECONDS, rate)
        if at == 0:
            return Release(stop)
        after = self.fall[at : at + len(stop)]
        return replace(self, fall=np.concatenate([self.fall[:at], after * stop[: len(after)]]))


@lru_cache(maxsize=128)
def _fall(seconds: float, rate: int) -> Floats:
    """A fall of FULL_FALL decibels in `seconds`, cut at RELEASE_FLOOR, ending in nothing."""
    share = min(-RELEASE_FLOOR / FULL_FALL, MAX_RELEASE_SECONDS / seconds)
    frames = np.arange(max(16, round(seconds * share * rate)))
    fall = np.exp(-FULL_FALL / 20 * math.log(10) / (seconds * rate) * frames)
    # The last steps go to zero, so that a long release that is cut does not click.
    return (fall * np.minimum(1, (len(fall) - frames) / (len(fall) / 8))).astype(np.float32)


@lru_cache(maxsize=128)
def _growth(decay: float, release: float, rate: int) -> Floats:
    """As long as the release, what undoes the decay, or all of a release that is the slower one."""
    speed = min(1 / decay, 1 / release) / rate
    frames = np.arange(len(_fall(release, rate)))
    return np.exp(FULL_FALL / 20 * math.log(10) * speed * frames).astype(np.float32)


@lru_cache(maxsize=1)
def _kernel() -> Floats:
    """Shape (TAPS, PHASES): a windowed sinc at each of PHASES places between two samples."""
    between = (np.arange(PHASES) + 0.5) / PHASES
    at = between - (np.arange(TAPS)[:, None] - TAPS // 2 + 1)
    taps = np.sinc(at) * np.cos(np.pi * at / (TAPS + 1)) ** 2
    return np.asarray(taps / taps.sum(axis=0), dtype=np.float32)


@lru_cache(maxsize=256)
def _pattern(source_step: int, first: int) -> tuple[NDArray[np.int64], Floats]:
    """Source frames, shape (PERIOD,), and weights, (TAPS, PERIOD), of the frames from `first`."""
    position = np.arange(first, first + PERIOD) * source_step
    whole = position // PERIOD
    phase = (position % PERIOD) * PHASES // PERIOD
    return whole, np.ascontiguousarray(_kernel()[:, phase])


@lru_cache(maxsize=512)
def _low_pass(step: int, resonance: float, rate: int) -> NDArray[np.complex64]:
    """Shape (bins,): a two-pole low-pass, its cutoff in CUTOFF_CENTS over 8.176 Hz."""
    cutoff = 8.1758 * 2 ** (step * CUTOFF_CENTS / 1200)
    ratio = np.fft.rfftfreq(FFT, 1 / rate) / cutoff
    gain = 1 / math.sqrt(max(resonance / math.sqrt(0.5), 1.0))
    return np.asarray(gain / (1 - ratio**2 + 1j * ratio / resonance), dtype=np.complex64)
