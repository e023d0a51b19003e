"""What travels beside the rows: tempo, metre, key and tracks as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from segue.score import KEY, METRE, TEMPO, Score, Track, events
from segue.score.score import Events

_TABLES = {"tempi": TEMPO, "metres": METRE, "keys": KEY}


def time_header(score: Score, ticks_per_beat: int) -> dict[str, Any]:
    """Tempi, metres and keys of a Score at another resolution, onsets rounded to its ticks."""
    header: dict[str, Any] = {"ticks_per_beat": ticks_per_beat}
    for name in _TABLES:
        table = getattr(score, name).copy()
        table["onset"] = np.rint(table["onset"] * (ticks_per_beat / score.ticks_per_beat))
        header[name] = [list(row) for row in table.tolist()]
    return header


def time_tables(header: Mapping[str, Any]) -> dict[str, Events]:
    """The tempi, metres and keys of a header as event tables; empty for what it lacks."""
    return {
        name: events(dtype, (tuple(row) for row in header.get(name, ())))
        for name, dtype in _TABLES.items()
    }


def resolution(ticks_per_beat: int, steps_per_beat: int) -> int:
    """`ticks_per_beat` if steps fall on its ticks, else the first multiple of steps from 480 up."""
    if ticks_per_beat % steps_per_beat == 0:
        return ticks_per_beat
    return steps_per_beat * -(-480 // steps_per_beat)


def first_pitched(score: Score) -> Track:
    """The first pitched track with notes, else the first pitched one, else a nameless piano."""
    playing = np.unique(score.notes["track"]).tolist()
    found = [score.tracks[i] for i in playing] + list(score.tracks)
    return next((track for track in found if not track.is_drum), Track())


def tracks_header(tracks: Mapping[int, Track]) -> list[list[Any]]:
    """Tracks by slot as JSON rows: slot, name, program, whether drums."""
    return [[slot, t.name, t.program, t.is_drum] for slot, t in sorted(tracks.items())]


def tracks_of(header: Mapping[str, Any]) -> dict[int, Track]:
    """The tracks of a header by slot."""
    return {
        int(slot): Track(str(name), int(program), bool(drum))
        for slot, name, program, drum in header.get("tracks", ())
    }
