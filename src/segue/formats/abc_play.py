"""Voices of an ABC tune, unfolded and put in time: the Score of what is played."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm

from segue.errors import LimitError
from segue.formats import limits
from segue.formats.abc_body import Body
from segue.formats.abc_fields import Key, Metre
from segue.formats.abc_tune import Tune
from segue.formats.abc_voice import Bar, Voice, Words
from segue.formats.bars import metre_rows
from segue.formats.chord_symbols import chord_pitches
from segue.formats.repeats import Signs, play_order
from segue.score import KEY, METRE, NOTE, TEMPO, Score, Text, Track, events

LEAST_TICKS_PER_BEAT = 480
MOST_TICKS_PER_BEAT = 30_240
"""A MIDI file counts up to 32,767; this one divides by 2 to the fifth, 27, 5 and 7."""
MOST_PARTS = 2_000
CHORD_VELOCITY = 64

Timed = tuple[Fraction, Fraction, int, int]  # onset, length, pitch, velocity


def played(
    tune: Tune,
    body: Body,
    *,
    chords: bool = False,
    unfold: Callable[[Sequence[Signs]], list[int]] = play_order,
) -> Score:
    """The Score of a tune that `body` has read; with `chords`, its chord symbols sound as well.

    One track a voice, repeats and parts unfolded; a first bar that is short of its metre is an
    upbeat and ends where a whole bar would. `unfold` is how repeats are taken. Raises LimitError
    for a tune past playing.
    """
    voices = body.voices
    _share_signs(voices)
    orders = [_order(tune, body.order, voice, unfold) for voice in voices]
    limits.check("bars", sum(map(len, orders)), limits.BEATS, tune.label)
    parts = [[voice.bars[i] for i in order] for voice, order in zip(voices, orders, strict=True)]
    upbeat = _upbeat(parts[0]) if parts else Fraction(0)
    for bars in parts:
        beats = sum(4 * bar.length for bar in bars)
        limits.check("beats", float(beats), limits.BEATS, tune.label)
        limits.check("notes", sum(len(bar.notes) for bar in bars), limits.NOTES, tune.label)
    timed = [_notes(bars, upbeat) for bars in parts]
    tracks = [Track(v.name, v.program, v.is_drum) for v in voices]
    title = tune.value("T")
    texts: list[Text] = []
    if len(tracks) == 1:
        tracks = [replace(tracks[0], name=title or tracks[0].name)]
    elif title:
        texts.append(Text(0, title, "text"))
    changes = _changes(parts, upbeat)
    if chords:
        timed.append(_accompaniment(changes, timed))
        tracks.append(Track("chords"))
    ticks = _ticks_per_beat(timed)
    scale = 4 * ticks

    def tick(whole_notes: Fraction) -> int:
        return round(whole_notes * scale)

    rows = [
        (tick(onset), tick(onset + length) - tick(onset), track, pitch, velocity)
        for track, notes in enumerate(timed)
        for onset, length, pitch, velocity in notes
    ]
    tempi: list[tuple[int, int]] = []
    if body.tempo:
        tempi.append((0, round(60e6 / body.tempo)))
    keys: list[tuple[int, int, bool]] = []
    if voices:
        keys.append((0, body.key.fifths, body.key.minor))
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


def _share_signs(voices: Sequence[Voice]) -> None:
    """Repeats are often printed in one voice only: equal bar counts take the signs of all."""
    if len({len(voice.bars) for voice in voices}) != 1 or len(voices) < 2:
        return
    for bars in zip(*(voice.bars for voice in voices), strict=True):
        signs = Signs(
            forward=any(b.signs.forward for b in bars),
            section=any(b.signs.section for b in bars),
            times=max(b.signs.times for b in bars),
            endings=next((b.signs.endings for b in bars if b.signs.endings), frozenset()),
            segno=any(b.signs.segno for b in bars),
            coda=any(b.signs.coda for b in bars),
            to_coda=any(b.signs.to_coda for b in bars),
            fine=any(b.signs.fine for b in bars),
            jump=next((b.signs.jump for b in bars if b.signs.jump), ""),
        )
        for bar in bars:
            bar.signs = signs


# -- parts and repeats --------------------------------------------------------------------------


def _order(
    tune: Tune, order: str, voice: Voice, unfold: Callable[[Sequence[Signs]], list[int]]
) -> list[int]:
    """Bar indices as played: the order of parts, if there is one, and repeats within each part."""
    bars = voice.bars
    sections: dict[str, list[int]] = {}
    for i, bar in enumerate(bars):
        sections.setdefault(bar.part, []).append(i)
    wanted = part_order(order)
    if not wanted or not any(label in sections for label in wanted):
        return unfold([bar.signs for bar in bars])
    missing = sorted({label for label in wanted if label not in sections})
    if missing:
        names = ", ".join(missing)
        tune.repairs.append(f"the order of parts {order!r} names {names}, which the tune lacks")
    if unused := sorted(set(sections) - set(wanted) - {""}):
        tune.repairs.append(f"the order of parts {order!r} never plays {', '.join(unused)}")
    unfolded = {
        label: [section[i] for i in unfold([bars[k].signs for k in section])]
        for label, section in sections.items()
    }
    leading = unfolded.get("", []) if "" in sections and bars[0].part == "" else []
    return leading + [i for label in wanted for i in unfolded.get(label, [])]


def part_order(text: str) -> list[str]:
    """`A(AB)2C3` as labels in order; brackets that do not match are passed over."""
    stack: list[list[str]] = [[]]
    group: list[str] = []  # what a number that follows repeats
    for word in re.findall(r"[A-Za-z]|\d{1,3}|[()]", text):
        if word == "(":
            stack.append([])
            group = []
        elif word == ")" and len(stack) > 1:
            group = stack.pop()
            stack[-1].extend(group)
        elif word.isdigit():
            stack[-1].extend(group * (int(word) - 1))
            group = []
        elif word.isalpha():
            group = [word]
            stack[-1].append(word)
        if sum(map(len, stack)) > MOST_PARTS:
            raise LimitError(f"an order of parts {text[:40]!r} with over {MOST_PARTS} parts.")
    return [label for level in stack for label in level]


def _upbeat(bars: Sequence[Bar]) -> Fraction:
    """How much the first bar lacks, if it is an upbeat: short, closed by a bar line, not alone."""
    first = next((i for i, bar in enumerate(bars) if bar.length), None)
    if first is None or not bars[first].closed or not any(b.length for b in bars[first + 1 :]):
        return Fraction(0)
    whole = bars[first].metre.whole_notes
    return max(whole - bars[first].length, Fraction(0)) if whole else Fraction(0)


# -- time ---------------------------------------------------------------------------------------


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
