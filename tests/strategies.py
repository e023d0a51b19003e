"""Hypothesis strategies for Scores, shared by all tests.

`scores()` draws small whole pieces; its keywords narrow what they hold. Everything it makes is a
valid Score, with the odd cases that files hold: unisons, overlaps, notes without length, tracks
without notes, events on one tick, resolutions of any size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from segue.score import BEND, CONTROL, KEY, METRE, NOTE, TEMPO, Score, Text, Track, events

RESOLUTIONS = (1, 4, 24, 96, 100, 120, 220, 384, 480, 960, 1000, 10080)
LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"))

names = st.text(LETTERS, max_size=12)
programs = st.integers(0, 127)
tracks = st.builds(Track, name=names, program=programs, is_drum=st.booleans())
piano = st.just(Track("Piano", 0, False))


def tables(dtype: np.dtype[Any], row: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    """Event tables of up to `most` rows."""
    return st.lists(row, max_size=most).map(lambda rows: events(dtype, rows))


def notes(
    count: int, last: int, longest: int, most: int, *, pitches: tuple[int, int] = (0, 127)
) -> st.SearchStrategy[Any]:
    """Note tables over `count` tracks with onsets up to tick `last`."""
    row = st.tuples(
        st.integers(0, last),
        st.integers(0, longest),
        st.integers(0, count - 1),
        st.integers(*pitches),
        st.integers(1, 127),
    )
    return tables(NOTE, row, most)


@st.composite
def scores(
    draw: st.DrawFn,
    *,
    most_notes: int = 40,
    most_tracks: int = 4,
    beats: int = 16,
    track: st.SearchStrategy[Track] = tracks,
    extras: bool = True,
    resolutions: tuple[int, ...] = RESOLUTIONS,
) -> Score:
    """A Score of up to `beats` beats; without `extras` it holds notes, tracks and tempi alone."""
    ticks_per_beat = draw(st.sampled_from(resolutions))
    last = ticks_per_beat * beats
    held = tuple(draw(st.lists(track, min_size=1, max_size=most_tracks)))
    when, which = st.integers(0, last), st.integers(0, len(held) - 1)
    tempo = st.tuples(when, st.integers(100_000, 3_000_000))
    fields: dict[str, Any] = {
        "notes": draw(notes(len(held), last, 4 * ticks_per_beat, most_notes)),
        "tempi": draw(tables(TEMPO, tempo, 3)),
    }
    if extras:
        metre = st.tuples(when, st.integers(1, 12), st.sampled_from([1, 2, 4, 8, 16]))
        control = st.tuples(
            when, which, st.sampled_from([1, 7, 64, 64, 64]), st.sampled_from([0, 30, 64, 127])
        )
        fields |= {
            "metres": draw(tables(METRE, metre, 3)),
            "keys": draw(tables(KEY, st.tuples(when, st.integers(-7, 7), st.booleans()), 2)),
            "controls": draw(tables(CONTROL, control, 10)),
            "bends": draw(tables(BEND, st.tuples(when, which, st.integers(-8192, 8191)), 3)),
            "texts": tuple(draw(st.lists(st.builds(Text, onset=when, text=names), max_size=2))),
        }
    return Score(ticks_per_beat=ticks_per_beat, tracks=held, **fields)
