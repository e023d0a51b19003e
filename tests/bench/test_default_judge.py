"""The whole judge on a tiny bundle: cut, gone on with, given again."""

import json
import shutil

import pytest
from bench.evaluate_default import playing
from bench.evaluate_default.__main__ import main
from bench.evaluate_default.store import Store

from segue import bundles


@pytest.fixture(scope="module")
def judged(run_path, judged_music, tmp_path_factory):
    """The command, less what differs from test to test, and where it works."""
    work = tmp_path_factory.mktemp("judge")
    command = ["--bundle", str(run_path), "--music", str(judged_music), "--seeds", "3"]
    command += ["--prompts", "3", "--work", str(work / "kept"), "--name", "tiny"]
    command += ["--write", str(work / "default.json"), "--page", str(work / "models.md")]
    twin = shutil.copytree(run_path, work / "twin")
    assert main([*command, "--against", f"twin={twin}", "--gallery", str(work / "gallery")]) == 0
    return command, work


def test_all_five_are_recorded_with_how(judged):
    _, work = judged
    record = json.loads((work / "default.json").read_text())
    assert list(record["parts"]) == ["a", "b", "c", "d", "e"]
    for part in record["parts"].values():
        assert {"command", "date", "machine", "seed", "minutes", "met", "wanted"} <= set(part)
        assert part["seed"] == 1
    page = (work / "models.md").read_text()
    assert page.count("### (") == 5
    assert "not measured yet" not in page
    assert "Best and worst of ten" in page


def test_a_bundle_is_no_better_than_itself(judged):
    _, work = judged
    parts = json.loads((work / "default.json").read_text())["parts"]
    own, twin = parts["a"]["rows"]
    assert own["nats"] == twin["nats"] > 0
    assert twin["fewer"]["decides"] == 0
    assert twin["fewer"]["alike"]
    assert parts["a"]["met"] is False
    assert parts["b"]["rows"][0]["like_real"] == parts["b"]["rows"][1]["like_real"]
    assert parts["b"]["met"] is False  # not above its twin


def test_the_gallery_holds_the_best_and_the_worst(judged):
    _, work = judged
    chosen = json.loads((work / "gallery" / "chosen.json").read_text())
    distance = {int(seed): far for seed, far in chosen["distance"].items()}
    assert len(distance) == 10
    assert distance[chosen["best"]] == min(distance.values())
    assert distance[chosen["worst"]] == max(distance.values())
    for name in ("best", "worst"):
        files = {path.name for path in (work / "gallery").glob(f"{name}-of-ten.*")}
        expected = {f"{name}-of-ten{end}" for end in (".mid", ".png", ".mp3", ".score.png")}
        assert files | set(chosen["left_out"]) >= expected


def test_what_is_kept_is_not_made_again(judged, monkeypatch, capsys):
    command, _ = judged
    monkeypatch.setattr(playing, "generate", None)
    monkeypatch.setattr(playing, "continue_", None)
    assert main([*command, "--only", "c,d,e"]) == 0
    assert capsys.readouterr().out.count("wanted:") == 3


def test_a_cut_evaluation_goes_on_where_it_was(judged, run_path, monkeypatch):
    command, work = judged
    store = Store(bundles.load(run_path), work / "kept")
    takes = store.folder / "takes" / "nothing-16"
    lost, before = takes / "002.mid", (takes / "002.mid").read_bytes()
    lost.unlink()
    (store.folder / "c.json").unlink()
    made = []

    def generate(*args, **how):
        made.append(how["seed"])
        return original(*args, **how)

    original = playing.generate
    monkeypatch.setattr(playing, "generate", generate)
    store.spend("nothing-16", 90.0)
    (store.folder / "b.json").unlink()
    assert main([*command, "--only", "b,c"]) == 0
    assert made == [2]
    assert json.loads((store.folder / "b.json").read_text())["found"]["minutes"] >= 1.5
    assert lost.read_bytes() == before


def test_other_questions_are_not_answered_with_old_answers(judged, run_path):
    _, work = judged
    store = Store(bundles.load(run_path), work / "kept")
    asked = json.loads((store.folder / "c.json").read_text())["asked"]
    assert store.part("c", asked) is not None
    assert store.part("c", {**asked, "seed": 2}) is None
    settings = {"way": "generate", "bars": 16, "seed": 1}
    assert store.take("nothing-16/001", settings) is not None
    assert store.take("nothing-16/001", {**settings, "bars": 8}) is None
    assert store.take("nothing-16/001", {**settings, "seed": 2}) is None
    stranger = Store(bundles.load(run_path), work / "kept")
    stranger._hash = "another"
    assert stranger.take("nothing-16/001", settings) is None


def test_wrong_words_are_refused(judged, capsys):
    command, _ = judged
    assert main([*command, "--only", "f"]) == 1
    assert "a, b, c, d, e are allowed" in capsys.readouterr().err
    assert main([*command, "--against", "nowhere"]) == 1
    assert "NAME=PATH" in capsys.readouterr().err
    assert main([*command, "--against", "tiny=here"]) == 1
    assert "a name of its own" in capsys.readouterr().err
