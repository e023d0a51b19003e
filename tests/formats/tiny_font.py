"""SoundFonts of a few kilobytes, built byte by byte, and Scores of a few notes to play on them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segue.score import BEND, CONTROL, NOTE, TEMPO, Score, Track, events

RATE = 44_000
PERIOD = 100  # so that the sample sounds 440 Hz at its root, key 69
SECOND = 1000  # ticks

ATTACK, DECAY, SUSTAIN, RELEASE = 34, 36, 37, 38
PAN, CUTOFF, COARSE, LOOPED, CLASS, KEYS, VELOCITIES = 17, 8, 51, 54, 57, 43, 44

Zone = tuple[int, dict[int, int]]  # sample, generators


def span(low: int, high: int) -> int:
    return low | high << 8


def timecents(seconds: float) -> int:
    return round(1200 * np.log2(seconds))


def sine(frames: int = 1000) -> np.ndarray:
    return np.rint(20_000 * np.sin(2 * np.pi * np.arange(frames) / PERIOD)).astype("<i2")


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def font_bytes(
    presets: Sequence[tuple[int, int, dict[int, int], Sequence[Zone]]],
    sounds: Sequence[np.ndarray] = (sine(),),
    kind: int = 1,
) -> bytes:
    """A font: presets are (bank, program, the preset's own generators, its instrument's zones)."""
    phdr, pbag, pgen, inst, ibag, igen, shdr = (b"" for _ in range(7))
    bags = gens = inner_bags = inner_gens = 0
    for number, (bank, program, own, zones) in enumerate(presets):
        phdr += struct.pack("<20sHHHIII", b"preset", program, bank, bags, 0, 0, 0)
        pbag += struct.pack("<HH", gens, 0)
        bags += 1
        for generator, amount in [*own.items(), (41, number)]:
            pgen += struct.pack("<HH", generator, amount & 0xFFFF)
            gens += 1
        inst += struct.pack("<20sH", b"instrument", inner_bags)
        for sample, generators in zones:
            ibag += struct.pack("<HH", inner_gens, 0)
            inner_bags += 1
            for generator, amount in [*generators.items(), (53, sample)]:
                igen += struct.pack("<HH", generator, amount & 0xFFFF)
                inner_gens += 1
    phdr += struct.pack("<20sHHHIII", b"EOP", 0, 0, bags, 0, 0, 0)
    pbag += struct.pack("<HH", gens, 0)
    inst += struct.pack("<20sH", b"EOI", inner_bags)
    ibag += struct.pack("<HH", inner_gens, 0)
    end = struct.pack("<HH", 0, 0)
    smpl, at = b"", 0
    for sound in sounds:
        data = sound.tobytes() if isinstance(sound, np.ndarray) else sound
        size = len(sound)
        loop = (at + 2 * PERIOD, at + 8 * PERIOD) if kind == 1 else (2 * PERIOD, 8 * PERIOD)
        shdr += struct.pack("<20sIIIIIBbHH", b"sample", at, at + size, *loop, RATE, 69, 0, 0, kind)
        smpl += data + b"\0" * (92 if kind == 1 else 0)
        at += size + (46 if kind == 1 else 0)
    shdr += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    tables = [(b"phdr", phdr), (b"pbag", pbag), (b"pmod", b"\0" * 10), (b"pgen", pgen + end)]
    tables += [(b"inst", inst), (b"ibag", ibag), (b"imod", b"\0" * 10), (b"igen", igen + end)]
    tables += [(b"shdr", shdr)]
    info = chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", 2, 1)))
    sdta = chunk(b"LIST", b"sdta" + chunk(b"smpl", smpl))
    pdta = chunk(b"LIST", b"pdta" + b"".join(chunk(n, t) for n, t in tables))
    return chunk(b"RIFF", b"sfbk" + info + sdta + pdta)


# An organ that stops at once, a bell that rings, a pair panned apart, a dull one, drums.
STEADY = {LOOPED: 1, RELEASE: timecents(0.01)}
RINGING = {LOOPED: 1, RELEASE: timecents(1.0)}
PRESETS = (
    (0, 0, {}, [(0, STEADY)]),
    (0, 1, {}, [(0, RINGING)]),
    (
        0,
        2,
        {},
        [
            (0, STEADY | {VELOCITIES: span(0, 63), PAN: -500 & 0xFFFF}),
            (0, STEADY | {VELOCITIES: span(64, 127), PAN: 500}),
        ],
    ),
    (0, 3, {}, [(0, STEADY | {CUTOFF: 6900})]),  # 440 Hz
    (0, 4, {COARSE: 12}, [(0, STEADY)]),
    (0, 5, {}, [(0, STEADY | {DECAY: timecents(1.0), SUSTAIN: 200})]),
    (0, 6, {}, [(0, RINGING | {DECAY: timecents(2.0), SUSTAIN: 1000})]),
    (
        128,
        0,
        {},
        [
            (0, RINGING | {KEYS: span(42, 42), CLASS: 1}),
            (0, RINGING | {KEYS: span(46, 46), CLASS: 1}),
        ],
    ),
)


def tiny_font(folder: Path) -> Path:
    path = folder / "tiny.sf2"
    path.write_bytes(font_bytes(PRESETS))
    return path


def tune(
    *notes: tuple[float, float, int, int],
    program: int = 0,
    is_drum: bool = False,
    controls: Sequence[tuple[float, int, int]] = (),
    bends: Sequence[tuple[float, int]] = (),
) -> Score:
    """Notes (start, length, pitch, velocity), controls (at, number, value), bends (at, value)."""
    rows = [(round(s * SECOND), round(n * SECOND), 0, p, v) for s, n, p, v in notes]
    return Score(
        SECOND,
        events(NOTE, rows),
        (Track("tune", program, is_drum),),
        controls=events(CONTROL, [(round(t * SECOND), 0, n, v) for t, n, v in controls]),
        bends=events(BEND, [(round(t * SECOND), 0, v) for t, v in bends]),
        tempi=events(TEMPO, [(0, 1_000_000)]),
    )


def hertz(sound: np.ndarray, rate: int) -> float:
    """The strongest frequency of a sound of shape (frames,), between bins."""
    size = 1 << 20
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    return float(np.argmax(spectrum) * rate / size)


def cents(found: float, meant: float) -> float:
    return 1200 * float(np.log2(found / meant))
