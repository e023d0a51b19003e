"""The sound of a span of music, so that a page plays one span while it asks for the next.

A span sounds as that part of the whole does: notes that began before it and still ring are in it.
All spans of one piece are to be equally loud, so the gain of the first is told, to be given for
the others.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.errors import FormatError
from segue.formats.audio import ENCODINGS
from segue.score import Score, slice_ticks

REACH = 8.0
"""Seconds before a span in which a note may begin that rings on into it, unless held longer."""
HEADROOM = 0.5
"""The loudest sample of the span whose gain is found anew: the others may be louder."""
MOST_SECONDS = 600.0
FADE = 64
"""Frames over which a sound that starts in its middle is let in, against a click."""

Sound = NDArray[np.float32]


def span(
    score: Score,
    begin: float,
    end: float | None,
    suffix: str,
    sample_rate: int,
    gain: float | None,
) -> dict[str, Any]:
    """The sound of seconds `begin` to `end` as a file's bytes, and the gain it was given.

    It is exactly as long as the span, silent where there is nothing. Raises FormatError for a span
    that is empty or too long.
    """
    last = score.end_seconds if end is None else end
    if last <= begin:
        raise FormatError(
            f"the span came as {begin:g} to {last:g} seconds; its end comes after its start, and "
            f"the music is {score.end_seconds:.2f} seconds long."
        )
    if last - begin > MOST_SECONDS:
        raise FormatError(
            f"the span came as {last - begin:g} seconds; {MOST_SECONDS:g} at once are allowed: ask "
            "for several, one after the other."
        )
    samples = _samples(score, begin, last, sample_rate)
    if gain is None:
        peak = float(np.abs(samples).max(initial=0.0))
        gain = round(HEADROOM / peak, 6) if peak > 1e-4 else 1.0
    samples = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return {"data": _encoded(samples, suffix, sample_rate), "gain": gain}


def _samples(score: Score, begin: float, end: float, rate: int) -> Sound:
    """(frames, 2) of the span, at the font's own level."""
    from segue.formats.synth import render

    frames = round((end - begin) * rate)
    made = np.zeros((frames, 2), np.float32)
    if not len(score):
        return made
    low, high = score.tempo_map.ticks([_first(score, begin), end])
    part = slice_ticks(score, int(low), int(np.ceil(high)))
    if not len(part):
        return made
    skip = round((begin - float(score.tempo_map.seconds(int(low)))) * rate)
    at = -skip
    for block in render(part, rate):
        low, high = max(at, 0), min(at + len(block), frames)
        if high > low:
            made[low:high] = block[low - at : high - at]
        at += len(block)
        if at >= frames:
            break
    return made


def _first(score: Score, begin: float) -> float:
    """The second from which on everything is that sounds in the span."""
    starts = score.onset_seconds()
    ends = starts + score.duration_seconds()
    sounding = starts[(starts < begin) & (ends + REACH / 4 > begin)]
    return float(max(0.0, min(sounding.min(initial=begin), begin)))


def _encoded(samples: Sound, suffix: str, rate: int) -> bytes:
    import soundfile

    kind, subtype, _ = ENCODINGS[suffix]
    target = io.BytesIO()
    with soundfile.SoundFile(
        target, "w", samplerate=rate, channels=2, format=kind, subtype=subtype
    ) as file:
        for at in range(0, len(samples), 1 << 14):
            file.write(samples[at : at + (1 << 14)])
    return target.getvalue()
