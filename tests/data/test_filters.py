"""Filters: each refuses what it is asked to, and nothing else."""

import json

import numpy as np
import pytest
from tiny_encoding import PitchOnly
from tunes import folder_of, tune

from segue.data import Filters, prepare
from segue.data.traits import traits
from segue.errors import DataError
from segue.formats.table import write
from segue.recipes.schema import FilterTable
from segue.score import METRE, NOTE, Score, Track, events


def refusal(score, **asked):
    return Filters(**asked).refusal(score, traits(score)[0])


def band(*programs, drums=False):
    """A track of ten notes for each program, and one of drums."""
    tracks = [Track("", program) for program in programs] + [Track("", 0, True)] * drums
    rows = [(480 * n, 480, t, 60 + n, 80) for n in range(10) for t in range(len(tracks))]
    return Score(480, events(NOTE, rows), tuple(tracks))


def scale(pitches):
    weights = [3, 1, 2, 1, 3, 1, 1, 3]
    steps = np.repeat(pitches, weights).tolist()
    rows = [(480 * n, 480, 0, p, 80) for n, p in enumerate(steps)]
    return Score(480, events(NOTE, rows), (Track(),))


def test_the_defaults_refuse_nothing():
    assert Filters().asked() == {}
    for score in (tune(1, 1), band(0, 40, drums=True)):
        assert refusal(score) == ""


@pytest.mark.parametrize(
    ("score", "asked", "reason"),
    [
        (band(0, 5), {"piano_only": True}, ""),
        (band(0, 73), {"piano_only": True}, "not piano alone: pipe plays too"),
        (band(0, drums=True), {"piano_only": True}, "not piano alone: drums play too"),
        (tune(1, 10), {"min_notes": 10, "max_notes": 10}, ""),
        (tune(1, 10), {"min_notes": 11}, "too few notes: 10, 11 are asked for"),
        (tune(1, 10), {"max_notes": 9}, "too many notes: 10, up to 9 are asked for"),
        (tune(1, 10), {"min_seconds": 5.5}, "too few seconds: 5, 5.5 are asked for"),
        (tune(1, 10), {"max_seconds": 4}, "too many seconds: 5, up to 4 are asked for"),
        (tune(1, 10), {"min_polyphony": 2}, "too few notes at once: 1, 2 are asked for"),
        (band(0, 0, 0), {"max_polyphony": 2}, "too many notes at once: 3, up to 2 are asked for"),
        (scale([60, 62, 64, 65, 67, 69, 71, 72]), {"mode": "major"}, ""),
        (scale([60, 62, 64, 65, 67, 69, 71, 72]), {"mode": "minor"}, "not in minor"),
        (scale([57, 59, 60, 62, 64, 65, 68, 69]), {"mode": "minor"}, ""),
        (band(drums=True), {"mode": "major"}, "not in major"),
    ],
)
def test_each_filter(score, asked, reason):
    assert refusal(score, **asked) == reason


def test_metres_are_those_that_notes_stand_in():
    waltz = tune(1, 12).with_(metres=events(METRE, [(0, 3, 4), (480 * 20, 1, 4)]))
    assert refusal(waltz, metres=("3/4",)) == ""
    assert refusal(waltz, metres=("4/4", "2/4")) == "in another metre: 3/4"
    late = tune(1, 12).with_(metres=events(METRE, [(480 * 4, 3, 4)]))
    assert refusal(late, metres=("3/4",)) == "in another metre: 4/4"
    assert refusal(tune(1, 12), metres=("4/4",)) == "", "4/4 until a file says otherwise"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"metres": ("three",)}, "write it as 3/4"),
        ({"metres": ("3/5",)}, "write it as 3/4"),
        ({"mode": "dorian"}, "major or minor"),
        ({"min_notes": 5, "max_notes": 4}, "from 5 to 4 notes"),
        ({"min_seconds": -1}, "from -1 to 0"),
    ],
)
def test_what_cannot_be_asked_for(asked, said):
    with pytest.raises(DataError, match=said):
        Filters(**asked)


def test_a_folder_is_filtered_and_refusals_counted(tmp_path):
    folder = folder_of(tmp_path / "in", 6, notes=40)
    write(band(0, drums=True), folder / "band.mid")
    write(band(drums=True), folder / "drums.mid")
    filters = Filters(drums=False, min_notes=10, max_notes=44)
    corpus = prepare(folder, tmp_path / "out", PitchOnly(), workers=0, filters=filters)
    reasons = {"too many notes": 1, "holds drums alone": 1}
    assert corpus.summary()["refusals"] == reasons
    assert corpus.summary()["filters"] == {"drums": False, "min_notes": 10, "max_notes": 44}
    (mine,) = (
        json.loads(line)
        for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
        if "band.mid" in line
    )
    assert (mine["notes"], mine["kept"]) == (10, True), "the drums were left out first"
    # Other filters are another corpus.
    assert (
        prepare(folder, tmp_path / "out", PitchOnly(), workers=0).summary()["totals"]["kept"] == 8
    )


def test_a_recipe_can_ask_for_each_of_them():
    assert Filters(**FilterTable().model_dump()) == Filters()
    assert set(FilterTable.model_fields) == set(Filters.__dataclass_fields__)
