"""Endings: on the tonic or as the model ends, at the very second asked for; nothing hangs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from music import BEAT, chorale
from segue import bundles, encodings
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import Sampling, continue_, generate
from segue.generation.closing import (
    Close,
    Closing,
    closed,
    dominant_of,
    key_named,
    key_of,
    tonic_of,
)
from segue.generation.guides import Steps
from segue.generation.harmony import chart, chord, key
from segue.generation.replay import replay
from segue.generation.streaming import stream
from segue.generation.wishes import Wishes
from segue.score import NOTE, Score, Track, events, slice_bars

WILD = Sampling(temperature=3.0)


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


def last_chord(score: Score) -> np.ndarray:
    return score.notes[score.notes["onset"] == score.notes["onset"].max()]


@pytest.mark.parametrize("bars", [1, 4])
def test_a_cadence_is_the_tonic_on_the_last_bar_until_its_end(bundle: Bundle, bars: int) -> None:
    wishes = Wishes(key=key("D minor"), ending="cadence")
    for take in generate(bundle, takes=6, bars=bars, seed=1, sampling=WILD, wishes=wishes):
        score = take.score
        last = last_chord(score)
        begins = score.metre_map.bars(int(last["onset"][0]))
        assert begins == pytest.approx(bars - 1 if bars > 1 else 0.5)
        assert {int(p) % 12 for p in last["pitch"]} <= {2, 5, 9}
        assert int(last["pitch"].min()) % 12 == 2
        ends = score.notes["onset"] + score.notes["duration"]
        assert ends.max() == score.metre_map.ticks(bars)
        assert (last["onset"] + last["duration"] == ends.max()).all()
        assert take.receipt["checks"]["ending"]["kept"]


def test_without_a_key_it_is_the_one_that_the_music_is_in(bundle: Bundle) -> None:
    for take in generate(bundle, takes=6, bars=6, seed=1, wishes=Wishes(ending="cadence")):
        proof = take.receipt["checks"]["ending"]
        assert proof["kept"]
        assert {int(p) % 12 for p in last_chord(take.score)["pitch"]} <= chord(
            proof["chord"]
        ).classes


def test_a_chart_says_what_the_last_chord_is(bundle: Bundle) -> None:
    wishes = Wishes(chords=chart("Am F C G"), ending="cadence")
    take = generate(bundle, bars=4, seed=1, sampling=WILD, wishes=wishes)[0]
    assert take.receipt["checks"]["ending"]["chord"] == "G"
    assert {int(p) % 12 for p in last_chord(take.score)["pitch"]} <= {7, 11, 2}
    assert take.receipt["checks"]["chords"]["kept"]


def test_a_model_that_may_end_does_so_late_or_closes(bundle: Bundle) -> None:
    wishes = Wishes(ending="own")
    by = set()
    for take in generate(bundle, takes=24, bars=4, seed=1, sampling=WILD, wishes=wishes):
        proof = take.receipt["checks"]["ending"]
        assert proof["kept"]
        by.add(proof["by"])
        score = take.score
        assert score.metre_map.bars(score.end_ticks) == pytest.approx(round(score.end_bars))
        assert 2 <= score.end_bars <= 4
    assert by <= {"model", "cadence"}


def test_a_prompt_is_not_touched_by_an_ending(bundle: Bundle) -> None:
    prompt = slice_bars(chorale(5), 0, 2)
    take = continue_(bundle, prompt, bars=4, seed=2, wishes=Wishes(ending="cadence"))[0]
    old = take.score.notes[take.score.notes["onset"] < prompt.end_ticks]
    assert old.tolist() == prompt.notes.tolist()
    assert take.receipt["checks"]["ending"]["kept"]


@pytest.mark.parametrize("ending", ["stop", "cadence"])
@pytest.mark.parametrize("seconds", [3.7, 12.0])
def test_seconds_are_exact(bundle: Bundle, seconds: float, ending: str) -> None:
    wishes = Wishes(tempo=77, ending=ending)
    take = generate(bundle, seconds=seconds, seed=3, wishes=wishes)[0]
    assert take.score.end_seconds == pytest.approx(seconds, abs=0.005)
    assert take.receipt["checks"]["length"]["kept"]
    assert take.receipt["settings"]["seconds"] == seconds
    assert replay(bundle, take.score).same


def test_a_continuation_lasts_so_many_seconds_more(bundle: Bundle) -> None:
    prompt = slice_bars(chorale(5), 0, 2)
    take = continue_(bundle, prompt, seconds=7.5, seed=3)[0]
    assert take.score.end_seconds - prompt.end_seconds == pytest.approx(7.5, abs=0.005)
    assert replay(bundle, take.score).same


@pytest.mark.parametrize("wishes", [Wishes(ending="cadence"), Wishes(ending="own")])
def test_what_is_heard_is_the_take(bundle: Bundle, wishes: Wishes) -> None:
    score = generate(bundle, seconds=9, seed=4, wishes=wishes)[0].score
    expected = sorted(
        (round(float(s), 4), round(float(d), 4), int(n["pitch"]))
        for s, d, n in zip(
            score.onset_seconds(), score.duration_seconds(), score.notes, strict=True
        )
    )
    heard = list(stream(bundle, seconds=9, seed=4, wishes=wishes))
    assert sorted((h.onset, h.duration, h.pitch) for h in heard) == expected


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan")])
def test_lengths_that_cannot_be_are_one_sentence(bundle: Bundle, seconds: float) -> None:
    with pytest.raises(SegueError, match="the length came as"):
        generate(bundle, seconds=seconds)


def test_an_unknown_ending_gets_the_nearest() -> None:
    with pytest.raises(SegueError, match="did you mean 'cadence'"):
        Wishes(ending="cadense")


def test_a_roll_closes_in_the_key_that_it_was_heard_in() -> None:
    roll = encodings.get("piano_roll", unit="beats", cells="onsets")
    scale = [2, 6, 9, 4, 7, 11, 1, 2]  # D major
    notes = events(NOTE, [(i * BEAT, BEAT, 0, 60 + p, 80) for i, p in enumerate(scale)])
    rows = roll.encode(Score(BEAT, notes, (Track("Piano"),))).rows.astype(np.int64)
    end = len(rows)
    closing = Closing(roll, 1, cadence=end, at=end, known=None, chart=False)
    guide = Steps(roll, 1, rows[:0], position=-1, closing=closing)
    for row in rows:
        guide.accept(row[None])
    closing.number(np.array([[end]]))
    (found,) = closing.keys
    assert found is not None
    assert found.name == "D major"


def test_degrees_of_keys() -> None:
    assert tonic_of(key("D minor")).classes == {2, 5, 9}
    assert dominant_of(key("D minor")).classes == {9, 0, 4}
    assert dominant_of(key("D harmonic minor")).classes == {9, 1, 4}
    assert tonic_of(key("C minor pentatonic")).classes == {0, 3, 7}
    assert dominant_of(key_named(0)).name == "G"
    assert key_named(12 + 9).name == "A minor"


def test_the_key_of_a_scale_is_its_own() -> None:
    scale = [(i * BEAT, BEAT, 0, 60 + p, 80) for i, p in enumerate((0, 4, 7, 5, 9, 11, 7, 0))]
    score = Score(BEAT, events(NOTE, scale), (Track(),))
    assert key_of(score, score.end_ticks).name == "C"


def test_notes_are_closed_by_hand() -> None:
    """Two bars; what begins after the close goes, and the bass is the root."""
    notes = [
        (0, 9 * BEAT, 0, 60, 80),  # sounds on past the close, and stops there
        (3 * BEAT, BEAT, 0, 65, 80),  # the last onset: it closes, on the nearest tone
        (3 * BEAT, BEAT, 1, 50, 80),  # the bass
        (5 * BEAT, BEAT, 0, 70, 80),  # begins after the close
    ]
    score = Score(BEAT, events(NOTE, notes), (Track("a"), Track("b")))
    close = Close.of(score, 0, 8 * BEAT)
    assert (close.cadence, close.at, close.end) == (2 * BEAT, 4 * BEAT, 8 * BEAT)
    done = closed(score, close, chord("C"), np.ones(128, bool))
    assert done.notes[["onset", "duration", "track", "pitch"]].tolist() == [
        (0, 4 * BEAT, 0, 60),
        (4 * BEAT, 4 * BEAT, 0, 64),
        (4 * BEAT, 4 * BEAT, 1, 48),
    ]
