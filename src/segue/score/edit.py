"""Edits: each takes a Score and gives a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segue.score.score import SUSTAIN_PEDAL, Events, Score, Text, Track


def _moved(table: Events, ticks: int) -> Events:
    moved = table.copy()
    moved["onset"] += ticks
    return moved


def shift(score: Score, ticks: int) -> Score:
    """Every event `ticks` later (earlier if negative); ValueError if one would start before 0."""
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
    notes = notes[(notes["onset"] >= start) & (notes["onset"] < end)].copy()
    notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    tables: dict[str, Events] = {"notes": notes}
    by = {"controls": ("track", "number"), "bends": ("track",)}
    for name in ("controls", "bends", "tempi", "metres", "keys"):
        table = getattr(score, name)
        inside = table[(table["onset"] > start) & (table["onset"] < end)]
        tables[name] = np.concatenate([_state_at(table, start, by.get(name, ())), inside])
    texts = tuple(t for t in score.texts if start <= t.onset < end)
    return shift(score.with_(texts=texts, **tables), -start)


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
    pedal = score.controls[score.controls["number"] == SUSTAIN_PEDAL]
    if not len(pedal):
        return score
    notes = score.notes.copy()
    for track in np.unique(pedal["track"]):
        mine = np.flatnonzero(notes["track"] == track)
        if len(mine):
            notes["duration"][mine] = _held(notes[mine], pedal[pedal["track"] == track], threshold)
    others = score.controls[score.controls["number"] != SUSTAIN_PEDAL]
    return score.with_(notes=notes, controls=others)


def _held(notes: Events, pedal: Events, threshold: int) -> np.ndarray:
    """Durations with the pedal's help; `notes` of one track by onset, `pedal` likewise."""
    ends = notes["onset"] + notes["duration"]
    last_sound = int(ends.max())
    down = pedal["value"] >= threshold
    # The pedal's state is that of its last event at or before the note's end.
    state = np.searchsorted(pedal["onset"], ends, side="right") - 1
    held = (state >= 0) & down[np.clip(state, 0, None)]
    ups = pedal["onset"][~down]
    after = np.searchsorted(ups, ends, side="right")
    release = np.append(ups, last_sound)[after]
    longer = np.where(held, np.maximum(release, ends), ends)
    # Struck again: the string stops for the new note, and for all that began with it.
    order = np.lexsort((notes["onset"], notes["pitch"]))
    onset, pitch = notes["onset"][order], notes["pitch"][order]
    strike = np.flatnonzero(np.append(True, (pitch[1:] != pitch[:-1]) | (onset[1:] != onset[:-1])))
    same = np.append(pitch[strike][1:] == pitch[strike][:-1], False)
    following = np.where(same, np.append(onset[strike][1:], 0), np.iinfo(np.int64).max)
    again = np.empty(len(notes), np.int64)
    again[order] = np.repeat(following, np.diff(np.append(strike, len(notes))))
    return np.maximum(np.minimum(longer, again), ends) - notes["onset"]


def tidy(score: Score) -> Score:
    """No empty notes and no overlap: a note ends at the latest where its pitch starts again.

    Of two notes with the same track, pitch and onset the longer stays.
    """
    notes = score.notes[score.notes["duration"] > 0]
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
    return score.with_(notes=notes)


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
