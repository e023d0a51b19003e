"""The four voices of an NES, and what of a Score they can play.

Two pulse waves, a triangle and a noise, each of one note at a time, counted in samples at
44,100 Hz as NES-MDB does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.score.score import Score, Track

SAMPLE_RATE = 44_100
TICKS_PER_BEAT = 22_050
"""At 120 beats a minute a tick is a sample."""
MAX_LEVEL = 15
LEVEL, TIMBRE = 11, 12
"""The controllers that carry a voice's level and timbre while a note sounds."""


class Voice(NamedTuple):
    """A voice: its tag in event text, its track, its range of notes, how many timbres it has."""

    tag: str
    track: Track
    low: int
    high: int
    timbres: int
    has_level: bool


VOICES = (
    Voice("P1", Track("p1", 80), 33, 108, 4, True),
    Voice("P2", Track("p2", 81), 33, 108, 4, True),
    Voice("TR", Track("tr", 38), 21, 108, 0, False),
    Voice("NO", Track("no", 121, is_drum=True), 1, 16, 2, True),
)
PULSE_1, PULSE_2, TRIANGLE, NOISE = range(4)

# How bright the noise is that stands for a drum: 1 is the lowest period, 16 the highest.
_DRUM_NOISE = {35: 3, 36: 3, 37: 12, 38: 9, 39: 11, 40: 10, 42: 15, 44: 14, 46: 14, 49: 12, 51: 13}

PART = np.dtype([("start", "<i8"), ("end", "<i8"), ("pitch", "u1"), ("level", "u1")])


@dataclass(frozen=True, eq=False)
class Part:
    """What one voice plays: `notes` of dtype PART in order, none overlapping, and its changes.

    `changes` has shape (changes, 3): sample, controller (LEVEL or TIMBRE), value; in order.
    """

    notes: NDArray[np.void]
    changes: NDArray[np.int64]

    @property
    def end(self) -> int:
        """The sample after the last note."""
        return int(self.notes["end"][-1]) if len(self.notes) else 0


def parts(score: Score) -> list[Part]:
    """What each of VOICES plays of a Score.

    Tracks named p1, p2, tr and no are those voices (as in NES-MDB's own MIDI files) with their
    controllers 11 and 12. Any other Score is arranged: drums become noise; of three or more
    pitched tracks the three busiest become pulse, pulse and triangle from high to low; fewer are
    split into upper notes and bass. A voice plays one note at a time (where several start
    together the highest, in the bass the lowest), and notes beyond its range move by octaves.
    Levels past 15 are brought from 127 to 15.
    """
    names = {t.name.strip().lower(): i for i, t in reversed([*enumerate(score.tracks)])}
    used = {score.tracks[t].name.strip().lower() for t in np.unique(score.notes["track"])}
    own = [v.track.name for v in VOICES]
    samples = _samples(score)
    levels = score.notes["velocity"].astype(np.int64)
    melodic = levels[score.notes["track"] != names.get("tr", -1)] if used <= set(own) else levels
    scaled = bool(len(melodic)) and int(melodic.max()) > MAX_LEVEL
    if scaled:
        levels = np.rint(1 + (MAX_LEVEL - 1) * levels / 127).astype(np.int64)
    if used <= set(own):
        chosen = [
            np.flatnonzero(score.notes["track"] == names[name]) if name in names else _none()
            for name in own
        ]
        tracks = [names.get(name) for name in own]
    else:
        chosen, tracks = _arranged(score), [None] * len(VOICES)
    return [
        Part(
            _line(score, samples, levels, rows, number),
            _none().reshape(0, 3) if track is None else _changes(score, track, scaled),
        )
        for number, (rows, track) in enumerate(zip(chosen, tracks, strict=True))
    ]


def song_end(score: Score, played: list[Part]) -> int:
    """The sample at which the piece ends; NES-MDB marks it by a closing 1/1 metre."""
    end = max(part.end for part in played)
    if len(score.metres):
        last = score.metres[-1]
        if last["numerator"] == 1 and last["denominator"] == 1:
            seconds = float(score.tempo_map.seconds(int(last["onset"])))
            end = max(end, round(seconds * SAMPLE_RATE))
    return end


