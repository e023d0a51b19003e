"""Printed voices put in time: bars in the order they are played become the tracks of a Score.

Inside, time is counted in grains: whole numbers, so many to a beat that nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm

from segue.formats import limits
from segue.formats.bars import LEAST_TICKS_PER_BEAT, MOST_TICKS_PER_BEAT, metre_rows
from segue.formats.chord_symbols import chord_pitches
from segue.formats.printed import Bar, Key, Metre, Voice, Words
from segue.formats.repeats import MOST_BARS, MOST_NOTES
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, events

CHORD_VELOCITY = 64

Timed = tuple[int, int, int, int]  # onset and length in grains, pitch, velocity
Value = Metre | Key | Words | float


@dataclass(frozen=True)
class _Clock:
    """Grains of a beat, and ticks of a beat in the Score to be."""

    grains: int
    ticks: int

    def grain(self, whole_notes: Fraction) -> int:
        """A length in whole notes as grains; it is a whole number of them."""
        return 4 * self.grains * whole_notes.numerator // whole_notes.denominator

    def tick(self, grains: int) -> int:
        """The nearest tick."""
        if self.grains == self.ticks:
            return grains
        return (2 * grains * self.ticks + self.grains) // (2 * self.grains)


def unfolded(
    voices: Sequence[Voice],
    orders: Sequence[Sequence[int]],
    name: str,
    *,
    title: str = "",
    key: Key | None = None,
    tempo: float | None = None,
    chords: bool = False,
) -> Score:
    """The Score of `voices` whose bars are played in `orders`, a track a voice.

    A first bar that is short of its metre is an upbeat and ends where a whole one would. `key`
    and `tempo` (quarter notes a minute) hold from the start; with `chords`, chord symbols sound
    on a track of their own. Raises LimitError past `segue.formats.limits`; messages say `name`.
    """
    limits.check("bars", sum(map(len, orders)), MOST_BARS, name)
    clock = _clock(voices)
    parts = [[voice.bars[i] for i in order] for voice, order in zip(voices, orders, strict=True)]
    _check_size(parts, clock, name)
    upbeat = clock.grain(_upbeat(parts[0])) if parts else 0
    timed = [_notes(bars, upbeat, clock) for bars in parts]
    changes = _changes(parts, upbeat, clock)
    tracks = [Track(v.name, v.program, v.is_drum) for v in voices]
    texts: list[Text] = []
    if len(tracks) == 1:
        tracks = [replace(tracks[0], name=title or tracks[0].name)]
    elif title:
        texts.append(Text(0, title, "text"))
    if chords:
        timed.append(_accompaniment(changes, timed))
        tracks.append(Track("chords"))
    tempi = [(0, round(60e6 / tempo))] if tempo else []
    keys = [(0, key.fifths, key.minor)] if key else []
    for at, value in changes:
        tick = clock.tick(at)
        if isinstance(value, float):
            tempi.append((tick, round(60e6 / value)))
        elif isinstance(value, Key):
            keys.append((tick, value.fifths, value.minor))
        elif isinstance(value, Words):
            texts.append(Text(tick, value.text, "text" if value.kind == "chord" else "marker"))
    metres = metre_rows(_timed_bars(parts[0], upbeat, clock), clock.ticks) if parts else []
    return Score(
        clock.ticks,
        events(NOTE, _rows(timed, clock)),
        tuple(tracks),
        tempi=events(TEMPO, tempi),
        metres=events(METRE, metres),
        keys=events(KEY, _changed(keys)),
        texts=tuple(texts),
    )


def _clock(voices: Sequence[Voice]) -> _Clock:
    """The coarsest clock that holds every moment; its ticks round where there would be too many."""
    dividers: set[int] = set()
    for voice in voices:
        for bar in voice.bars:
            dividers.add(bar.length.denominator)
            dividers.update(change.onset.denominator for change in bar.changes)
            for note in bar.notes:
                dividers.add(note.onset.denominator)
                dividers.add(note.length.denominator)
            whole = bar.metre.whole_notes
            dividers.add(whole.denominator if whole else 1)
    grains = lcm(LEAST_TICKS_PER_BEAT, *(divider // gcd(divider, 4) for divider in dividers))
    return _Clock(grains, min(grains, MOST_TICKS_PER_BEAT))


def _check_size(parts: Sequence[Sequence[Bar]], clock: _Clock, name: str) -> None:
    for bars in parts:
        beats = sum(clock.grain(bar.length) for bar in bars) / clock.grains
        limits.check("beats", beats, limits.BEATS, name)
    limits.check("notes", sum(len(b.notes) for bars in parts for b in bars), MOST_NOTES, name)


def _changed(rows: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """Without rows that say again what holds already; of two at a tick the last."""
    kept: list[tuple[int, int, bool]] = []
    for row in rows:
        if kept and kept[-1][0] == row[0]:
            kept.pop()
        if not kept or kept[-1][1:] != row[1:]:
            kept.append(row)
    return kept


def _upbeat(bars: Sequence[Bar]) -> Fraction:
    """How much the first bar lacks, if it is an upbeat: short, closed by a bar line, not alone."""
    first = next((i for i, bar in enumerate(bars) if bar.length), None)
    if first is None or not bars[first].closed or not any(b.length for b in bars[first + 1 :]):
        return Fraction(0)
    whole = bars[first].metre.whole_notes
    return max(whole - bars[first].length, Fraction(0)) if whole else Fraction(0)


def _notes(bars: Sequence[Bar], start: int, clock: _Clock) -> list[Timed]:
    """Notes of bars played one after another from `start`, ties joined."""
    found: list[list[int]] = []
    waiting: dict[int, list[int]] = {}  # tied notes by pitch
    known: dict[int, list[tuple[int, int, int, int, bool]]] = {}
    for bar in bars:
        rows = known.get(id(bar))
        if rows is None:
            # By time: an overlaid voice may hold the other end of a tie.
            rows = known[id(bar)] = [
                (clock.grain(n.onset), clock.grain(n.length), n.pitch, n.velocity, n.tie)
                for n in sorted(bar.notes, key=lambda n: n.onset)
            ]
        for at, length, pitch, velocity, tie in rows:
            onset = start + at
            one = waiting.pop(pitch, None)
            if one is not None and one[0] + one[1] == onset:
                one[1] += length
            else:
                one = [onset, length, pitch, velocity]
                found.append(one)
            if tie:
                waiting[pitch] = one
        start += clock.grain(bar.length)
    return [(onset, length, pitch, velocity) for onset, length, pitch, velocity in found]


def _rows(timed: Sequence[Sequence[Timed]], clock: _Clock) -> Iterator[tuple[int, ...]]:
    for track, notes in enumerate(timed):
        for onset, length, pitch, velocity in notes:
            tick = clock.tick(onset)
            yield tick, clock.tick(onset + length) - tick, track, pitch, velocity


def _changes(parts: Sequence[Sequence[Bar]], start: int, clock: _Clock) -> list[tuple[int, Value]]:
    """Key, tempo and words over time: the first voice's, and chord symbols of the others."""
    found: list[tuple[int, Value]] = []
    for part, bars in enumerate(parts):
        at = start
        for bar in bars:
            for change in bar.changes:
                if part == 0 or isinstance(change.value, Words | float):
                    found.append((at + clock.grain(change.onset), change.value))
            at += clock.grain(bar.length)
    return sorted(found, key=lambda pair: pair[0])


def _timed_bars(
    bars: Sequence[Bar], start: int, clock: _Clock
) -> Iterator[tuple[int, int, int, int]]:
    """(onset, length, numerator, denominator) of each bar in metre, in ticks."""
    for bar in bars:
        over, under = bar.metre.numerator, bar.metre.denominator
        end = start + clock.grain(bar.length)
        if over is not None and under is not None and end > start:
            onset = clock.tick(start)
            yield onset, clock.tick(end) - onset, over, under
        start = end


def _accompaniment(
    changes: Sequence[tuple[int, Value]], timed: Sequence[Sequence[Timed]]
) -> list[Timed]:
    """Chord symbols as notes, each held until the next or the end of the tune."""
    end = max((onset + length for notes in timed for onset, length, _, _ in notes), default=0)
    symbols = [
        (at, pitches)
        for at, value in changes
        if isinstance(value, Words) and value.kind == "chord"
        if (pitches := chord_pitches(value.text)) is not None
    ]
    found: list[Timed] = []
    for i, (at, pitches) in enumerate(symbols):
        past = symbols[i + 1][0] if i + 1 < len(symbols) else end
        if past > at:
            found += [(at, past - at, pitch, CHORD_VELOCITY) for pitch in pitches]
    return found
