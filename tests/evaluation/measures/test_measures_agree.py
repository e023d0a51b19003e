"""Our measures beside MusPy's, pretty_midi's and mir_eval's own, on made and drawn music."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from music import chorale
from segue.evaluation.frames import onsets_found
from segue.evaluation.measures import MEASURES, drum, polyphony, scale
from segue.score import KEY, METRE, NOTE, Score, Track, events
from strategies import scores

muspy = pytest.importorskip("muspy")

STEPS = 24


def music(score: Score) -> object:
    """The Score as MusPy holds it: the same ticks, tracks in their order."""
    tracks = [
        muspy.Track(
            program=track.program,
            is_drum=track.is_drum,
            notes=[
                muspy.Note(int(n["onset"]), int(n["pitch"]), int(n["duration"]), int(n["velocity"]))
                for n in score.track_notes(number)
            ],
        )
        for number, track in enumerate(score.tracks)
    ]
    return muspy.Music(resolution=score.ticks_per_beat, tracks=tracks)


def in_one_metre(score: Score, numerator: int) -> Score:
    return score.with_(metres=events(METRE, [(0, numerator, 4)]))


# At MusPy's own resolution, which is that of our grid.
pieces = scores(resolutions=(STEPS,), extras=False).filter(lambda s: s.end_ticks > 0)
PLAIN = (
    "n_pitches_used", "n_pitch_classes_used", "pitch_entropy", "pitch_class_entropy",
    "scale_consistency", "polyphony", "polyphony_rate", "empty_beat_rate",
    "drum_pattern_consistency",
)  # fmt: skip


def both(ours: float, theirs: float) -> None:
    assert math.isnan(ours) == math.isnan(theirs)
    if not math.isnan(ours):
        assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("name", PLAIN)
@hypothesis_settings(max_examples=40)
@given(score=pieces)
def test_muspy_gives_the_same(name: str, score: Score) -> None:
    both(MEASURES[name].function(score), getattr(muspy, name)(music(score)))


@given(score=pieces)
def test_pitch_range_is_muspys_where_there_are_pitches(score: Score) -> None:
    ours, theirs = MEASURES["pitch_range"].function(score), muspy.pitch_range(music(score))
    # MusPy's range of drums alone is -127; a range cannot be that.
    assert math.isnan(ours) if theirs < 0 else ours == theirs


@pytest.mark.parametrize("numerator", [3, 4])
@pytest.mark.parametrize("name", ["groove_consistency", "empty_measure_rate"])
@hypothesis_settings(max_examples=40)
@given(score=pieces)
def test_muspy_gives_the_same_of_bars(name: str, numerator: int, score: Score) -> None:
    score = in_one_metre(score, numerator)
    theirs = getattr(muspy, name)(music(score), numerator * STEPS)
    both(MEASURES[name].function(score), theirs)


@given(score=pieces, root=st.integers(0, 11), mode=st.sampled_from(["major", "minor"]))
def test_muspy_gives_the_same_of_a_scale(score: Score, root: int, mode: str) -> None:
    both(
        scale.in_scale_rate(score, root, mode), muspy.pitch_in_scale_rate(music(score), root, mode)
    )


@pytest.mark.parametrize("metre", ["duple", "triple"])
@given(score=pieces)
def test_muspy_gives_the_same_of_a_drum_pattern(metre: str, score: Score) -> None:
    both(drum.in_pattern_rate(score, metre), muspy.drum_in_pattern_rate(music(score), metre))


@pytest.mark.parametrize(("fifths", "minor", "root"), [(0, False, 0), (1, False, 7), (-3, True, 0)])
def test_the_key_stated_is_the_scale_asked_for(fifths: int, minor: bool, root: int) -> None:
    score = chorale(3).with_(keys=events(KEY, [(0, fifths, minor)]))
    theirs = muspy.pitch_in_scale_rate(music(score), root, "minor" if minor else "major")
    both(MEASURES["pitch_in_scale_rate"].function(score), theirs)
    assert math.isnan(MEASURES["pitch_in_scale_rate"].function(chorale(3)))


@pytest.mark.parametrize("seed", range(3))
def test_muspy_gives_the_same_of_a_chorale(seed: int) -> None:
    score = chorale(seed)
    for name in PLAIN:
        both(MEASURES[name].function(score), getattr(muspy, name)(music(score)))


def roll(score: Score) -> np.ndarray:
    """Which pitches sound at each tick, (ticks, 128): the slow way."""
    cells = np.zeros((score.end_ticks, 128), bool)
    for note in score.notes:
        if not score.tracks[note["track"]].is_drum:
            cells[note["onset"] : note["onset"] + note["duration"], note["pitch"]] = True
    return cells


@given(score=pieces)
def test_stretches_of_polyphony_are_those_of_a_roll(score: Score) -> None:
    sounding, ticks = polyphony.voices(score)
    slow = np.bincount(roll(score).sum(axis=1), minlength=8)
    fast = np.bincount(sounding, ticks, minlength=8).astype(int)
    assert fast[1:].tolist() == slow[1:].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_inter_onset_is_pretty_midis(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    import pretty_midi

    import segue

    path = tmp_path_factory.mktemp("midi") / "piece.mid"
    segue.write(chorale(seed), path)
    found = np.diff(pretty_midi.PrettyMIDI(str(path)).get_onsets()).mean()
    assert MEASURES["average_inter_onset"].function(chorale(seed)) == pytest.approx(found, abs=1e-6)


@given(
    told=st.lists(st.tuples(st.integers(0, 30), st.integers(40, 50)), unique=True, max_size=30),
    came=st.lists(st.tuples(st.integers(0, 30), st.integers(40, 50)), unique=True, max_size=30),
)
def test_onset_f1_is_mir_evals(told: list[tuple[int, int]], came: list[tuple[int, int]]) -> None:
    transcription = pytest.importorskip("mir_eval.transcription")

    def cells(pairs: list[tuple[int, int]]) -> np.ndarray:
        made = np.zeros((31, 128), bool)
        for frame, pitch in pairs:
            made[frame, pitch] = True
        return made

    def notes(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        at = np.array([frame for frame, _ in pairs], float).reshape(-1)
        hertz = np.array([440 * 2 ** ((pitch - 69) / 12) for _, pitch in pairs])
        return np.stack([at, at + 0.5], axis=1), hertz

    # mir_eval warns of empty ones and calls two of them a score of 0.
    if not told or not came:
        return
    theirs = transcription.precision_recall_f1_overlap(
        *notes(came), *notes(told), onset_tolerance=0.1, offset_ratio=None
    )
    ours = onsets_found(cells(told), cells(came))
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs[:3])


def slow_groove(score: Score) -> float:
    """MusDr's GS by all pairs, one by one."""
    bars = math.ceil(score.end_bars - 1e-9)
    played = np.zeros((bars, 64), bool)
    for at in score.metre_map.bars(score.notes["onset"]):
        cell = round(float(at) * 64)
        played[cell // 64, cell % 64] = True
    apart = [(played[a] ^ played[b]).sum() / 64 for a in range(bars) for b in range(a)]
    return 1 - float(np.mean(apart))


def slow_entropy(score: Score, bars: int) -> float:
    """MusDr's H by windows, one by one."""
    bar = np.floor(score.metre_map.bars(score.notes["onset"])).astype(int)
    found = []
    for first in range(max(bar) + 2 - bars):
        classes = score.notes["pitch"][(bar >= first) & (bar < first + bars)] % 12
        p = np.bincount(classes, minlength=12) / len(classes)
        found.append(-sum(x * math.log2(x) for x in p if x))
    return float(np.mean(found))


@pytest.mark.parametrize("seed", range(3))
def test_musdrs_measures_are_those_of_its_definitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(int(rng.integers(0, 40)) * 6, 6, 0, int(rng.integers(50, 70)), 80) for _ in range(90)]
    # Something in every bar of 96 ticks, so that no window is empty.
    rows += [(bar * 96, 6, 0, 60, 80) for bar in range(4)]
    score = Score(24, events(NOTE, rows), (Track(),))
    slow: dict[str, Callable[[Score], float]] = {
        "groove_similarity": slow_groove,
        "entropy_1_bar": lambda s: slow_entropy(s, 1),
        "entropy_4_bars": lambda s: slow_entropy(s, min(4, 3 if s.end_bars < 3 else 4)),
    }
    for name, by_hand in slow.items():
        assert MEASURES[name].function(score) == pytest.approx(by_hand(score)), name
