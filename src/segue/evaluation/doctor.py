"""What is plainly wrong with a piece: loops, silence, collapse, drift, wandering, hanging notes.

Every symptom is a number that real music rarely lets go past a limit. The limits were set on real
music (`bench/doctor.py` prints what it has, and how much of it is flagged); what they mean for a
model, and what to try, is `segue.judging.doctor`'s to say. Source: Segue; the failures are those
that the project's first systems showed.

Letters: N notes, B bars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from segue.evaluation.measures.parts import STEPS_A_BEAT, bars_of, bits, tones
from segue.evaluation.measures.polyphony import silences, voices
from segue.evaluation.measures.repeats import Loop, loops, moments
from segue.score import Score

FEWEST_NOTES = 24
"""Of fewer notes nothing can be said but that they are few."""
LOOP_TIMES, FIGURE_BEATS = 4, 16.5
REGISTER = (0.1, 0.9)
KEY_NOTES = 48
STRETCH_BARS = 4
"""The shortest stretch of music that is compared with another."""


Where = Callable[[], tuple[int, int]]


@dataclass(frozen=True)
class Sign:
    """A number, and where it is found."""

    value: float
    _where: Where

    @property
    def bars(self) -> tuple[int, int]:
        """The first and the last bar, counted from 1; most are in order, and never asked where."""
        return self._where()


@dataclass(frozen=True)
class Symptom:
    """A row of the table: what is looked for, the unit, and the limit that real music keeps to.

    `look` gives None where nothing can be said. `below` says that it is low values that are ill.
    """

    name: str
    what: str
    unit: str
    limit: float
    look: Callable[[Score], Sign | None]
    below: bool = False

    def ill(self, sign: Sign) -> bool:
        """Whether the limit is passed."""
        return sign.value < self.limit if self.below else sign.value > self.limit


@dataclass(frozen=True)
class Finding:
    """A symptom that a piece has: where, how much of it, and the limit."""

    symptom: str
    what: str
    value: float
    limit: float
    unit: str
    bars: tuple[int, int]

    def __str__(self) -> str:
        first, last = self.bars
        where = f"bar {first}" if first == last else f"bars {first} to {last}"
        return f"{self.what} ({where}): {self.value:.3g} {self.unit}, limit {self.limit:.3g}"


def examine(score: Score) -> list[Finding]:
    """The symptoms of a piece, in the order of the table."""
    found = []
    for symptom in SYMPTOMS.values():
        sign = symptom.look(score)
        if sign is not None and symptom.ill(sign):
            found.append(
                Finding(
                    symptom.name, symptom.what, sign.value, symptom.limit, symptom.unit, sign.bars
                )
            )
    return found


def signs(score: Score) -> dict[str, float]:
    """Every symptom's number, NaN where nothing can be said: what limits are set by."""
    found = {name: symptom.look(score) for name, symptom in SYMPTOMS.items()}
    return {name: float("nan") if sign is None else sign.value for name, sign in found.items()}


# -- where ---------------------------------------------------------------------------------------


def _bars(score: Score, start: float, end: float) -> Where:
    """The bars, counted from 1, that ticks [start, end) lie in."""
    return partial(_bars_between, score, start, end)


def _bars_between(score: Score, start: float, end: float) -> tuple[int, int]:
    first, last = bars_of(score, np.array([start, max(start, end - 1)], np.int64))
    return int(first) + 1, int(last) + 1


def _up_to(bar: int) -> Where:
    """The bars from the first to this one."""
    return lambda: (1, bar)


def _whole(score: Score) -> Where:
    return _bars(score, 0, score.end_ticks)


# -- looks ---------------------------------------------------------------------------------------


def _few(score: Score) -> Sign | None:
    """Notes a bar."""
    bars = max(1, int(np.ceil(score.end_bars - 1e-9)))
    return Sign(len(score) / bars, _up_to(bars))


