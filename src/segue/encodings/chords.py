"""Which notes of a part form a chord, by the rules of the music21 that the seeds used.

Only the first part counts: the tracks that share the program of the first pitched track. Within
a staff, a note gathers the notes after it that start and end within a sixteenth of a beat of its
own start and end, and each such group is one note or chord. (music21 4.1, the version of the
time; since 2018 its tolerance has followed its quantisation grid.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.score import Score
from segue.score.score import Events

Ints = NDArray[np.int64]

TOLERANCE_BEATS = 1 / 16
_ECHO = 0.9
_FEW = 8
_MOST_ROUNDS = 200


@dataclass(frozen=True)
class Groups:
    """The notes and chords of a part in order.

    `onset` and `duration` (ticks), `size` (notes), `mask` (12-bit pitch classes) and `lowest`
    (MIDI pitch) have shape (groups,); `notes`, shape (notes,), lists the notes group by group,
    each from the lowest up.
    """

    onset: Ints
    duration: Ints
    size: Ints
    mask: Ints
    lowest: Ints
    notes: Events


def first_part(score: Score) -> list[Events]:
    """The notes of each staff of the first part, by onset and pitch.

    Tracks of one name are one staff, because a file of format 0 comes as one track a channel, all
    with its name. An echo of an earlier track, there for the sound of it, is left out, and a
    pitch struck twice at one tick is one note, the longest of the first staff that has it.
    """
    tracks = score.tracks
    pitched = [i for i in np.unique(score.notes["track"]).tolist() if not tracks[i].is_drum]
    staves: dict[str | int, list[Events]] = {}
    heard: list[Events] = []
    for index in pitched:
        notes = score.track_notes(index)
        echo = any(_echoes(notes, other, score.ticks_per_beat) for other in heard)
        if tracks[index].program == tracks[pitched[0]].program and not echo:
            staves.setdefault(tracks[index].name or index, []).append(notes)
            heard.append(notes)
    return _without_unisons([np.concatenate(staff) for staff in staves.values()])


def _echoes(notes: Events, other: Events, ticks_per_beat: int) -> bool:
    """Whether nine notes in ten repeat those of `other` at one delay of at most half a beat.

    Of a few notes nothing can be said.
    """
    delay = int(notes["onset"][0] - other["onset"][0])
    if len(notes) < _FEW or not 0 <= delay <= ticks_per_beat / 2:
        return False
    known = other["onset"] * 128 + other["pitch"]
    return bool(np.isin((notes["onset"] - delay) * 128 + notes["pitch"], known).mean() >= _ECHO)


def _without_unisons(staves: list[Events]) -> list[Events]:
    """Each staff by onset and pitch; of notes with one onset and pitch the first staff's stays."""
    if not staves:
        return []
    notes = np.concatenate(staves)
    staff = np.repeat(np.arange(len(staves)), [len(s) for s in staves])
    order = np.lexsort((-notes["duration"], staff, notes["pitch"], notes["onset"]))
    notes, staff = notes[order], staff[order]
    key = notes["onset"] * 128 + notes["pitch"]
    single = np.append(True, key[1:] != key[:-1])
    kept = [notes[single & (staff == s)] for s in range(len(staves))]
    return [k for k in kept if len(k)]


def leaders(onset: Ints, end: Ints, tolerance: float) -> Ints:
    """Shape (notes,): for each note the index of the note whose group it is in.

    `onset` rises. In order, each note that no earlier one has gathered leads a group and gathers
    the free notes that start at most `tolerance` after it and end within `tolerance` of its end.
    Every pass settles the first free note of each cluster, a run with no gap over `tolerance`.
    """
    lead = np.arange(len(onset))
    free = np.arange(len(onset))
    for _ in range(_MOST_ROUNDS):
        if not len(free):
            return lead
        first = np.append(True, np.diff(onset[free]) > tolerance)
        leader = free[first][np.cumsum(first) - 1]
        near = (onset[free] - onset[leader] <= tolerance) & (
            np.abs(end[free] - end[leader]) <= tolerance
        )
        lead[free[near]] = leader[near]
        free = free[~near]
    return _leaders_one_by_one(lead, free.tolist(), onset, end, tolerance)


def _leaders_one_by_one(
    lead: Ints, free: list[int], onset: Ints, end: Ints, tolerance: float
) -> Ints:
    """The rest of a file whose notes overlap in chains hundreds long, as no music does."""
    gathered: set[int] = set()
    for place, i in enumerate(free):
        if i in gathered:
            continue
        for j in free[place:]:
            if onset[j] - onset[i] > tolerance:
                break
            if j not in gathered and abs(end[j] - end[i]) <= tolerance:
                gathered.add(j)
                lead[j] = i
    return lead


def on_grid(ticks: Ints, ticks_per_beat: int) -> Ints:
    """Ticks to twelfths of a beat, on the nearest point of the sixteenth or the triplet grid.

    That is music21's quantisation by quarter-length divisors 4 and 3; the finer grid wins a tie.
    """
    fourths = np.rint(ticks * 4 / ticks_per_beat) * 3
    thirds = np.rint(ticks * 3 / ticks_per_beat) * 4
    exact = ticks * 12 / ticks_per_beat
    nearer = np.abs(thirds - exact) < np.abs(fourths - exact)
    return np.where(nearer, thirds, fourths).astype(np.int64)


def groups(score: Score) -> Groups:
    """The notes and chords of a Score's first part, by quantised onset, then by staff."""
    tolerance = score.ticks_per_beat * TOLERANCE_BEATS
    staves = first_part(score)
    if not staves:
        nothing = np.zeros(0, np.int64)
        return Groups(nothing, nothing, nothing, nothing, nothing, score.notes[:0])
    notes = np.concatenate(staves)
    staff = np.repeat(np.arange(len(staves)), [len(s) for s in staves])
    starts = np.cumsum([0] + [len(s) for s in staves[:-1]])
    lead = np.concatenate(
        [
            start + leaders(s["onset"], s["onset"] + s["duration"], tolerance)
            for start, s in zip(starts, staves, strict=True)
        ]
    )
    step = on_grid(notes["onset"], score.ticks_per_beat)
    order = np.lexsort((notes["pitch"], lead, notes["onset"][lead], staff, step[lead]))
    notes, lead = notes[order], lead[order]
    again = (lead[1:] == lead[:-1]) & (notes["pitch"][1:] == notes["pitch"][:-1])
    notes, lead = notes[np.append(True, ~again)], lead[np.append(True, ~again)]
    first = np.flatnonzero(np.append(True, lead[1:] != lead[:-1]))
    end = notes["onset"] + notes["duration"]
    onset = np.minimum.reduceat(notes["onset"], first)
    return Groups(
        onset=onset,
        duration=np.maximum.reduceat(end, first) - onset,
        size=np.diff(np.append(first, len(notes))),
        mask=np.bitwise_or.reduceat(np.int64(1) << (notes["pitch"].astype(np.int64) % 12), first),
        lowest=notes["pitch"][first].astype(np.int64),
        notes=notes,
    )