def _none() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


def _samples(score: Score) -> NDArray[np.int64]:
    """Shape (2, notes): the samples at which notes start and end."""
    ticks = np.stack([score.notes["onset"], score.notes["onset"] + score.notes["duration"]])
    return np.rint(score.tempo_map.seconds(ticks) * SAMPLE_RATE).astype(np.int64)


def _changes(score: Score, track: int, scaled: bool) -> NDArray[np.int64]:
    controls = score.controls
    mine = controls[(controls["track"] == track) & np.isin(controls["number"], (LEVEL, TIMBRE))]
    seconds = score.tempo_map.seconds(mine["onset"])
    value = mine["value"].astype(np.int64)
    if scaled:
        loud = np.rint(1 + (MAX_LEVEL - 1) * value / 127)
        value = np.where(mine["number"] == LEVEL, loud, value).astype(np.int64)
    samples = np.rint(seconds * SAMPLE_RATE).astype(np.int64)
    return np.stack([samples, mine["number"].astype(np.int64), value], axis=1)


def _arranged(score: Score) -> list[NDArray[np.int64]]:
    """The rows of `score.notes` that each voice is given."""
    drum = np.array([t.is_drum for t in score.tracks])[score.notes["track"]]
    tracks, counts = np.unique(score.notes["track"][~drum], return_counts=True)
    busiest = tracks[np.argsort(-counts, kind="stable")][:3]
    pitch = score.notes["pitch"].astype(np.int64)
    rows = {t: np.flatnonzero(score.notes["track"] == t) for t in busiest}
    by_height = sorted(busiest, key=lambda t: (-float(pitch[rows[t]].mean()), int(t)))
    noise = np.flatnonzero(drum)
    if len(by_height) == 3:
        first, second, third = (rows[t] for t in by_height)
        return [first, second, third, noise]
    if len(by_height) == 2:
        upper, bass = (rows[t] for t in by_height)
    else:
        every = np.flatnonzero(~drum)
        middle = float(np.median(pitch[every])) if len(every) else 0.0
        upper, bass = every[pitch[every] >= middle], every[pitch[every] < middle]
    # Of the upper notes that start together the highest is the tune, the next one its second.
    order = upper[np.lexsort((-pitch[upper], score.notes["onset"][upper]))]
    onset = score.notes["onset"][order]
    rank = np.arange(len(order)) - np.searchsorted(onset, onset)
    return [order[rank == 0], np.sort(order[rank == 1]), bass, noise]


def _line(
    score: Score,
    samples: NDArray[np.int64],
    levels: NDArray[np.int64],
    rows: NDArray[np.int64],
    number: int,
) -> NDArray[np.void]:
    """One voice's notes, one at a time, cut where the next one starts."""
    voice = VOICES[number]
    line = np.zeros(len(rows), PART)
    line["start"], line["end"] = samples[:, rows]
    line["pitch"] = _fitted(score, rows, voice)
    line["level"] = np.minimum(levels[rows], MAX_LEVEL) if voice.has_level else 1
    line = line[line["end"] > line["start"]]
    height = line["pitch"].astype(np.int64) * (-1 if number == TRIANGLE else 1)
    line = line[np.lexsort((-line["end"], -height, line["start"]))]
    first = np.append(True, line["start"][1:] != line["start"][:-1])[: len(line)]
    line = line[first]
    line["end"][:-1] = np.minimum(line["end"][:-1], line["start"][1:])
    return line


def _fitted(score: Score, rows: NDArray[np.int64], voice: Voice) -> NDArray[np.int64]:
    """Pitches inside the voice's range: by octaves, or as noise."""
    pitch = score.notes["pitch"][rows].astype(np.int64)
    if voice is VOICES[NOISE]:
        if not len(pitch) or (pitch.min() >= voice.low and pitch.max() <= voice.high):
            return pitch
        table = np.array([_DRUM_NOISE.get(p, 4 + p % 9) for p in range(128)])
        return np.asarray(table[pitch])
    below = -(-np.maximum(voice.low - pitch, 0) // 12)
    above = -(-np.maximum(pitch - voice.high, 0) // 12)
    return np.asarray(pitch + 12 * (below - above))