def _one_note(score: Score) -> Sign | None:
    """The longest run of moments in which the same pitches start, whatever the time between.

    Which track plays them does not matter.
    """
    if len(score) < FEWEST_NOTES:
        return None
    when, what = moments(score, by_track=False)
    same = np.concatenate([[False], what[1:] == what[:-1], [False]])
    edges = np.flatnonzero(same[1:] != same[:-1]).reshape(-1, 2)
    if not len(edges):
        return Sign(1.0, _up_to(1))
    first, last = edges[(edges[:, 1] - edges[:, 0]).argmax()]
    ticks = score.ticks_per_beat / STEPS_A_BEAT
    return Sign(float(last - first + 1), _bars(score, when[first] * ticks, when[last] * ticks + 1))


def _loop(score: Score) -> Sign | None:
    """The share of the piece that is one short figure over and over, four times or more.

    Long figures that come back are strophes: only those of up to 16 beats count. A figure of one
    moment is `one-note`'s.
    """
    if len(score) < FEWEST_NOTES:
        return None
    begin = int(score.notes["onset"].min())
    longest = max(
        (loop for loop in loops(score, times=LOOP_TIMES) if _short(score, loop)),
        key=lambda loop: loop.end - loop.start,
        default=None,
    )
    if longest is None:
        return Sign(0.0, _up_to(1))
    share = (longest.end - longest.start) / max(score.end_ticks - begin, 1)
    return Sign(min(1.0, share), _bars(score, longest.start, longest.end))


def _short(score: Score, loop: Loop) -> bool:
    figure = (loop.end - loop.start) / loop.times / score.ticks_per_beat
    return loop.moments > 1 and figure <= FIGURE_BEATS


def _silence(score: Score) -> Sign | None:
    """The longest silence between two notes, in seconds."""
    if not len(score):
        return None
    gaps = silences(score)
    if not len(gaps):
        return Sign(0.0, _up_to(1))
    longest = int((gaps[:, 1] - gaps[:, 0]).argmax())
    start, end = score.tempo_map.ticks(gaps[longest])
    return Sign(float(gaps[longest, 1] - gaps[longest, 0]), _bars(score, int(start), int(end)))


def _thirds(score: Score) -> tuple[int, int] | None:
    """Ticks at which the first third ends and the last begins; None for a short piece."""
    if len(score) < 2 * FEWEST_NOTES or score.end_bars < 3 * STRETCH_BARS:
        return None
    begin = int(score.notes["onset"].min())
    third = (score.end_ticks - begin) / 3
    return round(begin + third), round(begin + 2 * third)


def _change_of_density(score: Score) -> Sign | None:
    """Notes in the last third over notes in the first, as a factor in octaves (log2)."""
    edges = _thirds(score)
    if edges is None:
        return None
    onset = score.notes["onset"]
    first, last = (onset < edges[0]).sum() + 1, (onset >= edges[1]).sum() + 1
    return Sign(float(np.log2(last / first)), _bars(score, edges[1], score.end_ticks))


def _thins(score: Score) -> Sign | None:
    found = _change_of_density(score)
    return None if found is None else Sign(-found.value, found._where)


def _clutter(score: Score) -> Sign | None:
    """How many pitches sound at once for a tenth of the time or more."""
    if len(score) < FEWEST_NOTES:
        return None
    sounding, ticks = voices(score)
    order = np.argsort(-sounding, kind="stable")
    reached = np.cumsum(ticks[order]) >= 0.1 * max(float(ticks.sum()), 1)
    value = float(sounding[order][reached.argmax()]) if len(order) else 0.0
    return Sign(value, _whole(score))


def _narrow(score: Score) -> Sign | None:
    """How many pitches are played in all."""
    pitches = tones(score)["pitch"]
    if len(pitches) < FEWEST_NOTES:
        return None
    return Sign(float(len(np.unique(pitches))), _whole(score))


