"""Notes of one staff in at most two voices, and each voice as a row of chords and rests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from segue.formats.engrave_grid import UNITS


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a staff, in units."""

    onset: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Head:
    """A note head: its pitch and loudness, and whether ties lead to it and from it."""

    pitch: int
    velocity: int
    tied_from: bool = False
    tied_to: bool = False


@dataclass(slots=True)
class Span:
    """A time in a voice with the heads that sound through it; a rest if there are none."""

    start: int
    end: int
    heads: list[Head] = field(default_factory=list)


def readable(notes: Sequence[Note]) -> list[Note]:
    """Notes of a staff with ends that read well: chords end together, small gaps are closed.

    For music that was played: what a player's fingers did between two notes is not on a page.
    """
    groups = _groups(notes)
    found: list[Note] = []
    for i, group in enumerate(groups):
        onset = group[0].onset
        after = groups[i + 1][0].onset if i + 1 < len(groups) else None
        for note in group:
            end = _rounded_end(note)
            if after is not None:
                gap = after - end
                if gap > 0 and (gap < UNITS // 2 or gap <= end - onset):
                    end = after
                elif gap < 0 and (-gap <= UNITS // 4 or len(group) > 1):
                    # An overlap by a finger's breadth, or of one note of a chord.
                    end = after if -gap < UNITS else end
            found.append(replace(note, end=end))
    return _chords_end_together(found)


def _rounded_end(note: Note) -> int:
    """A long note's end to the half beat, a longer one's to the beat."""
    length = note.end - note.onset
    if length < UNITS:
        return note.end
    step = UNITS // 2 if length < 2 * UNITS else UNITS
    return round(note.end / step) * step


def struck(notes: Sequence[Note]) -> list[Note]:
    """Drum strokes, each to the next stroke or the end of its beat: how long they ring is lost."""
    groups = _groups(notes)
    found: list[Note] = []
    for i, group in enumerate(groups):
        onset = group[0].onset
        end = (onset // UNITS + 1) * UNITS
        if i + 1 < len(groups):
            end = min(end, groups[i + 1][0].onset)
        found += [replace(note, end=end) for note in group]
    return found


def _chords_end_together(notes: Sequence[Note]) -> list[Note]:
    """Notes struck together that end within half a beat of each other end at the latest."""
    found: list[Note] = []
    for group in _groups(notes):
        latest = max(note.end for note in group)
        for note in group:
            near = latest - note.end <= UNITS // 2
            found.append(replace(note, end=latest) if near else note)
    return found


def _groups(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes by onset, each group from low to high."""
    groups: dict[int, list[Note]] = {}
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch)):
        groups.setdefault(note.onset, []).append(note)
    return list(groups.values())


def voices(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Upper and lower voice of a staff; the lower is empty where one voice can say it all.

    Where more than two lines overlap, a voice holds notes that end apart: ties say the rest.
    """
    groups = _groups(notes)
    onsets = [group[0].onset for group in groups]
    upper: list[Note] = []
    lower: list[Note] = []
    upper_end = lower_end = 0
    for i, group in enumerate(groups):
        onset = group[0].onset
        longest = max(note.end for note in group)
        later = groups[i + 1 : bisect_right(onsets, longest - 1)]
        busy = (upper_end > onset, lower_end > onset)
        top, bottom = _parted(group, later, upper_busy=busy[0], lower_busy=busy[1])
        upper += top
        lower += bottom
        upper_end = max([upper_end, *(note.end for note in top)])
        lower_end = max([lower_end, *(note.end for note in bottom)])
    return upper, lower


def _parted(
    group: list[Note], later: list[list[Note]], *, upper_busy: bool, lower_busy: bool
) -> tuple[list[Note], list[Note]]:
    """A group of notes struck together as (upper, lower)."""
    if upper_busy and not lower_busy:
        return [], group
    if lower_busy and not upper_busy:
        return group, []
    ends = sorted({note.end for note in group})
    if len(ends) > 1:
        # One line moves on while the other is held: cut where the ends part best.
        cut = min(range(1, len(group)), key=lambda k: _raggedness(group, k))
        return group[cut:], group[:cut]
    if later and not (upper_busy and lower_busy):
        moving = [note.pitch for each in later for note in each]
        held = sum(note.pitch for note in group) / len(group)
        return ([], group) if sum(moving) / len(moving) > held else (group, [])
    return group, []


def _raggedness(group: Sequence[Note], cut: int) -> int:
    """How many different ends the two halves of a group have, beyond one each."""
    return len({n.end for n in group[:cut]}) + len({n.end for n in group[cut:]})


def spans(notes: Sequence[Note], cuts: Sequence[int]) -> list[Span]:
    """A voice from the first of `cuts` (bar lines) to the last as chords and rests, gap-free.

    A span ends wherever a note of the voice begins or ends, and at every bar line; heads that go
    on are tied.
    """
    edges = sorted({*cuts, *(n.onset for n in notes), *(n.end for n in notes)})
    edges = [edge for edge in edges if cuts[0] <= edge <= cuts[-1]]
    found = [Span(a, b) for a, b in pairwise(edges)]
    index = {span.start: i for i, span in enumerate(found)}
    for note in sorted(notes, key=lambda n: n.pitch):
        at = index[note.onset]
        while at < len(found) and found[at].start < note.end:
            span = found[at]
            span.heads.append(
                Head(note.pitch, note.velocity, span.start > note.onset, span.end < note.end)
            )
            at += 1
    return found
