"""Runs compared: the numbers are those of the judges, the page holds all it needs, votes count."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segue as package
from music import chorale, folder_of_chorales
from segue import bundles
from segue.bundles.bundle import sha256_of
from segue.errors import DataError
from segue.evaluation.compare_sets import excerpt
from segue.evaluation.measures import measure
from segue.files import write_json
from segue.generation import generate
from segue.judging import memorisation
from segue.judging.compare import REAL, Asked, Comparison, compare, trained_seconds
from segue.judging.compare_report import write_report
from segue.judging.compare_samples import Listening, Sample, listening, samples
from segue.judging.likelihood import evaluate
from segue.judging.listening import counted
from segue.judging.page import Scale, megabytes, seconds, short

Cli = Callable[..., Any]
ASKED = Asked(takes=4, bars=2, samples=2, seed=5)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven chorales, of which the runs learned some: these tests ask for no fairness."""
    return folder_of_chorales(tmp_path_factory.mktemp("music") / "held-out", 7)


@pytest.fixture(scope="module")
def other_run(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with other weights, drawn by chance: it has learned nothing."""
    from safetensors.numpy import save_file

    run = tmp_path_factory.mktemp("runs") / "other"
    shutil.copytree(run_path, run)
    folder = run / "bundle"
    rng = np.random.default_rng(0)
    drawn = {
        name: rng.normal(0, 0.5, each.shape).astype(each.dtype)
        for name, each in bundles.load(folder).weights().items()
    }
    save_file(drawn, folder / "model.safetensors")
    index = json.loads((folder / "bundle.json").read_text())
    # Without its ONNX form it is played by torch, from the weights.
    index["sha256"] = {k: v for k, v in index["sha256"].items() if not k.endswith(".onnx")}
    index["sha256"]["model.safetensors"] = sha256_of(folder / "model.safetensors")
    write_json(folder / "bundle.json", index)
    return run


@pytest.fixture(scope="module")
def found(run_path: Path, other_run: Path, held_out: Path) -> Comparison:
    return compare([run_path, other_run], held_out, ASKED)


@pytest.fixture(scope="module")
def drawn(found: Comparison) -> list[Sample]:
    return samples(found)


@pytest.fixture(scope="module")
def report(
    found: Comparison, drawn: list[Sample], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("report")
    write_report(out, found, drawn, listening(drawn, ASKED.seed))
    return out


# -- numbers -------------------------------------------------------------------------------------


def test_likelihoods_are_those_of_evaluate(
    found: Comparison, run_path: Path, held_out: Path
) -> None:
    alone = evaluate(bundles.load(run_path), held_out)
    told = found.contestants[0].as_dict()["likelihood"]
    assert told["nats"]["model"]["note"]["nats"] == alone.nats("note")
    assert [each.name for each in found.contestants] == ["tiny", "other"]


def test_takes_are_those_of_generate_and_so_are_their_measures(
    found: Comparison, run_path: Path
) -> None:
    takes = generate(bundles.load(run_path), takes=4, bars=2, seed=5)
    assert [t.score for t in found.contestants[0].takes] == [t.score for t in takes]
    mean = np.mean([measure(t.score, ["note_count"])["note_count"] for t in takes if len(t.score)])
    assert found.contestants[0].as_dict()["measures"]["note_count"]["mean"] == pytest.approx(mean)


def test_real_music_is_cut_to_as_many_bars(found: Comparison) -> None:
    assert len(found.real) == 7
    assert all(score.end_bars <= ASKED.bars + 1 for _, score in found.real)
    rng = np.random.default_rng(0)
    assert excerpt(found.real[0][1], ASKED.bars, rng) == found.real[0][1]


def test_the_difference_is_that_of_the_two_likelihoods(found: Comparison) -> None:
    (difference,) = found.differences
    first, other = (c.evaluation for c in found.contestants)
    assert first is not None
    assert other is not None
    assert difference.pieces == 7
    assert difference.nats == pytest.approx(
        first.nats("note", plus_charge=True) - other.nats("note", plus_charge=True)
    )
    assert difference.low <= difference.nats <= difference.high < 0  # it has learned more


def test_a_run_beside_itself_is_no_different(run_path: Path, held_out: Path) -> None:
    twice = compare([run_path, run_path / "bundle"], held_out, Asked(2, 1, 0))
    assert [each.name for each in twice.contestants] == ["tiny", "tiny #2"]
    (difference,) = twice.differences
    assert (difference.nats, difference.low, difference.high) == (0, 0, 0)


def test_size_and_training_time_are_those_on_disk(found: Comparison, tmp_path: Path) -> None:
    run = found.contestants[0]
    files = [f for f in run.bundle.path.rglob("*") if f.is_file()]
    assert run.size == sum(len(f.read_bytes()) for f in files)
    log = tmp_path / "metrics.jsonl"
    log.write_text("\n".join(json.dumps({"time": t}) for t in (100.0, 160.0, 9000.0, 9030.0)))
    assert trained_seconds(log) == 90.0  # the long pause is no training
    assert trained_seconds(tmp_path / "none") is None
    log.write_text("[]")
    with pytest.raises(DataError, match="not the log"):
        trained_seconds(log)


def test_what_is_missing_is_said(
    run_path: Path, held_out: Path, tmp_path: Path, segue: Cli
) -> None:
    old = tmp_path / "old" / "bundle"
    shutil.copytree(run_path / "bundle", old)
    index = json.loads((old / "bundle.json").read_text())
    del index["beside"]
    write_json(old / "bundle.json", index)
    ran = segue("compare", old, "--data", held_out, "-n", 2, "--bars", 1, "--samples", 0,
                "-o", tmp_path / "report")  # fmt: skip
    assert ran.code == 0
    assert "old, memorisation:" in ran.err
    assert "What could not be found out" in (tmp_path / "report" / "index.html").read_text()


def test_held_out_music_that_was_learned_from_is_told(run_path: Path, tmp_path: Path) -> None:
    training = set(memorisation.training_at(run_path).names)
    known = [seed for seed in range(12) if f"chorale-{seed:02d}.mid" in training][:3]
    for seed in (*known, 100):
        package.write(chorale(seed), tmp_path / f"{seed}.mid")
    (run,) = compare([run_path], tmp_path, Asked(1, 6, 0)).contestants
    assert run.missing["held-out music"].startswith("3 of 4 pieces are in its training music")


# -- the pages -----------------------------------------------------------------------------------


class Page(HTMLParser):
    """Every tag with its attributes, and that each is closed."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ["index.html", "listen.html"])
def test_pages_hold_all_they_need(report: Path, name: str) -> None:
    text = (report / name).read_text()
    page = Page(text)
    assert page.open == []
    sources = [v for _, attrs in page.tags for k, v in attrs.items() if k in ("src", "href") and v]
    assert all(source.startswith("data:") or source == "listen.html" for source in sources)
    assert not re.search(r"https?://|@import|url\(", re.sub(r"data:[^'\"]*", "", text))
    assert ("meta", "viewport") in [(tag, attrs.get("name")) for tag, attrs in page.tags]
    assert "prefers-color-scheme: dark" in text


def test_samples_are_pictures_and_sounds(report: Path, drawn: list[Sample]) -> None:
    page = Page((report / "index.html").read_text())
    images = [a["src"] for tag, a in page.tags if tag == "img" and a["src"]]
    sounds = [a["src"] for tag, a in page.tags if tag == "audio" and a["src"]]
    assert len(images) == len(sounds) == len(drawn) == 6
    for image in images:
        assert base64.b64decode(image.split(",")[1])[:4] == b"\x89PNG"
    assert {s.of for s in drawn} == {"tiny", "other", REAL}


def test_the_blind_page_names_nobody(report: Path, drawn: list[Sample]) -> None:
    text = re.sub(r"data:[^'\"]*", "", (report / "listen.html").read_text())
    for sample in drawn:
        assert sample.title not in text
    assert "other" not in text.split('id="listening">')[1].split("</script>")[0]
    told = json.loads(text.split('id="listening">')[1].split("</script>")[0])
    assert set(told) == {"listening", "pairs", "sounds"}


def test_every_pair_is_heard_in_an_order_drawn_by_the_seed(drawn: list[Sample]) -> None:
    of = {sample.code: sample.of for sample in drawn}
    orders = [listening(drawn, seed).pairs for seed in range(8)]
    for pairs in orders:
        met = sorted(tuple(sorted((of[p.first], of[p.second]))) for p in pairs)
        assert met == sorted([("other", "tiny"), (REAL, "tiny"), ("other", REAL)] * 2)
    assert orders[0] == listening(drawn, 0).pairs
    assert len(set(orders)) > 4
    assert len({pairs[0].first == orders[0][0].first for pairs in orders}) == 2


def test_numbers_are_in_the_json_and_hold_no_nan(report: Path, found: Comparison) -> None:
    text = (report / "compare.json").read_text()

    def refuse(word: str) -> Any:
        raise AssertionError(word)

    told = json.loads(text, parse_constant=refuse)
    assert [run["name"] for run in told["runs"]] == ["tiny", "other"]
    assert told["runs"][0]["parameters"] == found.contestants[0].bundle.index["parameters"]
    assert len(told["runs"][0]["memorisation"]["takes"]) <= ASKED.takes
    assert set(told["listening"]["key"].values()) == {"tiny", "other", REAL}


# -- votes ---------------------------------------------------------------------------------------


def votes_file(report: Path, path: Path, best: str) -> Path:
    """A listener who always prefers `best`, and otherwise neither."""
    told = json.loads((report / "compare.json").read_text())["listening"]
    choices = []
    for first, second in told["pairs"]:
        names = (told["key"][first], told["key"][second])
        choice = ("first", "second")[names.index(best)] if best in names else "neither"
        choices.append({"first": first, "second": second, "choice": choice})
    write_json(path, {"listening": told["listening"], "choices": choices})
    return path


def test_votes_are_counted_by_the_key(report: Path, tmp_path: Path, segue: Cli) -> None:
    shutil.copytree(report, tmp_path / "report")
    file = votes_file(report, tmp_path / "a.json", "tiny")
    told = segue("compare", "--votes", file, "-o", tmp_path / "report", "--json").json
    assert (told["votes"], told["listeners"]) == (6, 1)
    by = {(duel["one"], duel["other"]): duel for duel in told["duels"]}
    assert by["other", "tiny"]["losses"] == 2
    assert by["other", REAL]["draws"] == 2
    assert by["other", "tiny"]["p"] == 0.5
    strengths = told["strengths"]
    assert max(strengths, key=lambda name: strengths[name]["chance"]) == "tiny"
    page = (tmp_path / "report" / "votes.html").read_text()
    assert Page(page).open == []
    assert "What listeners preferred" in page
    shown = segue("compare", "--votes", file, "-o", tmp_path / "report")
    assert "tiny: preferred with" in shown.out


def test_votes_that_cannot_be_are_refused(report: Path, tmp_path: Path) -> None:
    file = votes_file(report, tmp_path / "a.json", "tiny")
    with pytest.raises(DataError, match="the same votes"):
        counted(report, [file, file])
    told = json.loads(file.read_text())
    write_json(tmp_path / "b.json", {**told, "listening": "another"})
    with pytest.raises(DataError, match="another listening"):
        counted(report, [tmp_path / "b.json"])
    write_json(tmp_path / "c.json", {**told, "choices": [{**told["choices"][0], "choice": "A"}]})
    with pytest.raises(DataError, match="cannot have made"):
        counted(report, [tmp_path / "c.json"])
    write_json(tmp_path / "d.json", {**told, "choices": []})
    with pytest.raises(DataError, match="no votes"):
        counted(report, [tmp_path / "d.json"])
    with pytest.raises(DataError, match="cannot be read"):
        counted(tmp_path, [file])


def test_the_verb_asks_for_what_it_needs(run_path: Path, segue: Cli) -> None:
    assert "held-out music" in segue("compare", run_path).err
    assert "not both" in segue("compare", run_path, "--votes", "a.json").err


# -- small things --------------------------------------------------------------------------------


def test_figures_are_short() -> None:
    assert [short(v) for v in (0.123456, 12.3456, 1234.5, float("nan"), None)] == [
        "0.123", "12.3", "1,234", "\N{EN DASH}", "\N{EN DASH}",
    ]  # fmt: skip
    assert [seconds(v) for v in (0.05, 5.0, 90.0, 7200.0, 4e5)] == [
        "50 ms", "5 s", "1.5 min", "2 h", "4.63 days",
    ]  # fmt: skip
    assert [megabytes(v) for v in (2_000, 3_200_000)] == ["2 kB", "3.2 MB"]


def test_a_scale_keeps_its_ends_in_sight() -> None:
    scale = Scale([2.0, 4.0, float("nan")])
    assert 0 < scale(2.0) < scale(3.0) == 50.0 < scale(4.0) < 100
    assert scale.dot(float("nan"), "c1") == ""
    assert Scale([0.0, 10.0], zero=True)(0.0) == 0
    assert 0 <= Scale([5.0])(5.0) <= 100


def test_codes_tell_samples_apart(drawn: list[Sample]) -> None:
    assert len({sample.code for sample in drawn}) == len(drawn)
    told: Listening = listening(drawn, 0)
    assert told.name == listening(drawn, 9).name  # of the same samples