def _drift(score: Score) -> Sign | None:
    """Semitones between the registers of the first and of the last third.

    A register is where the middle four fifths of the notes lie: those of real music overlap.
    """
    edges = _thirds(score)
    notes = tones(score)
    if edges is None:
        return None
    early, late = notes[notes["onset"] < edges[0]], notes[notes["onset"] >= edges[1]]
    if min(len(early), len(late)) < FEWEST_NOTES // 3:
        return None
    low, high = np.quantile(early["pitch"], REGISTER), np.quantile(late["pitch"], REGISTER)
    gap = max(high[0] - low[1], low[0] - high[1])
    return Sign(float(gap), _bars(score, edges[1], score.end_ticks))


def _wander(score: Score) -> Sign | None:
    """Mean bits of the pitch classes of 48 notes in a row: in no key all twelve are as frequent.

    In a key they are few, however often it changes; notes drawn at random have 3.4 bits.
    """
    notes = tones(score)
    if len(notes) < KEY_NOTES:
        return None
    starts = np.arange(0, len(notes) - KEY_NOTES + 1, KEY_NOTES // 2)
    classes = notes["pitch"] % 12
    found = np.array([bits(np.bincount(classes[i : i + KEY_NOTES])) for i in starts])
    worst = starts[int(found.argmax())]
    onset = notes["onset"]
    return Sign(float(found.mean()), _bars(score, onset[worst], onset[worst + KEY_NOTES - 1] + 1))


def _hanging(score: Score) -> Sign | None:
    """The longest note, in seconds, over which eight others of its track start or more."""
    if len(score) < FEWEST_NOTES:
        return None
    order = np.argsort(score.notes["track"], kind="stable")
    notes = score.notes[order]
    onset, end = notes["onset"], notes["onset"] + notes["duration"]
    # Track after track, by onset in each: the ticks of a Score leave room for the track above.
    track = notes["track"].astype(np.int64) << 42
    over = np.searchsorted(track + onset, track + end) - np.arange(len(onset)) - 1
    held = np.flatnonzero(over >= 8)
    if not len(held):
        return Sign(0.0, _up_to(1))
    seconds = score.tempo_map.seconds(end[held]) - score.tempo_map.seconds(onset[held])
    worst = int(seconds.argmax())
    if seconds[worst] <= 0:
        return Sign(0.0, _up_to(1))
    where = _bars(score, onset[held][worst], end[held][worst])
    return Sign(float(seconds[worst]), where)


def _fades(score: Score) -> Sign | None:
    """Velocities between the mean loudness of the first and of the last third."""
    edges = _thirds(score)
    if edges is None:
        return None
    notes = score.notes
    early, late = notes[notes["onset"] < edges[0]], notes[notes["onset"] >= edges[1]]
    if not len(early) or not len(late):
        return None
    apart = abs(float(late["velocity"].mean()) - float(early["velocity"].mean()))
    return Sign(apart, _bars(score, edges[1], score.end_ticks))


_ROWS: tuple[Symptom, ...] = (
    Symptom("few", "next to no notes", "notes a bar", 1, _few, below=True),
    Symptom("one-note", "the same notes struck again and again", "times", 24, _one_note),
    Symptom("loop", "an exact loop", "of the piece", 0.4, _loop),
    Symptom("silence", "a long silence", "seconds", 7, _silence),
    Symptom("thins", "it thins out towards the end", "octaves", 2.2, _thins),
    Symptom("thickens", "it thickens towards the end", "octaves", 2.2, _change_of_density),
    Symptom("clutter", "too many notes at once", "pitches", 12, _clutter),
    Symptom("narrow", "next to no different pitches", "pitches", 6, _narrow, below=True),
    Symptom("drift", "its register drifts away", "semitones", 2, _drift),
    Symptom("fades", "its loudness drifts away", "velocities", 64, _fades),
    Symptom("wander", "it wanders outside of any key", "bits", 3.28, _wander),
    Symptom("hanging", "a note hangs on", "seconds", 16, _hanging),
)

SYMPTOMS: dict[str, Symptom] = {row.name: row for row in _ROWS}
"""Every symptom by name."""
