"""The report of a corpus: its numbers add up, its page is whole and asks nothing of the network."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from tiny_encoding import PitchOnly
from tunes import folder_of, tune

from segue.data import prepare
from segue.data.drawing import Axis, Series, bars, rows
from segue.data.summing import metre_names, sums_by_split
from segue.data.traits import TRAITS, traits
from segue.formats.table import write
from segue.score import METRE, Track, events, transpose


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    folder = folder_of(root / "in <b>", 30, notes=60)
    write(transpose(tune(3, 63), 4), folder / "a & b" / "<i>again.mid")
    waltz = tune(40, 50).with_(
        metres=events(METRE, [(0, 3, 4)]), tracks=(Track("Flute", 73), Track("Drums", 0, True))
    )
    write(waltz, folder / "a & b" / "waltz.mid")
    (folder / "broken.mid").write_bytes(b"no")
    return prepare(folder, root / "out", PitchOnly(), workers=0)


@pytest.fixture(scope="module")
def page(made):
    return (made.root / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def numbers(made):
    return json.loads((made.root / "report.json").read_text())


def test_histograms_add_up_to_the_corpus(made, numbers):
    for split, part in made.summary()["splits"].items():
        found = numbers["histograms"][split]
        assert sum(found["pitch"]) == sum(found["velocity"]) == part["notes"]
        assert sum(found["length"]) == sum(found["beat"]) == part["notes"]
        assert sum(found["family"].values()) == part["notes"]
        for each in ("tempo", "polyphony", "seconds", "notes"):
            assert sum(found[each]) == part["pieces"]
        assert sum(found["key"].values()) == sum(found["metre"].values()) == part["pieces"]
    assert numbers["totals"] == made.summary()["totals"]
    assert numbers["refusals"] == {"is no MIDI file": 1}
    assert numbers["families"] == [{"first": "03.mid", "pieces": 2}]


def test_every_histogram_has_its_axis_told(numbers):
    kinds = {name for by in numbers["histograms"].values() for name in by}
    assert kinds - set(numbers["axes"]) == {"key", "metre", "family"}, "these name their bins"
    for name in ("length", "seconds", "notes"):
        bins = len(numbers["histograms"]["train"][name])
        assert len(numbers["axes"][name]["edges"]) == bins + 1


def test_the_page_has_a_chart_of_everything(page, made):
    for title in ("Pitch", "Velocity", "Length of notes", "Density", "Key", "Tempo", "Metre"):
        assert f"<h3>{title}</h3>" in page
    assert made.hash in page
    assert "held out" in page
    assert "is no MIDI file" in page
    assert "kin" in page


def test_its_charts_are_sound_svg(page):
    charts = re.findall("<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) == 12
    for chart in charts:
        ElementTree.fromstring(chart)


def test_it_needs_no_network_and_no_script(page):
    assert set(re.findall(r"\w+://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    for tag in ("<script", "<link", "<img", "@import", "url("):
        assert tag not in page


def test_names_of_files_cannot_write_into_the_page(page):
    assert "<title>in &lt;b&gt;: the corpus</title>" in page
    assert "a &amp; b" in page
    assert "<i>" not in page


def test_one_piece_and_drums_alone_have_a_report(tmp_path):
    drums = tune(1, 50).with_(tracks=(Track("Drums", 0, True),))
    write(drums, tmp_path / "one.mid")
    corpus = prepare(tmp_path / "one.mid", tmp_path / "out", PitchOnly(), workers=0)
    page = (corpus.root / "report.html").read_text(encoding="utf-8")
    assert "held out" not in page
    found = json.loads((corpus.root / "report.json").read_text())["histograms"]["train"]
    assert (sum(found["pitch"]), found["key"]["none"]) == (0, 1)


def test_sums_do_not_depend_on_how_many_pieces_are_read_at_a_time(monkeypatch, made):
    records = np.concatenate([traits(tune(n, 20)) for n in range(made.index["rows"].size)])
    assert records.dtype == TRAITS
    places = np.arange(len(records))[::-1]
    whole = sums_by_split(records, places, made.index)
    monkeypatch.setattr("segue.data.summing._PIECES", 7)
    parts = sums_by_split(records, places, made.index)
    assert whole.keys() == parts.keys()
    for split, by in whole.items():
        assert all(np.array_equal(by[name], parts[split][name]) for name in by)


def test_metres_are_named_and_odd_ones_gathered():
    counts = np.zeros(256, np.int64)
    counts[[0, 4 * 16 + 2, 6 * 16 + 3, 15 * 16 + 3]] = 5, 9, 2, 1
    assert metre_names(counts) == {"4/4": 9, "none stated": 5, "6/8": 2, "15+/8": 1}


def test_bars_are_as_high_as_their_share():
    axis = Axis(["a", "b", "c"], [(0.5, "a")])
    one = Series("train", np.array([1, 3, 0]))
    two = Series("held out", np.array([0, 0, 0]))
    chart = bars("Three & two", axis, [one, two])
    heights = [float(h) for h in re.findall(r"V([\d.]+)h", chart)]
    base = 184
    assert (base - heights[1]) / (base - heights[0]) == pytest.approx(3, abs=0.01)
    assert "Three &amp; two" in chart
    assert "b: train 75 %, held out 0.0 %" in chart
    assert "< 0.1 %".replace("<", "&lt;") in rows(
        "x", ["a", "b"], [Series("train", np.array([1, 99999]))]
    )
