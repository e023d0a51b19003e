"""Sound out: a Score rendered in blocks, brought to one loudness and encoded.

The sound goes through the writer twice: rendered and measured, then scaled and encoded. What is
under way is kept in memory up to MAX_HELD_BYTES and past that in a file beside the target, so
that memory is bounded however long the piece is.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from segue.errors import FormatError, LimitError, nearest
from segue.formats.loudness import SEGMENT_SECONDS, Meter, Sound
from segue.score import Score

LOUDNESS = -16.0
"""LUFS, as streaming services ask of music; wide dynamics may stay below it, see `write`."""
TRUE_PEAK = 10 ** (-1 / 20)
"""One decibel under full scale, which leaves a lossy encoder its room."""
MAX_SECONDS = 3 * 3600
SAMPLE_RATES = (8000, 96_000)
PCM = 32_767
MAX_HELD_BYTES = 96 << 20
"""Sound held in memory between the two passes (five minutes); what is over goes to a file."""
_FRAMES_A_WRITE = 1 << 14
_BYTES_A_READ = 1 << 20

# suffix: libsndfile's format, subtype, sample rates (None: any)
_MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
ENCODINGS: dict[str, tuple[str, str, tuple[int, ...] | None]] = {
    ".wav": ("WAV", "PCM_16", None),
    ".flac": ("FLAC", "PCM_16", None),
    ".ogg": ("OGG", "VORBIS", None),
    ".mp3": ("MP3", "MPEG_LAYER_III", _MP3_RATES),
}

Blocks = Iterator[Sound]


def _soundfont_blocks(score: Score, sample_rate: int, soundfont: str | Path | None) -> Blocks:
    from segue.formats.synth import render

    return render(score, sample_rate, soundfont, block=_block(sample_rate))


def _nes_blocks(score: Score, sample_rate: int, soundfont: str | Path | None) -> Blocks:
    from segue.formats.nes_synth import render

    if soundfont is not None:
        raise FormatError('the synth "nes" plays without a SoundFont: leave one of the two out.')
    return render(score, sample_rate, block=_block(sample_rate))


def _block(sample_rate: int) -> int:
    """Three seconds in whole segments of the meter, which then need not be pieced together."""
    return round(3 / SEGMENT_SECONDS) * round(sample_rate * SEGMENT_SECONDS)


SYNTHS: dict[str, Callable[[Score, int, str | Path | None], Blocks]] = {
    "soundfont": _soundfont_blocks,
    "nes": _nes_blocks,
}


def write(
    score: Score,
    path: str | Path,
    *,
    sample_rate: int = 44_100,
    soundfont: str | Path | None = None,
    synth: str = "soundfont",
    loudness: float = LOUDNESS,
) -> None:
    """Write a Score as stereo sound; the suffix chooses WAV, FLAC, OGG or MP3.

    `sample_rate` is in hertz. `synth` is "soundfont" (played with `soundfont`, else with
    `segue.formats.soundfont.default_soundfont()`) or "nes" (the four voices of that console).
    The whole piece gets one gain, which brings it to `loudness` (LUFS) or, where its dynamics
    leave no room for that, its true peak to one decibel under full scale: nothing clips and
    nothing is compressed. WAV, FLAC and MP3 are the same bytes for the same Score and options.

    Raises FormatError for a Score without notes, a wrong SoundFont or an option out of range;
    LimitError past three hours.
    """
    target = Path(path)
    file_format, subtype, rates = ENCODINGS[target.suffix.lower()]
    _check(score, synth, sample_rate, loudness, rates, target.suffix)
    blocks = SYNTHS[synth](score, sample_rate, soundfont)
    meter = Meter(sample_rate)
    try:
        with _Spool(target.parent) as spool:
            for block in blocks:
                meter.add(block)
                spool.add(block)
            meter.finish()
            gain = _gain(meter, loudness)
            _encode(spool.blocks(), target, sample_rate, (file_format, subtype), gain)
    except OSError as error:
        raise FormatError(
            f"cannot write sound to {target.parent}: {error.strerror or error}. "
            "Choose a folder with room for it."
        ) from error


def _check(
    score: Score,
    synth: str,
    sample_rate: int,
    loudness: float,
    rates: tuple[int, ...] | None,
    suffix: str,
) -> None:
    if synth not in SYNTHS:
        raise FormatError(f"synth came as {synth!r}; {nearest(synth, SYNTHS)}.")
    low, high = SAMPLE_RATES
    if rates is not None and sample_rate not in rates:
        listing = ", ".join(map(str, rates))
        raise FormatError(f"sample rate {sample_rate} is not one {suffix} has; allowed: {listing}.")
    if not low <= sample_rate <= high:
        raise FormatError(f"sample rate came as {sample_rate}; {low} to {high} hertz is allowed.")
    if not -60 <= loudness <= 0:
        raise FormatError(f"loudness came as {loudness}; -60 to 0 LUFS is allowed.")
    if not len(score):
        raise FormatError("the piece has no notes, so there is no sound to write.")
    if score.end_seconds > MAX_SECONDS:
        raise LimitError(
            f"the piece lasts {score.end_seconds:,.0f} s; sound is written up to "
            f"{MAX_SECONDS:,} s: write a slice of it."
        )


def _gain(meter: Meter, loudness: float) -> float:
    """The factor to `loudness`, or to the peak's ceiling if that comes first; 1 for silence."""
    if meter.true_peak <= 0:
        return 1.0
    ceiling = TRUE_PEAK / meter.true_peak
    if not math.isfinite(meter.loudness):
        return ceiling
    return min(float(10 ** ((loudness - meter.loudness) / 20)), ceiling)


class _Spool:
    """Sound on its way from the meter to the encoder: in memory at first, then in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[Sound] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, block: Sound) -> None:
        self._bytes += block.nbytes
        if self._bytes <= MAX_HELD_BYTES:
            self._held.append(block)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (closed on exit)
        self._file.write(np.ascontiguousarray(block).data)

    def blocks(self) -> Iterator[Sound]:
        yield from self._held
        if self._file is not None:
            self._file.seek(0)
            while data := self._file.read(_BYTES_A_READ):
                yield np.frombuffer(data, np.float32).reshape(-1, 2)


def _encode(
    blocks: Blocks, target: Path, sample_rate: int, encoding: tuple[str, str], gain: float
) -> None:
    import soundfile

    file_format, subtype = encoding
    try:
        with soundfile.SoundFile(
            target, "w", samplerate=sample_rate, channels=2, format=file_format, subtype=subtype
        ) as file:
            for block in blocks:
                sound = block * np.float32(gain * (PCM if subtype == "PCM_16" else 1))
                if subtype == "PCM_16":
                    sound = np.rint(sound, out=sound).astype(np.int16)
                # Small writes: libsndfile puts the whole of a Vorbis one on its stack.
                for at in range(0, len(sound), _FRAMES_A_WRITE):
                    file.write(sound[at : at + _FRAMES_A_WRITE])
    except soundfile.LibsndfileError as error:
        raise FormatError(f"cannot write the sound as {file_format}: {error}") from error
