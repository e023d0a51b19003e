"""A Score as a readable page: parts, staves, bars, voices and symbols, ready to be written.

Both writers of notation (MusicXML and, without staves, ABC) start from here. Notes of music that
was written on a grid keep their times to the tick; music that was played is quantised and its
note ends simplified. Keyboard tracks are parted between two hands on two staves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from segue.errors import FormatError
from segue.formats import limits
from segue.formats.engrave_grid import UNITS, in_units, snapped
from segue.formats.engrave_hands import MIDDLE, split_hands
from segue.formats.engrave_metre import SHORTEST, Metre
from segue.formats.engrave_values import Symbol, on_page, written
from segue.formats.engrave_voices import Note, Span, readable, spans, struck, voices
from segue.formats.spelling import estimated_key
from segue.score import Score, Track, tidy
from segue.score.score import Events

_KEYBOARDS = (*range(8), *range(16, 24))
_MOST_BARS = 50_000
_MOST_CELLS = 200_000  # bars of all parts together
# A keyboard track has two staves if this share of its notes lies on either side of middle C;
# where two or more keyboard tracks stand side by side, each is rather one hand's already. And
# this share must sound with others: a single line is one voice, however far it reaches.
_BOTH_SIDES, _BOTH_SIDES_OF_SEVERAL = 0.15, 0.35
_TOGETHER = 0.2


@dataclass(frozen=True)
class Bar:
    """A bar line to the next: [start, end) in units of the piece; `first` is how far into its
    full bar an upbeat begins. `metre`, `fifths` and `minor` hold in it.
    """

    start: int
    end: int
    metre: Metre
    fifths: int
    minor: bool
    first: int = 0

    @property
    def whole(self) -> bool:
        """Whether the bar is as long as its metre says."""
        return self.end - self.start == self.metre.length


@dataclass
class Staff:
    """A staff: `voices[b]` lists the voices of bar b, one or two, each a list of symbols."""

    clef: str
    voices: list[list[list[Symbol]]] = field(default_factory=list)


@dataclass
class Part:
    """A track on the page, on one staff or two."""

    track: Track
    staves: list[Staff] = field(default_factory=list)


@dataclass
class Page:
    """The whole: bars, and parts over them."""

    bars: list[Bar]
    parts: list[Part]


def engraved(score: Score, *, hands: bool = True) -> Page:
    """The page of a Score; with `hands`, keyboard tracks get two staves.

    Tracks without notes are left out, overlaps of one pitch are cut. Raises FormatError for a
    Score without notes, LimitError for one with more bars than a page can hold.
    """
    score = tidy(score)
    if not len(score):
        raise FormatError("the music holds no notes, so there is nothing to write on a page.")
    moved = []
    for number, track in enumerate(score.tracks):
        table = score.track_notes(number)
        if len(table):
            moved.append((track, *_readable_notes(table, score.ticks_per_beat)))
    first = min(min(n.onset for n in notes) for _, notes, _ in moved)
    last = max(max(n.end for n in notes) for _, notes, _ in moved)
    bars = _bars(score, first, last)
    limits.check("bars in all its tracks", len(bars) * len(moved), _MOST_CELLS, "the music")
    cuts = [bars[0].start, *(bar.end for bar in bars)]
    keyboards = sum(_is_keyboard(track) for track, _, _ in moved)
    share = (_BOTH_SIDES if keyboards == 1 else _BOTH_SIDES_OF_SEVERAL) if hands else 1.0
    parts = []
    for track, notes, played in moved:
        part = Part(track)
        for clef, mine in _staves(track, notes, share):
            told = mine
            if played:
                told = _untangled(struck(mine) if track.is_drum else readable(mine))
            part.staves.append(Staff(clef, _voiced(told, bars, cuts)))
        parts.append(part)
    return Page(bars, parts)


def _readable_notes(notes: Events, ticks_per_beat: int) -> tuple[list[Note], bool]:
    """Notes in units, and whether they were played rather than written."""
    onsets, ends, played = snapped(notes, ticks_per_beat)
    rows = zip(onsets, ends, notes["pitch"], notes["velocity"], strict=True)
    return _untangled([Note(int(o), int(e), int(p), int(v)) for o, e, p, v in rows]), played


def _untangled(notes: Sequence[Note]) -> list[Note]:
    """No two notes of one pitch at once: the earlier ends where the later begins."""
    found: list[Note] = []
    latest: dict[int, int] = {}
    for note in sorted(notes, key=lambda n: (n.onset, -n.end)):
        before = latest.get(note.pitch)
        if before is not None and found[before].end > note.onset:
            if found[before].onset == note.onset:
                continue
            found[before] = replace(found[before], end=note.onset)
        latest[note.pitch] = len(found)
        found.append(note)
    return found


# -- staves and voices --------------------------------------------------------------------------


def _is_keyboard(track: Track) -> bool:
    return track.program in _KEYBOARDS and not track.is_drum


def _staves(track: Track, notes: Sequence[Note], share: float) -> list[tuple[str, list[Note]]]:
    """(clef, notes) of each staff of a track, upper first; two for a keyboard with `share` of its
    notes on either side of middle C.
    """
    if track.is_drum:
        return [("percussion", list(notes))]
    pitches = np.array([note.pitch for note in notes])
    low = float((pitches < MIDDLE).mean())
    if not _is_keyboard(track) or min(low, 1 - low) < share or _together(notes) < _TOGETHER:
        middle = float(np.median(pitches))
        return [("treble" if middle >= MIDDLE - 1 else "bass", list(notes))]
    groups: dict[int, list[Note]] = {}
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch)):
        groups.setdefault(note.onset, []).append(note)
    struck = list(groups.values())
    cuts = split_hands([[note.pitch for note in group] for group in struck])
    left = [note for group, k in zip(struck, cuts, strict=True) for note in group[:k]]
    right = [note for group, k in zip(struck, cuts, strict=True) for note in group[k:]]
    return [("treble", right), ("bass", left)]


def _together(notes: Sequence[Note]) -> float:
    """The share of notes that begin while another sounds."""
    latest = -1
    before = -1
    count = 0
    for note in sorted(notes, key=lambda n: n.onset):
        count += note.onset < latest or note.onset == before
        before = note.onset
        latest = max(latest, note.end)
    return count / len(notes)


def _voiced(
    notes: Sequence[Note], bars: Sequence[Bar], cuts: Sequence[int]
) -> list[list[list[Symbol]]]:
    """For each bar its voices as symbols: the lower voice only where it has notes."""
    upper, lower = voices(notes)
    rows = [_by_bar(spans(voice, cuts), bars) for voice in (upper, lower)]
    found = []
    for bar, above, below in zip(bars, *rows, strict=True):
        lines = [above]
        if any(span.heads for span in below):
            lines = [above, below] if any(span.heads for span in above) else [below]
        found.append([_symbols(line, bar) for line in lines])
    return found


def _by_bar(row: Sequence[Span], bars: Sequence[Bar]) -> list[list[Span]]:
    """Spans of a voice, which end at every bar line, sorted into bars."""
    found: list[list[Span]] = []
    at = 0
    for bar in bars:
        mine = []
        while at < len(row) and row[at].start < bar.end:
            mine.append(row[at])
            at += 1
        found.append(mine)
    return found


def _symbols(line: Sequence[Span], bar: Bar) -> list[Symbol]:
    shift = bar.first - bar.start
    end = bar.first + bar.end - bar.start
    local = _joined([replace(s, start=s.start + shift, end=s.end + shift) for s in line])
    return written(on_page(local, bar.metre, bar.first, end), bar.metre, bar.first, end)


def _joined(line: Sequence[Span]) -> list[Span]:
    """Neighbouring rests as one."""
    found: list[Span] = []
    for span in line:
        if found and not span.heads and not found[-1].heads:
            found[-1] = replace(found[-1], end=span.end)
        else:
            found.append(span)
    return found


# -- bars ---------------------------------------------------------------------------------------


def _bars(score: Score, first: int, last: int) -> list[Bar]:
    """Bars from the first to the one in which the last note ends.

    Silence before the first note inside of the first bar is not written: that bar is an upbeat.
    """
    changes = _metres(score)
    keys = _keys(score)
    bars: list[Bar] = []
    for i, (start, metre) in enumerate(changes):
        past = changes[i + 1][0] if i + 1 < len(changes) else last
        limits.check("bars", len(bars) + (past - start) / metre.length, _MOST_BARS, "the music")
        at = start
        while at < min(past, last):
            end = at + metre.length
            if i + 1 < len(changes):
                end = min(end, past)
            fifths, minor = _key_at(keys, at)
            bars.append(Bar(at, end, metre, fifths, minor))
            at = end
    return _with_upbeat(bars, first)


def _with_upbeat(bars: list[Bar], first: int) -> list[Bar]:
    bar = bars[0]
    if not bar.whole:
        # Short because the metre changes in it; as an upbeat it would be read elsewhere.
        bars[0] = replace(bar, metre=_metre_of(bar.end - bar.start, bar.metre))
        return bars
    silent = min(first, bar.end) // bar.metre.unit * bar.metre.unit
    if silent and len(bars) > 1 and silent < bar.end:
        bars[0] = replace(bar, start=bar.start + silent, first=silent)
    return bars


def _metre_of(length: int, metre: Metre) -> Metre:
    """The metre of which a bar of `length` units is a whole one, `metre` if there is none."""
    for denominator in (metre.denominator, 8, 16, 32):
        over, odd = divmod(length, Metre(1, denominator).length)
        if not odd and 1 <= over <= 255:
            return Metre(over, denominator)
    return metre


def _metres(score: Score) -> list[tuple[int, Metre]]:
    """(start in units, metre), the first at 0, each start where a bar line can stand."""
    found: list[tuple[int, Metre]] = [(0, Metre(4, 4))]
    for onset, over, under in score.metres:
        metre = Metre(int(over), int(under))
        start = in_units(int(onset), score.ticks_per_beat)
        start = round(start / (4 * SHORTEST)) * 4 * SHORTEST
        if found[-1][0] >= start:
            found.pop()
        if metre.length < UNITS // 4:
            metre = Metre(4, 4)
        found.append((start, metre))
    return found


def _keys(score: Score) -> list[tuple[int, int, bool]]:
    """(start in units, fifths, minor), the first at 0; estimated where the Score has none."""
    rows = [
        (in_units(int(onset), score.ticks_per_beat), int(fifths), bool(minor))
        for onset, fifths, minor in score.keys
    ]
    if not rows:
        return [(0, *estimated_key(score))]
    return [(0, *rows[0][1:]), *rows[1:]]


def _key_at(keys: Sequence[tuple[int, int, bool]], at: int) -> tuple[int, bool]:
    held = [key for key in keys if key[0] <= at]
    return held[-1][1:] if held else keys[0][1:]
