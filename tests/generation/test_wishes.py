"""Wishes: kept by every take, shown by its notes, and refused where they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from music import chorale
from segue import bundles, encodings
from segue.bundles import Bundle
from segue.errors import SegueError
from segue.generation import Sampling, continue_, generate
from segue.generation.harmony import chart, key
from segue.generation.wishes import Wishes
from segue.score import Score, slice_bars


@pytest.fixture(scope="module")
def bundle(run_path: Path) -> Bundle:
    return bundles.load(run_path)


WILD = Sampling(temperature=3.0)
SEEDS = 12


def begun_at(score: Score) -> list[tuple[int, int]]:
    """(bar, pitch class) of every note; a model of chorales plays no drums."""
    assert not any(score.tracks[t].is_drum for t in np.unique(score.notes["track"]))
    bars = np.floor(score.metre_map.bars(score.notes["onset"]) + 1e-6).astype(int)
    return list(zip(bars.tolist(), (score.notes["pitch"] % 12).tolist(), strict=True))


def test_every_take_keeps_to_its_key(bundle: Bundle) -> None:
    asked = key("D minor")
    for take in generate(
        bundle, takes=SEEDS, bars=4, seed=0, sampling=WILD, wishes=Wishes(key=asked)
    ):
        assert {c for _, c in begun_at(take.score)} <= asked.classes
        assert take.receipt["checks"]["key"] == {"asked": "D minor", "kept": True}
        assert take.receipt["settings"]["wishes"] == {"key": "D minor"}


def test_every_note_starts_on_a_tone_of_its_chord(bundle: Bundle) -> None:
    chords = chart("Am F C G")
    for take in generate(
        bundle, takes=SEEDS, bars=8, seed=3, sampling=WILD, wishes=Wishes(chords=chords)
    ):
        found = begun_at(take.score)
        assert all(c in chords[bar % 4].classes for bar, c in found)
        assert len({bar for bar, _ in found}) >= 4


def test_masks_do_nearly_all_of_it(bundle: Bundle) -> None:
    takes = generate(bundle, takes=SEEDS, bars=8, seed=3, wishes=Wishes(chords=chart("C G")))
    notes = sum(t.receipt["checks"]["notes"] for t in takes)
    moved = sum(t.receipt["checks"]["moved_notes"] for t in takes)
    assert moved < 0.05 * notes


def test_range_and_polyphony_hold(bundle: Bundle) -> None:
    wishes = Wishes(lowest=55, highest=67, polyphony=2)
    for take in generate(bundle, takes=SEEDS, bars=4, seed=1, sampling=WILD, wishes=wishes):
        notes = take.score.notes
        assert notes["pitch"].min() >= 55
        assert notes["pitch"].max() <= 67
        for onset in np.unique(notes["onset"]):
            sounding = (notes["onset"] <= onset) & (notes["onset"] + notes["duration"] > onset)
            assert sounding.sum() <= 2
        assert take.receipt["checks"]["polyphony"]["kept"]


def test_tempo_metre_and_instruments_are_those_asked_for(bundle: Bundle) -> None:
    wishes = Wishes(tempo=90, metre=(3, 4), instruments=(40, 42))
    take = generate(bundle, bars=4, seed=1, wishes=wishes)[0]
    programs = {take.score.tracks[t].program for t in np.unique(take.score.notes["track"])}
    assert programs <= {40, 42}
    assert take.score.tempi["microseconds"].tolist() == [666_667]
    assert take.score.end_bars <= 4
    assert take.score.metre_map.bars(take.score.ticks_per_beat * 3) == pytest.approx(1)
    assert all(take.receipt["checks"][w]["kept"] for w in ("tempo", "metre", "instruments"))


def test_a_prompt_is_not_touched_by_what_is_asked_of_its_continuation(bundle: Bundle) -> None:
    prompt = slice_bars(chorale(5), 0, 2)
    asked = key("F# major")
    take = continue_(bundle, prompt, bars=4, seed=2, sampling=WILD, wishes=Wishes(key=asked))[0]
    begin = prompt.end_ticks
    old, new = (
        take.score.notes[take.score.notes["onset"] < begin],
        take.score.notes[take.score.notes["onset"] >= begin],
    )
    assert old.tolist() == prompt.notes.tolist()
    assert set((new["pitch"] % 12).tolist()) <= asked.classes


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"lowest": 70, "highest": 60}, "highest came as 60; 70 to 127"),
        ({"tempo": 0}, "tempo came as 0; 4 to 1000"),
        ({"metre": (3, 5)}, "the metre came as 3/5"),
        ({"key": key("C"), "chords": chart("F#"), "lowest": 60, "highest": 61}, "leave no pitch"),
    ],
)
def test_wishes_that_cannot_be_are_one_sentence(wishes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SegueError, match=sentence):
        Wishes(**wishes)


def test_more_instruments_than_parts_are_refused(bundle: Bundle) -> None:
    with pytest.raises(SegueError, match="name that many at most"):
        generate(bundle, bars=1, wishes=Wishes(instruments=tuple(range(40))))


@pytest.mark.parametrize("name", ["note_chord", "nes_events"])
def test_encodings_that_keep_no_tempo_play_at_the_one_asked_for(name: str) -> None:
    encoding = encodings.get(name)
    played = encoding.decode(encoding.encode(chorale(1)).rows)
    timed = Wishes(tempo=90, metre=(3, 4)).in_time(played, encoding)
    assert timed.tempi["microseconds"].tolist() == [666_667]
    assert timed.metres[["numerator", "denominator"]].tolist() == [(3, 4)]
    if encoding.step_seconds is None:  # every note keeps its beat
        assert timed.notes.tolist() == played.notes.tolist()
    else:  # or its second
        np.testing.assert_allclose(timed.onset_seconds(), played.onset_seconds(), atol=1e-4)
        np.testing.assert_allclose(timed.duration_seconds(), played.duration_seconds(), atol=1e-4)


def test_music_in_the_time_asked_for_stays_as_it_is() -> None:
    music = chorale(1)
    assert Wishes(tempo=100).in_time(music, encodings.get("compound")) == music
    assert Wishes().in_time(music, encodings.get("compound")) == music
