"""Every symptom in music that was made to have it, none in music that has nothing wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from music import chorale
from segue.evaluation.doctor import SYMPTOMS, examine, signs
from segue.score import NOTE, Score, Track, events, shift, transpose
from strategies import scores

BEAT = 480
Row = tuple[int, int, int, int, int]


def piece(rows: list[Row]) -> Score:
    tracks = max((row[2] for row in rows), default=0) + 1
    return Score(BEAT, events(NOTE, rows), tuple(Track() for _ in range(tracks)))


def walk(bars: int, *, seed: int = 0, low: int = 48, high: int = 79, a_beat: int = 2) -> list[Row]:
    """A walk along C major, `a_beat` notes a beat: music without a fault."""
    rng = np.random.default_rng(seed)
    scale = [p for p in range(low, high) if p % 12 in (0, 2, 4, 5, 7, 9, 11)]
    at = len(scale) // 2
    rows: list[Row] = []
    step = BEAT // a_beat
    for i in range(bars * 4 * a_beat):
        at = int(np.clip(at + rng.integers(-2, 3), 0, len(scale) - 1))
        rows.append((i * step, step, 0, scale[at], 60 + int(rng.integers(20))))
    return rows


def moved(rows: list[Row], bars: int) -> list[Row]:
    return [(onset + bars * 4 * BEAT, *rest) for onset, *rest in rows]  # type: ignore[misc]


def _silent() -> Score:
    return piece(walk(4) + moved(walk(4), 10))


def _thinning() -> Score:
    rows = walk(16, a_beat=4)
    return piece([r for i, r in enumerate(rows) if r[0] < 10 * 4 * BEAT or i % 24 == 0])


def _thickening() -> Score:
    rows = walk(16, a_beat=4)
    return piece([r for i, r in enumerate(rows) if r[0] > 6 * 4 * BEAT or i % 24 == 0])


def _wandering() -> Score:
    rng = np.random.default_rng(1)
    return piece([(o, d, t, int(rng.integers(50, 74)), v) for o, d, t, _, v in walk(8)])


def _hanging() -> Score:
    return piece([*walk(16), (8 * BEAT, 40 * BEAT, 0, 47, 70)])


def _drifting() -> Score:
    rows = walk(18, low=55, high=70)
    return piece([(o, d, t, p - 20 + 40 * o // (72 * BEAT), v) for o, d, t, p, v in rows])


def _fading() -> Score:
    rows = walk(18)
    return piece([(o, d, t, p, 120 - 110 * o // (72 * BEAT)) for o, d, t, p, v in rows])


def _looping() -> Score:
    figure = walk(2, seed=5)
    return piece(walk(4) + [row for k in range(6) for row in moved(figure, 4 + 2 * k)])


def _cluttered() -> Score:
    return piece([(b * BEAT, BEAT, 0, 40 + 2 * k, 70) for b in range(32) for k in range(16)])


def _stuck() -> Score:
    return piece(walk(4) + moved([(i * 240, 200, 0, 60, 70) for i in range(40)], 4))


def _narrow() -> Score:
    return piece([(i * 240, 240, 0, 60 + (i * i) % 3, 70) for i in range(64)])


ILL = {
    "few": lambda: piece([(0, BEAT, 0, 60, 70), (60 * BEAT, BEAT, 0, 62, 70)]),
    "one-note": _stuck,
    "loop": _looping,
    "silence": _silent,
    "thins": _thinning,
    "thickens": _thickening,
    "clutter": _cluttered,
    "narrow": _narrow,
    "drift": _drifting,
    "fades": _fading,
    "wander": _wandering,
    "hanging": _hanging,
}
WHERE = {
    "one-note": (5, 9),
    "loop": (5, 16),
    "silence": (5, 10),
    "hanging": (3, 12),
}


def found(score: Score) -> dict[str, tuple[int, int]]:
    return {finding.symptom: finding.bars for finding in examine(score)}


def test_every_symptom_has_its_music_here() -> None:
    assert set(ILL) == set(SYMPTOMS)


@pytest.mark.parametrize("symptom", ILL)
def test_a_symptom_made_on_purpose_is_found_where_it_is(symptom: str) -> None:
    told = found(ILL[symptom]())
    assert symptom in told
    first, last = told[symptom]
    assert 1 <= first <= last
    if symptom in WHERE:
        assert told[symptom] == WHERE[symptom]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bars", [8, 16, 40])
def test_a_walk_along_a_scale_has_nothing(seed: int, bars: int) -> None:
    assert examine(piece(walk(bars, seed=seed))) == []


@pytest.mark.parametrize("seed", range(4))
def test_chorales_have_nothing(seed: int) -> None:
    assert examine(chorale(seed, bars=16)) == []


@pytest.mark.parametrize("symptom", ILL)
def test_transposing_changes_no_finding(symptom: str) -> None:
    score = ILL[symptom]()
    assert found(transpose(score, 3)) == found(score)


@pytest.mark.parametrize("symptom", ["loop", "one-note", "wander", "hanging"])
def test_bars_before_the_music_move_the_place_alone(symptom: str) -> None:
    score = ILL[symptom]()
    later = shift(score, 3 * 4 * BEAT)
    first, last = found(score)[symptom]
    assert found(later)[symptom] == (first + 3, last + 3)


@given(score=scores())
def test_any_music_can_be_looked_at(score: Score) -> None:
    for finding in examine(score):
        assert finding.bars[0] <= finding.bars[1]
        assert str(finding).startswith(finding.what)
    assert set(signs(score)) == set(SYMPTOMS)


def test_a_strophe_that_comes_four_times_is_no_loop() -> None:
    verse = walk(8, seed=3)
    song = piece([row for k in range(4) for row in moved(verse, 8 * k)])
    assert "loop" not in found(song)


def test_one_note_handed_from_track_to_track_is_still_one_note() -> None:
    rows = walk(4) + moved([(i * 240, 200, i % 2, 60, 70) for i in range(40)], 4)
    assert found(piece(rows))["one-note"] == WHERE["one-note"]


def test_a_long_last_note_does_not_hang() -> None:
    score = piece([*walk(16), (16 * 4 * BEAT - BEAT, 60 * BEAT, 0, 48, 70)])
    assert "hanging" not in found(score)


def test_a_finding_says_what_where_and_how_much() -> None:
    (told,) = [str(f) for f in examine(_hanging()) if f.symptom == "hanging"]
    assert told == "a note hangs on (bars 3 to 12): 20 seconds, limit 16"
