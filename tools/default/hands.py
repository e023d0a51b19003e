"""A file's music as one pianist plays it: two hands, one pedal, nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.errors import DataError
from segue.score import CONTROL, SUSTAIN_PEDAL, Score, Text, Track, slice_ticks, tidy

FEWEST_NOTES = 32
HANDS = (Track("Right hand"), Track("Left hand"))

_LAST_KEYBOARD = 7
"""Programs 0 to 7 are pianos, a harpsichord and a clavichord."""

_FOUR_HANDS = ("pri", "sec")
"""How the names of tracks begin in pieces for two players."""


def hands(score: Score, parts: dict[str, int] | None = None) -> Score:
    """The notes in one or two tracks, right hand first, with the pedal in each; no drums.

    Tempi, metres, keys and copyrights stay. `parts` names the hand (0 right, 1 left) of tracks by
    name. Without it, of two tracks the one that lies higher is the right hand, and more are cut in
    two where the hands' own pitches differ least (weighted by notes). Whole bars of silence before
    the first note go. Raises DataError for what one pianist does not play, or hardly any notes.
    """
    used = [i for i, t in enumerate(score.tracks) if not t.is_drum and len(score.track_notes(i))]
    _check(score, used)
    side = _named(score, used, parts) if parts else _by_pitch(score, used)
    lookup = np.zeros(len(score.tracks), np.int64)
    lookup[used] = side
    notes = score.notes[np.isin(score.notes["track"], used)].copy()
    notes["track"] = lookup[notes["track"]]
    there = np.unique(notes["track"])
    notes["track"] = np.searchsorted(there, notes["track"])
    clean = score.with_(
        notes=notes,
        controls=_pedal(score, len(there)),
        bends=score.bends[:0],
        tracks=HANDS[: len(there)],
        texts=tuple(t for t in score.texts if t.kind == "copyright"),
    )
    return _without_lead(tidy(clean))


def _check(score: Score, used: list[int]) -> None:
    notes = int(np.isin(score.notes["track"], used).sum())
    if notes < FEWEST_NOTES:
        raise DataError(f"it has {notes} notes; {FEWEST_NOTES} are the fewest.")
    others = sorted(
        {score.tracks[i].program for i in used if score.tracks[i].program > _LAST_KEYBOARD}
    )
    if others:
        raise DataError(f"programs {', '.join(map(str, others))} play in it, which are no piano.")
    begins = {score.tracks[i].name[:3].lower() for i in used}
    if begins >= set(_FOUR_HANDS):
        raise DataError("it is for four hands.")


def _named(score: Score, used: list[int], parts: dict[str, int]) -> list[int]:
    unknown = {score.tracks[i].name for i in used} - set(parts)
    if unknown:
        raise DataError(f"it has a track {min(unknown)!r}, not only {', '.join(parts)}.")
    return [parts[score.tracks[i].name] for i in used]


def _by_pitch(score: Score, used: list[int]) -> list[int]:
    """For each track that is used 0 for the right hand, 1 for the left."""
    if len(used) == 1:
        return [0]
    pitches = [score.track_notes(i)["pitch"].astype(float) for i in used]
    mean = np.array([pitch.mean() for pitch in pitches])
    order = np.argsort(-mean, kind="stable")

    def spread(cut: int) -> float:
        two = order[:cut], order[cut:]
        joined = [np.concatenate([pitches[i] for i in part]) for part in two]
        return float(sum(((pitch - pitch.mean()) ** 2).sum() for pitch in joined))

    cut = min(range(1, len(used)), key=spread)
    side = np.ones(len(used), np.int64)
    side[order[:cut]] = 0
    return side.tolist()


def _pedal(score: Score, tracks: int) -> Any:
    """One pedal for all hands, written in each: as far down as the file's deepest is."""
    moves = score.controls[score.controls["number"] == SUSTAIN_PEDAL]
    ticks = np.unique(moves["onset"])
    deepest = np.zeros(len(ticks), np.uint8)
    for track in np.unique(moves["track"]):
        mine = moves[moves["track"] == track]
        last = np.searchsorted(mine["onset"], ticks, side="right")
        values = np.append(np.uint8(0), mine["value"])[last]
        deepest = np.maximum(deepest, values)
    changed = np.append(deepest[:1] > 0, deepest[1:] != deepest[:-1])
    ticks, deepest = ticks[changed], deepest[changed]
    table = np.zeros(len(ticks) * tracks, CONTROL)
    table["onset"], table["value"] = np.tile(ticks, tracks), np.tile(deepest, tracks)
    table["track"] = np.repeat(np.arange(tracks), len(ticks))
    table["number"] = SUSTAIN_PEDAL
    return table


def _without_lead(score: Score) -> Score:
    """The same from the bar in which the first note is."""
    bar = np.floor(score.metre_map.bars(int(score.notes["onset"].min())))
    start = int(score.metre_map.ticks(float(bar)))
    if start <= 0:
        return score
    last = max(
        [score.end_ticks, *(int(table["onset"][-1]) for table in (score.controls,) if len(table))]
    )
    texts = tuple(Text(max(t.onset - start, 0), t.text, t.kind) for t in score.texts)
    return slice_ticks(score, start, last + 1).with_(texts=texts)
