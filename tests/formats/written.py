"""Scores as a composer would have written them, for round trips through notation."""

from __future__ import annotations

from hypothesis import strategies as st

from segue.score import KEY, METRE, NOTE, TEMPO, Score, Track, events, tidy

TICKS = 480
METRES = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (7, 8), (12, 8)]
# Divisions of a beat that one piece may mix.
GRIDS = [(1, 2), (4,), (3,), (1, 2, 4), (4, 3), (4, 8), (3, 6), (3, 4, 6, 8)]

Heard = tuple[int, int, int, int]


@st.composite
def scores(
    draw: st.DrawFn, *, beats: int = 14, most_notes: int = 30, one_metre: bool = False
) -> Score:
    """Up to two tracks on a grid of halves and thirds, in any metre and key, chords and all."""
    grid = draw(st.sampled_from(GRIDS))
    tracks = draw(st.integers(1, 2))

    @st.composite
    def note(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
        step = draw(st.sampled_from(grid))
        onset = TICKS * draw(st.integers(0, beats * step)) // step
        length = TICKS * draw(st.integers(1, 4 * step)) // step
        pitch, velocity = draw(st.integers(30, 95)), draw(st.integers(1, 127))
        return onset, length, draw(st.integers(0, tracks - 1)), pitch, velocity

    rows = draw(st.lists(note(), min_size=1, max_size=most_notes))
    metres = [(0, *draw(st.sampled_from(METRES)))]
    if not one_metre and draw(st.booleans()):
        metres.append((TICKS * draw(st.integers(1, beats)), *draw(st.sampled_from(METRES))))
    keys = [(0, draw(st.integers(-7, 7)), draw(st.booleans()))] if draw(st.booleans()) else []
    program = draw(st.sampled_from([0, 0, 40]))
    return tidy(
        Score(
            TICKS,
            events(NOTE, rows),
            tuple(Track(f"Part {n + 1}", program) for n in range(tracks)),
            tempi=events(TEMPO, [(0, 600_000)]),
            metres=events(METRE, metres),
            keys=events(KEY, keys),
        )
    )


def heard(score: Score) -> list[Heard]:
    """(onset, length, track among those with notes, pitch) of all notes, in 480ths of a beat."""
    tracks = sorted(set(score.notes["track"].tolist()))
    scale = TICKS / score.ticks_per_beat
    return sorted(
        (
            round(n["onset"] * scale),
            round(n["duration"] * scale),
            tracks.index(n["track"]),
            int(n["pitch"]),
        )
        for n in score.notes
    )


def loudness(score: Score) -> list[int]:
    """Velocities in the order of `heard`."""
    order = sorted(score.notes.tolist(), key=lambda n: (n[0], n[1], n[2], n[3]))
    return [n[4] for n in order]
