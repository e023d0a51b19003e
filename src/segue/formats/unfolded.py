"""Printed voices put in time: bars in the order they are played become the tracks of a Score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm

from segue.formats import limits
from segue.formats.bars import metre_rows
from segue.formats.chord_symbols import chord_pitches
from segue.formats.printed import Bar, Key, Metre, Voice, Words
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, events

LEAST_TICKS_PER_BEAT = 480
MOST_TICKS_PER_BEAT = 30_240
"""A MIDI file counts up to 32,767; this one divides by 2 to the fifth, 27, 5 and 7."""
CHORD_VELOCITY = 64

Timed = tuple[Fraction, Fraction, int, int]  # onset, length, pitch, velocity


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
    limits.check("bars", sum(map(len, orders)), limits.BEATS, name)
    parts = [[voice.bars[i] for i in order] for voice, order in zip(voices, orders, strict=True)]
    for bars in parts:
        limits.check("beats", float(sum(4 * b.length for b in bars)), limits.BEATS, name)
        limits.check("notes", sum(len(bar.notes) for bar in bars), limits.NOTES, name)
    upbeat = _upbeat(parts[0]) if parts else Fraction(0)
    timed = [_notes(bars, upbeat) for bars in parts]
    changes = _changes(parts, upbeat)
    tracks = [Track(v.name, v.program, v.is_drum) for v in voices]
    texts: list[Text] = []
    if len(tracks) == 1:
        tracks = [replace(tracks[0], name=title or tracks[0].name)]
    elif title:
        texts.append(Text(0, title, "text"))
    if chords:
        timed.append(_accompaniment(changes, timed))
        tracks.append(Track("chords"))
    ticks = _ticks_per_beat(timed)

    def tick(whole_notes: Fraction) -> int:
        return round(whole_notes * 4 * ticks)

    rows = [
        (tick(onset), tick(onset + length) - tick(onset), track, pitch, velocity)
        for track, notes in enumerate(timed)
        for onset, length, pitch, velocity in notes
    ]
    tempi = [(0, round(60e6 / tempo))] if tempo else []
    keys = [(0, key.fifths, key.minor)] if key else []
    for at, value in changes:
        if isinstance(value, float):
            tempi.append((tick(at), round(60e6 / value)))
        elif isinstance(value, Key):
            keys.append((tick(at), value.fifths, value.minor))
        elif isinstance(value, Words):
            kind = "text" if value.kind == "chord" else "marker"
            texts.append(Text(tick(at), value.text, kind))
    metres = metre_rows(_timed_bars(parts[0], upbeat, tick), ticks) if parts else []
    return Score(
        ticks,
        events(NOTE, rows),
        tuple(tracks),
        tempi=events(TEMPO, tempi),
        metres=events(METRE, metres),
        keys=events(KEY, _changed(keys)),
        texts=tuple(texts),
    )


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


def _notes(bars: Sequence[Bar], start: Fraction) -> list[Timed]:
    """Notes of bars played one after another, ties joined; whole notes from `start`."""
    found: list[list[Fraction | int]] = []
    waiting: dict[int, list[Fraction | int]] = {}  # tied notes by pitch
    for bar in bars:
        # By time: an overlaid voice may hold the other end of a tie.
        for note in sorted(bar.notes, key=lambda n: n.onset):
            onset = start + note.onset
            held = waiting.pop(note.pitch, None)
            if held is not None and held[0] + held[1] == onset:
                held[1] += note.length
                one = held
            else:
                one = [onset, note.length, note.pitch, note.velocity]
                found.append(one)
            if note.tie:
                waiting[note.pitch] = one
        start += bar.length
    return [tuple(one) for one in found]  # type: ignore[misc]


def _changes(
    parts: Sequence[Sequence[Bar]], start: Fraction
) -> list[tuple[Fraction, Metre | Key | Words | float]]:
    """Key, tempo and words over time: the first voice's, and chord symbols of the others."""
    found: list[tuple[Fraction, Metre | Key | Words | float]] = []
    for part, bars in enumerate(parts):
        at = start
        for bar in bars:
            for change in bar.changes:
                if part == 0 or isinstance(change.value, Words | float):
                    found.append((at + change.onset, change.value))
            at += bar.length
    return sorted(found, key=lambda pair: pair[0])


def _timed_bars(
    bars: Sequence[Bar], start: Fraction, tick: Callable[[Fraction], int]
) -> Iterator[tuple[int, int, int, int]]:
    """(onset, length, numerator, denominator) of each bar in metre, in ticks."""
    for bar in bars:
        over, under = bar.metre.numerator, bar.metre.denominator
        if over is not None and under is not None and bar.length:
            onset = tick(start)
            yield onset, tick(start + bar.length) - onset, over, under
        start += bar.length


def _ticks_per_beat(timed: Sequence[Sequence[Timed]]) -> int:
    """A resolution in which onsets and ends are whole ticks, if there is one under the limit."""
    dividers = {
        (4 * moment).denominator
        for notes in timed
        for onset, length, _, _ in notes
        for moment in (onset, length)
    }
    ticks = LEAST_TICKS_PER_BEAT
    for divider in sorted(dividers):
        if lcm(ticks, divider) > MOST_TICKS_PER_BEAT:
            return MOST_TICKS_PER_BEAT
        ticks = lcm(ticks, divider)
    return ticks


def _accompaniment(
    changes: Sequence[tuple[Fraction, object]], timed: Sequence[Sequence[Timed]]
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
            found += [(at, Fraction(past - at), pitch, CHORD_VELOCITY) for pitch in pitches]
    return found
