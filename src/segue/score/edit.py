"""Edits: each takes a Score and gives a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.score.score import SUSTAIN_PEDAL, Events, Score, Text, Track

Ints = NDArray[np.int64]


def _moved(table: Events, ticks: int) -> Events:
    moved = table.copy()
    moved["onset"] += ticks
    return moved


def shift(score: Score, ticks: int) -> Score:
    """Every event `ticks` later (earlier if negative); ValueError if one would start before 0."""
    if not ticks:
        return score
    tables = {
        name: _moved(getattr(score, name), ticks)
        for name in ("notes", "controls", "bends", "tempi", "metres", "keys")
    }
    texts = tuple(replace(t, onset=t.onset + ticks) for t in score.texts)
    return score.with_(texts=texts, **tables)


def _state_at(table: Events, start: int, by: tuple[str, ...]) -> Events:
    """The last event before `start` for each value of the columns `by`, moved to `start`."""
    before = table[table["onset"] <= start]
    if not len(before):
        return before
    if by:
        key = np.zeros(len(before), np.int64)
        for column in by:
            key = key * 256 + before[column]
        _, last = np.unique(key[::-1], return_index=True)
        before = before[np.sort(len(before) - 1 - last)]
    else:
        before = before[-1:]
    before = before.copy()
    before["onset"] = start
    return before


def slice_ticks(score: Score, start: int, end: int) -> Score:
    """The music that starts in [start, end), moved so that `start` is tick 0.

    Notes that sound past `end` are cut there; notes that began before `start` are left out.
    Tempo, metre, key, controllers and bends in force at `start` are carried to tick 0.
    """
    if start < 0 or end < start:
        raise ValueError(f"a slice from tick {start} to {end}: needs 0 <= start <= end.")
    notes = score.notes
    inside = notes["onset"] < end
    if start:
        inside &= notes["onset"] >= start
    tables: dict[str, Events] = {}
    room = end - notes["onset"]
    long = notes["duration"] > room
    if not inside.all() or (long & inside).any():
        tables["notes"] = notes = notes[inside]
        notes["duration"] = np.minimum(notes["duration"], room[inside])
    by = {"controls": ("track", "number"), "bends": ("track",)}
    for name in ("controls", "bends", "tempi", "metres", "keys"):
        table = getattr(score, name)
        # Nothing, or one event that is at the start already, stays as it is.
        if not len(table) or (len(table) == 1 and int(table["onset"][0]) == start):
            continue
        within = (table["onset"] > start) & (table["onset"] < end)
        tables[name] = np.concatenate([_state_at(table, start, by.get(name, ())), table[within]])
    sliced = score.vouched(**tables)
    texts = tuple(t for t in score.texts if start <= t.onset < end)
    return shift(sliced if texts == score.texts else sliced.with_(texts=texts), -start)


def slice_bars(score: Score, first: float, last: float) -> Score:
    """Bars [first, last), counted from 0."""
    start, end = score.metre_map.ticks([first, last])
    return slice_ticks(score, int(start), int(end))


def slice_seconds(score: Score, start: float, end: float) -> Score:
    """Seconds [start, end)."""
    first, last = score.tempo_map.ticks([start, end])
    return slice_ticks(score, int(first), int(last))


def transpose(score: Score, semitones: int) -> Score:
    """Every pitched note `semitones` higher; drums stay, key signatures follow.

    Raises ValueError if a note would leave MIDI's 0 to 127.
    """
    drum = np.array([t.is_drum for t in score.tracks] or [False])
    notes = score.notes.copy()
    pitched = ~drum[notes["track"]] if len(notes) else np.zeros(0, bool)
    pitch = notes["pitch"].astype(np.int64) + semitones * pitched
    if len(pitch) and (pitch.min() < 0 or pitch.max() > 127):
        raise ValueError(
            f"transposing by {semitones} gives pitches {pitch.min()} to {pitch.max()}; "
            "0 to 127 is allowed: transpose by less."
        )
    notes["pitch"] = pitch
    keys = score.keys.copy()
    if semitones % 12:
        # 7 fifths a semitone, wrapped to the simplest signature: -5 to 6.
        keys["fifths"] = (keys["fifths"].astype(np.int64) + 7 * semitones + 5) % 12 - 5
    return score.with_(notes=notes, keys=keys)


def quantise(score: Score, steps_per_beat: int, *, durations: bool = True) -> Score:
    """Note onsets (and ends) moved to the nearest of `steps_per_beat` grid points a beat.

    A note is never shorter than one step, unless the file's own resolution is coarser than that.
    """
    if steps_per_beat < 1:
        raise ValueError(f"steps_per_beat came as {steps_per_beat}; 1 or more is allowed.")
    notes = score.notes.copy()
    step = score.ticks_per_beat / steps_per_beat
    first = np.rint(notes["onset"] / step)
    notes["onset"] = np.rint(first * step)
    if durations:
        last = np.rint((score.notes["onset"] + score.notes["duration"]) / step)
        last = np.maximum(last, first + 1)
        notes["duration"] = np.rint(last * step) - notes["onset"]
    return score.with_(notes=notes)


def sustain(score: Score, threshold: int = 64) -> Score:
    """Notes held on by the sustain pedal get the length that is heard; pedal events are dropped.

    A held note ends when its track's pedal comes up (a value under `threshold`) or when the same
    pitch is struck again on that track, as a piano does and as MAESTRO's readers do.
    """
    pedal = score.controls["number"] == SUSTAIN_PEDAL
    if not pedal.any():
        return score
    notes = score.notes.copy()
    notes["duration"] = heard(score, threshold)
    return score.with_(notes=notes, controls=score.controls[~pedal])


def heard(score: Score, threshold: int = 64) -> Ints:
    """Shape (notes,): how long each note is heard, in ticks; see `sustain`."""
    onset, length, pitch = (_column(score.notes, name) for name in ("onset", "duration", "pitch"))
    pedal = np.flatnonzero(score.controls["number"] == SUSTAIN_PEDAL)
    if not len(onset) or not len(pedal):
        return length
    down = score.controls["value"][pedal] >= threshold
    if len(score.tracks) == 1:
        return _held(onset, length, pitch, _moves(score, pedal, down))
    track, whose = score.notes["track"], score.controls["track"][pedal]
    length = length.copy()
    for number in np.unique(whose):
        mine, its = np.flatnonzero(track == number), whose == number
        if len(mine):
            moves = _moves(score, pedal[its], down[its])
            length[mine] = _held(onset[mine], length[mine], pitch[mine], moves)
    return length


def _moves(score: Score, pedal: Ints, down: NDArray[np.bool_]) -> Ints:
    """When the pedal at rows `pedal` of the controls goes down, up, down ...: it is up first."""
    change = np.flatnonzero(np.append(down[:1], down[1:] != down[:-1]))
    return score.controls["onset"][pedal[change]]


def _column(table: Events, name: str) -> NDArray[Any]:
    """A field of a table with its values side by side, which all that follows is faster with."""
    return np.ascontiguousarray(table[name])


def _held(onset: Ints, length: Ints, pitch: NDArray[np.uint8], moves: Ints) -> Ints:
    """Lengths with the pedal's help; one track's notes by onset, and when its pedal moves."""
    ends = onset + length
    # Its state is that of its last move at or before the note's end.
    made = np.searchsorted(moves, ends, side="right")
    release = np.append(moves, ends.max())[made]
    longer = np.where(made & 1, np.maximum(release, ends), ends)
    # Struck again: the string stops for the new note, and for all that began with it.
    order = np.argsort(pitch, kind="stable")
    pitch, start = pitch[order], onset[order]
    again = np.full(len(start), np.iinfo(np.int64).max)
    same = pitch[1:] == pitch[:-1]
    again[:-1][same] = start[1:][same]
    if bool((again == start).any()):
        again = _next_strikes(pitch, start)
    stop = np.empty(len(start), np.int64)
    stop[order] = again
    return np.maximum(np.minimum(longer, stop), ends) - onset


def _next_strikes(pitch: NDArray[np.uint8], start: Ints) -> Ints:
    """When each pitch is next struck, where notes by pitch and start may begin together."""
    new = (pitch[1:] != pitch[:-1]) | (start[1:] != start[:-1])
    strike = np.flatnonzero(np.append(True, new))
    following = np.full(len(strike), np.iinfo(np.int64).max)
    same = pitch[strike][1:] == pitch[strike][:-1]
    following[:-1][same] = start[strike][1:][same]
    return np.repeat(following, np.diff(np.append(strike, len(start))))


def tidy(score: Score) -> Score:
    """No empty notes and no overlap: a note ends at the latest where its pitch starts again.

    Of two notes with the same track, pitch and onset the longer stays.
    """
    notes = score.notes
    # Canonical notes are by onset already, so that one key for track and pitch is enough.
    voice = (notes["track"].astype(np.int64) << 7) | notes["pitch"]
    order = np.argsort(voice, kind="stable")
    again = np.flatnonzero(voice[order[1:]] == voice[order[:-1]])
    first, second = order[again], order[again + 1]
    gap = notes["onset"][second] - notes["onset"][first]
    if (notes["duration"][first] <= gap).all() and (notes["duration"] > 0).all() and gap.all():
        return score
    return score.vouched(notes=_without_overlap(notes))


def _without_overlap(notes: Events) -> Events:
    notes = notes[notes["duration"] > 0]
    order = np.lexsort((-notes["duration"], notes["onset"], notes["pitch"], notes["track"]))
    notes = notes[order].copy()
    if len(notes) > 1:
        same = (notes["track"][1:] == notes["track"][:-1]) & (
            notes["pitch"][1:] == notes["pitch"][:-1]
        )
        twin = np.append(False, same & (notes["onset"][1:] == notes["onset"][:-1]))
        notes = notes[~twin]
        same = (notes["track"][1:] == notes["track"][:-1]) & (
            notes["pitch"][1:] == notes["pitch"][:-1]
        )
        gap = notes["onset"][1:] - notes["onset"][:-1]
        cut = np.minimum(notes["duration"][:-1], gap)
        notes["duration"][:-1] = np.where(same, cut, notes["duration"][:-1])
    return notes


def _at_resolution(score: Score, ticks_per_beat: int) -> Score:
    """The same music at another resolution, rounded to the nearest tick."""
    if score.ticks_per_beat == ticks_per_beat:
        return score
    factor = ticks_per_beat / score.ticks_per_beat
    tables: dict[str, Events] = {}
    for name in ("notes", "controls", "bends", "tempi", "metres", "keys"):
        table = getattr(score, name).copy()
        table["onset"] = np.rint(table["onset"] * factor)
        tables[name] = table
    ends = (score.notes["onset"] + score.notes["duration"]) * factor
    lengths = np.rint(ends) - tables["notes"]["onset"]
    # A note too short for the new ticks stays a note.
    tables["notes"]["duration"] = np.maximum(lengths, score.notes["duration"] > 0)
    texts = tuple(replace(t, onset=round(t.onset * factor)) for t in score.texts)
    return score.with_(ticks_per_beat=ticks_per_beat, texts=texts, **tables)


def merge(scores: Sequence[Score]) -> Score:
    """Several Scores sounding at once: tracks side by side, tempo, metre and key of the first.

    Raises ValueError without a Score.
    """
    if not scores:
        raise ValueError("merge needs at least one Score; none came.")
    first = scores[0]
    parts = [_at_resolution(s, first.ticks_per_beat) for s in scores]
    tables: dict[str, list[Events]] = {"notes": [], "controls": [], "bends": []}
    tracks: list[Track] = []
    texts: set[Text] = set()
    for part in parts:
        for name, gathered in tables.items():
            table = getattr(part, name).copy()
            table["track"] += len(tracks)
            gathered.append(table)
        tracks.extend(part.tracks)
        texts.update(part.texts)
    joined = {name: np.concatenate(gathered) for name, gathered in tables.items()}
    return first.with_(tracks=tuple(tracks), texts=tuple(texts), **joined)


def join(first: Score, second: Score, at: int) -> Score:
    """`second` played after `first`: its tick 0 falls on tick `at` of `first`.

    Track i of `second` goes on as track i of `first`; further tracks are added. Tempo, metre and
    key stay those of `first`, so that a continuation keeps its prompt's time.
    """
    moved = shift(_at_resolution(second, first.ticks_per_beat), at)
    tables = {
        name: np.concatenate([getattr(first, name), getattr(moved, name)])
        for name in ("notes", "controls", "bends")
    }
    tracks = first.tracks + moved.tracks[len(first.tracks) :]
    return first.with_(tracks=tracks, texts=first.texts + moved.texts, **tables)
